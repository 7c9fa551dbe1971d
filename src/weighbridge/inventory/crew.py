"""
Run jobs on threads while the caller does something else.

`concurrent.futures` would do, but importing it costs more than hashing a small model (it pulls
in logging), and here an interrupt has to stop the workers within one block.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self

_LOOK_UP_SECONDS: Final = 0.1
"""How often a waiting caller looks up: should the system have handed an interrupt to one of the
workers, Python delivers it only when the main thread runs."""

Job = Callable[["Crew"], None]
"""Does one piece of work; looks at `Crew.stopped` once a block and returns early when set."""


class Crew:
    """
    Workers that take jobs from a queue until it is empty.

    The first exception of any job stops all and is raised by `finish`. As a context it finishes at
    the block's end, and stops where the block raises.

    Args:
        jobs: The work.
        workers: Threads at most.
        stopping: Called as soon as the work is to end early, from any thread, maybe more than once:
            has jobs return that wait for somebody else.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        *,
        workers: int,
        stopping: Callable[[], None] | None = None,
    ) -> None:
        self._queue: SimpleQueue[Job] = SimpleQueue()
        count = 0
        for job in jobs:
            self._queue.put(job)
            count += 1
        self._ended: SimpleQueue[None] = SimpleQueue()
        self._spare = max(0, workers - count)
        self._counting = threading.Lock()
        self._running = 0
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._stopping = stopping
        self._threads = [
            threading.Thread(target=self._work, name=f"weighbridge-{n}", daemon=True)
            for n in range(min(workers, count))
        ]

    @property
    def stopped(self) -> bool:
        """Whether the work is to end early."""
        return self._stop.is_set()

    def take_spare(self) -> bool:
        """
        Tell whether a worker has nothing more to do, and count on it no longer; from any thread.

        A job that is told so may start a thread. When that has ended, it says `give_spare`.
        """
        if not self._spare:
            return False
        with self._counting:
            taken = self._spare > 0
            self._spare -= taken
            return taken

    def give_spare(self) -> None:
        """Say that what `take_spare` allowed for has ended, or that a worker has nothing to do."""
        with self._counting:
            self._spare += 1

    def start(self) -> None:
        """Let the workers begin."""
        for thread in self._threads:
            self._running += 1
            thread.start()

    def stop(self) -> None:
        """End the work early and wait until no job runs."""
        self._end_early()
        self._wait()

    def _end_early(self) -> None:
        self._stop.set()
        if self._stopping is not None:
            self._stopping()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.stop()

    def finish(self) -> None:
        """Wait for every job; raise the first error of any."""
        with ExitStack() as interrupted:
            interrupted.callback(self.stop)
            self._wait()
            interrupted.pop_all()
        if self._error is not None:
            raise self._error

    def _wait(self) -> None:
        # Not Thread.join: when it is interrupted it takes a running thread for an ended one
        # (CPython 3.11, the workaround for bpo-45274).
        while self._running:
            try:
                self._ended.get(timeout=_LOOK_UP_SECONDS)
            except Empty:
                # A thread that the system refused to start has nothing to say.
                if not any(thread.is_alive() for thread in self._threads):
                    return
            else:
                self._running -= 1

    def _work(self) -> None:
        try:
            self._take_jobs()
        finally:
            self._ended.put(None)

    def _take_jobs(self) -> None:
        while not self._stop.is_set():
            try:
                job = self._queue.get_nowait()
            except Empty:
                self.give_spare()
                return
            try:
                job(self)
            except BaseException as error:  # noqa: BLE001  a thread's boundary: handed to finish
                self._error = self._error or error
                self._end_early()
