"""
An examiner that has files examined in confined processes.

Whatever becomes of a worker, the file that it had is not clean: a worker that dies, hangs, meets
a limit or talks nonsense is ended, and the next file gets a fresh one. A file that ended a worker
is examined once more with nothing but the careful engine, so that a crash of a fast one does not
hide what can be found without it.
"""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Final, Protocol, Self, runtime_checkable

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError, OperationError
from weighbridge.core.evidence import Finding, Gap
from weighbridge.core.limits.scanning import (
    MAX_SCAN_SECONDS,
    MAX_WORKER_ANSWER_BYTES,
    MAX_WORKER_CPU_SECONDS,
    MAX_WORKER_INLINE_BYTES,
    MAX_WORKER_MEMORY_BYTES,
    WORKER_GRACE_SECONDS,
)
from weighbridge.sandbox.frames import (
    FrameError,
    HangUpError,
    SilenceError,
    receive_frame,
    send_frame,
)
from weighbridge.sandbox.interface import Allowance, Confinement
from weighbridge.sandbox.launcher import Launcher, Worker, is_supported
from weighbridge.scan.interface import Examiner, Subject
from weighbridge.scan.worker import wire

TARGET: Final = "weighbridge.scan.worker.serve:serve"
LISTER: Final = "weighbridge.scan.worker.list_needs:serve"

ALLOWANCE: Final = Allowance(
    memory_bytes=MAX_WORKER_MEMORY_BYTES, cpu_seconds=MAX_WORKER_CPU_SECONDS
)


@contextmanager
def confined_lister() -> Iterator[Examiner]:
    """Give what lists the names that files need (`scan.needs`), in processes as confined."""
    if not is_supported():
        from weighbridge.scan.needs import list_needs  # noqa: PLC0415  as below

        yield lambda subject: list_needs(replace(subject, careful=True))
        return
    with ConfinedExaminer(target=LISTER) as lister:
        yield lister


@contextmanager
def confined_examiner() -> Iterator[Examiner]:
    """
    Give an examiner that has files examined in confined processes, for as long as the context.

    Systems that have no such processes (Windows) examine in this one, with the careful engine
    alone; what is refused of the confinement elsewhere, `ConfinedExaminer.confinement` says.
    """
    if not is_supported():
        # Imported here: a process that has workers has no use for what they import.
        from weighbridge.scan.examination import examine  # noqa: PLC0415

        yield _UnconfinedExaminer(examine)
        return
    with ConfinedExaminer() as examiner:
        yield examiner


class _UnconfinedExaminer:
    """Examines in this process, with the careful engine alone, and says so."""

    def __init__(self, examine: Examiner) -> None:
        self._examine = examine

    @property
    def confinement(self) -> Confinement:
        """Nothing at all."""
        return Confinement(enforced=frozenset())

    def __call__(self, subject: Subject, /) -> tuple[Finding | Gap, ...]:
        """Return the findings and gaps of *subject*."""
        return self._examine(replace(subject, careful=True))


