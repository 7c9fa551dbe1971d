"""
Run jobs on threads while the caller does something else.

A job can return before it is done, with what is left of it. Workers go on with whatever has most
left: where the last jobs are fewer than twice the workers, all of them end at the same time, also
three on two cores, or two of which one lost its core to another process for a while (McNaughton's
rule for jobs that may be interrupted, Management Science 6:1, 1959).

`concurrent.futures` would do, but importing it costs more than hashing a small model (it pulls
in logging), and here an interrupt has to stop the workers within one block.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from heapq import heappop, heappush
from itertools import count
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self, TypeAlias

from weighbridge.core.values import frozen

_LOOK_UP_SECONDS: Final = 0.1
"""How often a waiting caller looks up: should the system have handed an interrupt to one of the
workers, Python delivers it only when the main thread runs."""

Job: TypeAlias = Callable[["Crew"], "Rest | None"]
"""
Does one piece of work; looks at `Crew.stopped` once a block and returns early when set.

What is left of a job that returned early is called once more even if the work was stopped, so that
it can let go of what it has.
"""


@frozen(kw_only=False)
class Rest:
    """A job, and how much of it is left to do, compared with others."""

    left: int
    job: Job


class Crew:
    """
    Workers that take the job of which most is left, until there is none.

    The first exception of any job stops all and is raised by `finish`. As a context it finishes at
    the block's end, and stops where the block raises.

    Args:
        jobs: The work; those that do not say how much they are come last, in their order.
        workers: Threads at most.
        stopping: Called as soon as the work is to end early, from any thread, maybe more than once:
            has jobs return that wait for somebody else.
    """

    def __init__(
        self,
        jobs: Iterable[Job | Rest],
        *,
        workers: int,
        stopping: Callable[[], None] | None = None,
    ) -> None:
        self._numbers = count()
        self._waiting: list[tuple[int, int, bool, Job]] = []
        """By how much is left, as a negative number, then in order; and whether it was begun."""
        for job in jobs:
            self._put(job if isinstance(job, Rest) else Rest(0, job), begun=False)
        self._undone = len(self._waiting)
        self._workers = workers
        self._ended: SimpleQueue[None] = SimpleQueue()
        self._spare = max(0, workers - self._undone)
        self._counting = threading.Lock()
        self._running = 0
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._stopping = stopping
        self._threads = [
            threading.Thread(target=self._work, name=f"weighbridge-{n}", daemon=True)
            for n in range(min(workers, self._undone))
        ]

    @property
    def stopped(self) -> bool:
        """Whether the work is to end early."""
        return self._stop.is_set()

    def gives_way(self, left: int, /) -> bool:
        """
        Tell whether a job of which *left* is left should return now, as another has more left.

        Not while there are two jobs or more for each worker: they are better done one by one, each
        with its file open and its memory filled for as short a time as can be.
        """
        if self._undone >= 2 * self._workers:
            return False
        with self._counting:
            return bool(self._waiting) and -self._waiting[0][0] > left

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
            while (job := self._take()) is not None:
                self._do(job)
        finally:
            self._ended.put(None)

    def _put(self, rest: Rest, *, begun: bool) -> None:
        heappush(self._waiting, (-rest.left, next(self._numbers), begun, rest.job))

    def _take(self) -> Job | None:
        """Return the next job; None where there is none, and one that was begun if stopped."""
        with self._counting:
            while self._waiting:
                _, _, begun, job = heappop(self._waiting)
                if begun or not self._stop.is_set():
                    return job
            self._spare += 1
            return None

    def _do(self, job: Job) -> None:
        rest = None
        try:
            rest = job(self)
        except BaseException as error:  # noqa: BLE001  a thread's boundary: handed to finish
            self._error = self._error or error
            self._end_early()
        with self._counting:
            if rest is None:
                self._undone -= 1
            else:
                self._put(rest, begun=True)
