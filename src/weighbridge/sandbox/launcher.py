"""
Starts confined workers, in the process that needs them.

A worker is never forked from this process: its memory may hold keys and tokens, its threads may
hold locks. `forkserver` is started by executing the interpreter anew (`-I -S`: no site packages'
start-up code, nothing from the environment or the current directory) and forks the workers.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import weighbridge
from weighbridge.core.errors import OperationError
from weighbridge.core.limits.sandbox import MAX_WORKER_START_SECONDS
from weighbridge.sandbox.frames import FrameError, receive_frame
from weighbridge.sandbox.interface import Allowance, Confinement, Measure
from weighbridge.sandbox.orders import CONTROL, FORK, HELLO, LIMIT, ORDER, REAP, REPLY

_CODE: Final = (
    "import gc, sys; gc.disable(); sys.path += sys.argv[2:];"  # modules are no garbage
    " from weighbridge.sandbox.forkserver import main; main()"
)
_FLAGS: Final = ("-I", "-S", "-X", "utf8")
_MAX_HELLO_BYTES: Final = 4096
_PACKAGES: Final = ("site-packages", "dist-packages")


def is_supported() -> bool:
    """Tell whether this system has what workers are started with: not so Windows."""
    return hasattr(os, "fork") and hasattr(os, "posix_spawn") and hasattr(socket, "send_fds")


class Worker:
    """A confined process and the socket to it."""

    def __init__(self, launcher: "Launcher", process: int, talk: socket.socket) -> None:
        self._launcher = launcher
        self._process = process
        self.talk = talk
        self.confinement = Confinement(enforced=frozenset())
        self.reaped = False
        """Whether it was ended, and is known to have."""

    @property
    def worked(self) -> float | None:
        """Seconds for which it has had a processor so far; None where nobody can tell."""
        if sys.platform != "linux" or self.reaped:
            return None
        try:
            # Its clock as clock_getcpuclockid(3) makes it: Python has that of threads only.
            return time.clock_gettime(~self._process << 3 | 2)
        except OSError:
            return None

    def limit_files(self, size: int) -> bool:
        """
        Let no file that the process writes to grow beyond *size* from now on, until the next call.

        Never more than it was allowed at first, which holds where False is returned: systems other
        than Linux cannot do more.
        """
        return self._launcher.limit_files(self._process, size)

    def end(self) -> str:
        """End the process, and return how it had ended if it had before, as a sentence part."""
        self.talk.close()
        status = self._launcher.reap(self, self._process)
        self.reaped = self.reaped or status >= 0
        return _describe(status)


class _Ahead:
    """A worker that was ordered before somebody wants one; its process, once that is told."""

    def __init__(self, talk: socket.socket) -> None:
        self.talk = talk
        self.process: int | None = None


class Launcher:
    """
    Starts workers that run *target*; a context that ends all of them.

    Methods may be called from several threads.

    Args:
        target: `module:function` of a `Serve`.
        allowance: What each worker may use.
    """

    def __init__(self, target: str, *, allowance: Allowance) -> None:
        self._target = target
        self._allowance = allowance
        self._lock = threading.Lock()
        self._ending = threading.Lock()
        self._server: int | None = None
        self._control: socket.socket | None = None
        self._workers: set[Worker] = set()
        self._ahead: _Ahead | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def prepare(self) -> None:
        """
        Have the first worker started while this process goes on.

        Raises:
            OperationError: The interpreter cannot be executed.
        """
        with self._lock:
            if self._ahead is not None or self._workers:
                return
            control = self._require_server()
            ours, theirs = socket.socketpair()
            self._ahead = _Ahead(ours)
            with theirs:
                try:
                    self._tell(control, self._fork_order(), theirs.fileno())
                except OSError as error:
                    raise _not_started(str(error)) from error

    def start(self) -> Worker:
        """
        Start one worker and wait until it has confined itself.

        Raises:
            OperationError: It does not start.
        """
        with contextlib.ExitStack() as unwinding:
            process, ours = self._take_ahead() or self._fork()
            unwinding.callback(ours.close)
            worker = Worker(self, process, ours)
            worker.confinement = _greeting(ours)
            unwinding.pop_all()
        self._workers.add(worker)
        return worker

    def reap(self, worker: Worker, process: int) -> int:
        """End *worker*, which is *process*; return how it ended, or -1 where nobody knows."""
        self._workers.discard(worker)
        with self._lock:
            if self._control is None:
                return -1
            try:
                return self._ask(self._control, ORDER.pack(REAP, process, 0, 0, 0))
            except OSError:
                return -1

    def limit_files(self, process: int, size: int) -> bool:
        """Do what `Worker.limit_files` says to *process*."""
        with self._lock:
            if self._control is None:
                return False
            try:
                return self._ask(self._control, ORDER.pack(LIMIT, process, 0, 0, size)) == 0
            except OSError:
                return False

    def close(self) -> None:
        """End the fork server, and with it every worker. Calling it again does nothing."""
        # Not under the lock: a thread that waits for the server's answer holds it.
        self._end_server()
        self._drop_ahead()
        for worker in self._workers.copy():
            worker.end()

    def _end_server(self) -> None:
        """End the fork server for good."""
        self._closed = True
        with self._ending:
            server, self._server = self._server, None
            control, self._control = self._control, None
        if server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)
            # A program that ignores SIGCHLD, or waits for any child, may have reaped it.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(server, 0)
        if control is not None:
            control.close()

    def _take_ahead(self) -> tuple[int, socket.socket] | None:
        """Return the worker that `prepare` had started, and the socket to it, once."""
        with self._lock, contextlib.ExitStack() as unwinding:
            ahead, self._ahead = self._ahead, None
            if ahead is None:
                return None
            unwinding.callback(ahead.talk.close)
            try:
                process = self._hear_of(ahead, self._require_server())
            except OSError as error:
                raise _not_started(str(error)) from error
            unwinding.pop_all()
        return process, ahead.talk

    def _drop_ahead(self) -> None:
        """Let go of the worker that nobody has taken; it ends with the server."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.talk.close()

    def _fork(self) -> tuple[int, socket.socket]:
        """Have the server fork a worker; return its process and the socket to it."""
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as unwinding, theirs, self._lock:
            unwinding.callback(ours.close)
            control = self._require_server()
            try:
                process = self._ask(control, self._fork_order(), theirs.fileno())
            except OSError as error:
                raise _not_started(str(error)) from error
            unwinding.pop_all()
        return process, ours

    def _fork_order(self) -> bytes:
        allowance = self._allowance
        return ORDER.pack(
            FORK,
            allowance.memory_bytes,
            allowance.cpu_seconds,
            allowance.open_files,
            allowance.file_bytes,
        )

    def _ask(self, control: socket.socket, order: bytes, *descriptors: int) -> int:
        """
        Return what the server answers to *order*.

        Raises:
            OSError: It has ended, or takes too long.
        """
        if (ahead := self._ahead) is not None:
            self._hear_of(ahead, control)
        self._tell(control, order, *descriptors)
        return self._hear(control)

    def _hear_of(self, ahead: _Ahead, control: socket.socket) -> int:
        """Return the process of *ahead*, which is the first answer of all."""
        if ahead.process is None:
            ahead.process = self._hear(control)
        return ahead.process

    def _tell(self, control: socket.socket, order: bytes, *descriptors: int) -> None:
        """Send *order* to the server, which is ended for good where that fails."""
        with contextlib.ExitStack() as unwinding:
            unwinding.callback(self._end_server)
            if descriptors:
                socket.send_fds(control, [order], descriptors)
            else:
                control.sendall(order)
            unwinding.pop_all()

    def _hear(self, control: socket.socket) -> int:
        """
        Return the server's next answer.

        A server that does not answer is ended for good: what it says later would be taken for
        the answer to the next order, the number of a signal for that of a process.
        """
        reply = b""
        try:
            reply = control.recv(REPLY.size, socket.MSG_WAITALL)
        finally:
            if len(reply) < REPLY.size:
                self._end_server()
        if len(reply) < REPLY.size:
            raise ConnectionResetError("the process that starts them has ended")
        return int(REPLY.unpack(reply)[0])

    def _require_server(self) -> socket.socket:
        """Return the socket to the fork server, which is started with the first worker."""
        if self._closed:
            raise _not_started("they were ended")
        if self._control is None:
            ours, theirs = socket.socketpair()
            try:
                with theirs:
                    self._server = self._spawn(theirs)
            except (OSError, ValueError) as error:
                ours.close()
                raise _not_started(str(error)) from error
            ours.settimeout(MAX_WORKER_START_SECONDS)
            self._control = ours
        return self._control

    def _spawn(self, theirs: socket.socket) -> int:
        """Execute the interpreter with *theirs* as its standard input, and no output."""
        if not sys.executable:
            raise ValueError("the path of the Python interpreter is not known")
        arguments = (self._target, *search_path())
        # Some installers leave it to the first run to compile modules, and that run is this one.
        flags = (*_FLAGS, "-B") if sys.dont_write_bytecode else _FLAGS
        return os.posix_spawn(
            sys.executable,
            [sys.executable, *flags, "-c", _CODE, *arguments],
            _environment(),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs.fileno(), CONTROL),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setsigmask=[],
            setsigdef=[signal.SIGTERM, signal.SIGPIPE],
        )