@runtime_checkable
class OpenFile(Protocol):
    """A source that is an open file from its first byte to its last, open for reading only."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...


_WAITED: Final = (
    "for more than half of it the examining process had no processor, as where the machine is busy "
    "or the disk slow: try again when it has less to do"
)


class WorkerLostError(Exception):
    """The worker is gone or not to be trusted; `code` and the message say why."""

    def __init__(self, reason: str, *, code: Code = Code.SCAN_CRASHED) -> None:
        super().__init__(reason)
        self.code = code


class ConfinedExaminer:
    """
    Examines files in confined workers; an `examination.Examiner`, and a context that ends them.

    Calls may come from several threads; each has a worker of its own while it lasts.
    """

    def __init__(self, *, allowance: Allowance = ALLOWANCE, target: str = TARGET) -> None:
        self._launcher = Launcher(target, allowance=allowance)
        self._lock = threading.Lock()
        self._idle: list[_Session] = []
        self._confinement: Confinement | None = None
        self._unstartable: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def confinement(self) -> Confinement | None:
        """What the workers were kept to, as far as all were; None before the first has started."""
        return self._confinement

    def prepare(self) -> None:
        """
        Start what forks the workers, while this process does something else.

        Raises:
            OperationError: It cannot be started.
        """
        self._launcher.prepare()

    def close(self) -> None:
        """End every worker."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()
        self._launcher.close()

    def __call__(self, subject: Subject, /) -> tuple[Finding | Gap, ...]:
        """
        Return what a worker finds in *subject*, or why it did not.

        Raises:
            WeighbridgeError: The source failed; nothing was examined then.
        """
        try:
            return self._attempt(subject, careful=False)
        except WorkerLostError as lost:
            first = subject.gap(str(lost), code=lost.code)
            if lost.code is Code.SCAN_TIMEOUT or not _has_time(subject):
                return (first,)
        try:
            return (*self._attempt(subject, careful=True), first)
        except WorkerLostError:
            return (first,)

    def _attempt(self, subject: Subject, *, careful: bool) -> tuple[Finding | Gap, ...]:
        """Have *subject* examined once; a worker that did well is kept."""
        session = self._take()
        with ExitStack() as unwinding:
            unwinding.callback(session.close)
            try:
                found = session.examine(subject, careful=careful)
            except FrameError as error:
                unwinding.pop_all()  # ended here, which tells how it had ended
                raise session.lost(error) from error
            except MalformedContentError as error:
                told = f"the examining process gave no valid answer: {error}"
                raise WorkerLostError(told) from error
            unwinding.pop_all()
        with self._lock:
            self._idle.append(session)
        return found

    def _take(self) -> "_Session":
        """Return an idle worker, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        # What does not start once does not start for the next ten thousand files either.
        if self._unstartable is not None:
            raise WorkerLostError(self._unstartable)
        try:
            worker = self._launcher.start()
        except OperationError as error:
            self._unstartable = str(error)
            raise WorkerLostError(self._unstartable) from error
        if self._confinement is None or self._confinement.is_complete:
            self._confinement = worker.confinement
        return _Session(worker)


def _has_time(subject: Subject) -> bool:
    return subject.deadline is None or subject.deadline.clock() < subject.deadline.at


class _Session:
    """One worker, and what it was told of the artifact."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._talk: socket.socket = worker.talk
        self._sizes: Mapping[str, int] | None = None
        self._formats: Mapping[str, FileFormat] | None = None
        self._began = 0.0
        self._worked: float | None = None

    def close(self) -> None:
        """End the worker."""
        self._worker.end()

    def lost(self, error: FrameError) -> WorkerLostError:
        """End the worker, and return what became of it."""
        waited = self._waited()
        ended = self._worker.end()
        if isinstance(error, SilenceError):
            told = "the time for one file is used up"
            return WorkerLostError(f"{told}; {_WAITED}" if waited else told, code=Code.SCAN_TIMEOUT)
        if isinstance(error, HangUpError):
            return WorkerLostError(f"the examining process {ended}")
        return WorkerLostError(f"the examining process gave no valid answer: {error}")

    def examine(self, subject: Subject, *, careful: bool) -> tuple[Finding | Gap, ...]:
        """
        Return the worker's report about *subject*.

        Raises:
            FrameError: There is none.
            MalformedContentError: It is none.
            WeighbridgeError: The source failed.
        """
        seconds = _seconds(subject)
        self._began, self._worked = time.monotonic(), self._worker.worked
        until = self._began + seconds + WORKER_GRACE_SECONDS
        self._talk.settimeout(seconds + WORKER_GRACE_SECONDS)
        if self._sizes is not subject.sizes or self._formats is not subject.formats:
            send_frame(self._talk, wire.FILES, wire.encode_files(subject.sizes, subject.formats))
            self._sizes, self._formats = subject.sizes, subject.formats
        self._send(subject, seconds=seconds, careful=careful)
        while True:
            kind, payload = receive_frame(self._talk, most=MAX_WORKER_ANSWER_BYTES, until=until)
            if kind == wire.REPORT:
                return tuple(map(self._timed, wire.decode_report(payload, subject)))
            if kind != wire.READ:
                raise MalformedContentError("it sent a message that does not exist")
            offset, length = wire.decode_read(payload, size=subject.source.size)
            self._talk.settimeout(max(until - time.monotonic(), 0.001))
            send_frame(self._talk, wire.BYTES, subject.source.read_at(offset, length))

    def _timed(self, found: Finding | Gap) -> Finding | Gap:
        """Return *found*; where the time was over, with what it was spent on."""
        if not isinstance(found, Gap) or found.code is not Code.SCAN_TIMEOUT or not self._waited():
            return found
        return replace(found, reason=f"{found.reason}; {_WAITED}")

    def _waited(self) -> bool:
        """Tell whether the worker had no processor for most of the time that this file took."""
        worked = self._worker.worked
        if worked is None or self._worked is None:
            return False
        return worked - self._worked < (time.monotonic() - self._began) / 2

    def _send(self, subject: Subject, *, seconds: float, careful: bool) -> None:
        """Send the order, with the bytes or the descriptor where that can be done."""
        source, content, data = subject.source, wire.Content.SERVED, b""
        if source.size <= MAX_WORKER_INLINE_BYTES:
            content, data = wire.Content.INLINE, source.read_at(0, source.size)
        elif isinstance(source, OpenFile):
            content = wire.Content.DESCRIPTOR
        order = wire.Order(
            path=subject.path,
            format=subject.format,
            name=subject.name,
            suffix_format=subject.suffix_format,
            size=source.size,
            seconds=seconds,
            careful=careful,
            content=content,
        )
        send_frame(self._talk, wire.EXAMINE, wire.encode_order(order, data=data))
        if content is wire.Content.DESCRIPTOR and isinstance(source, OpenFile):
            try:
                socket.send_fds(self._talk, [b"\0"], [source.fileno()])
            except OSError as error:
                raise HangUpError("the worker is gone") from error


def _seconds(subject: Subject) -> float:
    """Return the seconds that are left for *subject*."""
    if subject.deadline is None:
        return MAX_SCAN_SECONDS
    return max(0.0, subject.deadline.at - subject.deadline.clock())