def search_path() -> list[str]:
    """Return where packages are installed; never the current or a script's directory."""
    own = str(Path(weighbridge.__file__).parent.parent)
    installed = [p for p in sys.path if Path(p).name in _PACKAGES and Path(p).is_absolute()]
    return list(dict.fromkeys([own, *installed]))


def _environment() -> dict[str, str]:
    """Return what a worker sees of the environment: where the interpreter's libraries are."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _greeting(talk: socket.socket) -> Confinement:
    """Return what a new worker says that it was kept to; it has read nothing by then."""
    until = time.monotonic() + MAX_WORKER_START_SECONDS
    try:
        kind, payload = receive_frame(talk, most=_MAX_HELLO_BYTES, until=until)
    except FrameError as error:
        raise _not_started(str(error)) from error
    if kind != HELLO:
        raise _not_started("it did not say that it is confined")
    said = json.loads(payload)
    return Confinement(
        enforced=frozenset(map(Measure, said["enforced"])),
        refused=tuple((Measure(name), str(reason)) for name, reason in said["refused"]),
    )


def _not_started(reason: str) -> OperationError:
    return OperationError(
        "a confined process cannot be started",
        found=reason,
        hint="Run `weighbridge doctor`, and see that sys.executable is a Python interpreter",
    )


def _describe(status: int) -> str:
    """Return how a process ended, as the end of the sentence "the process ..."."""
    if status < 0:
        return "is gone"
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"ended with the exit code {code}"
    if -code == signal.SIGXCPU:
        return "used up its processor time"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended by {name}"
