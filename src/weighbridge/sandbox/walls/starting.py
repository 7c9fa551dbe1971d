"""Start the last step before the program, and wait for it: what both engines have in common."""

import marshal
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final

import weighbridge
from weighbridge.core.errors import IsolationError
from weighbridge.core.values import frozen
from weighbridge.sandbox import filters, kernel, landlock, programs
from weighbridge.sandbox.walls.ending import TIME_OVER
from weighbridge.sandbox.walls.interface import Walls
from weighbridge.sandbox.walls.limiting import Bounds, bounded

LAST_STEP: Final = (
    "import sys; sys.path.append(sys.argv[2]); "
    "from weighbridge.sandbox.walls.inner import main; main(int(sys.argv[1]))"
)
_FLAGS: Final = ("-I", "-S", "-B", "-X", "utf8")
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
PACKAGE: Final = Path(weighbridge.__file__).parent
"""Where the code of the last step is; it has to be readable inside."""


@frozen
class Places:
    """
    What Landlock leaves to the program, as seen from where it runs.

    Attributes:
        readable: Files and directories that it may read and run.
        writable: Those that it may change.
        devices: Device files that it may use.
        dies_with_parent: Whether the last step is a child of this process and ends with it.
        sockets: The directory below which it may make Unix sockets, and connect to them.
        leaves: A directory of its own that goes with it; None for none.
        alone: Whether nothing of the machine is around it: neither its network, in which any port
            may be used then, nor its files and processes.
    """

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    devices: tuple[str, ...]
    dies_with_parent: bool
    alone: bool
    sockets: str
    leaves: str | None = None


def find_program(name: str, walls: Walls, /) -> str:
    """
    Return the absolute path of the program that a shell would run for *name* with its variables.

    Raises:
        UsageError: There is none.
    """
    return programs.find_program(name, dict(walls.environment))


@frozen
class LastStep:
    """
    How the last step is started.

    Attributes:
        line: Its command line.
        descriptors: What it reads its order from, and what it tells of its start by.
        news: Where that is to be read.
        exceeded: Returns what a group refused the program more of, or ended something for.
    """

    line: tuple[str, ...]
    descriptors: tuple[int, ...]
    news: int
    exceeded: Callable[[], frozenset[str]] = frozenset


@contextmanager
def ordered(
    program: str, command: Sequence[str], walls: Walls, places: Places, /
) -> Iterator[LastStep]:
    """
    Give how the last step is started; its descriptors are closed on leaving.

    Raises:
        IsolationError: A limit cannot be held here.
    """
    with bounded(walls.limits) as bounds:
        order = order_of(program, command, walls, places, bounds)
        with told(LAST_STEP, order, passed_on=bounds.joins) as last:
            yield replace(last, exceeded=bounds.exceeded)


def order_of(
    program: str, command: Sequence[str], walls: Walls, places: Places, bounds: Bounds, /
) -> dict[str, object]:
    """
    Return what the last step is told, but by which descriptor it tells of its start.

    Raises:
        IsolationError: This architecture is not known.
    """
    return {
        "program": program,
        "command": [*command],
        "environment": walls.environment,
        "directory": walls.directory,
        "readable": places.readable,
        "writable": places.writable,
        "devices": places.devices,
        "listen": [[each.port, each.address] for each in walls.listen],
        "connect": bool(walls.connect),
        "interfaces": walls.interfaces,
        "alone": places.alone,
        "leaves": places.leaves,
        "sockets": places.sockets,
        "limits": dict(bounds.each),
        "joins": [*bounds.joins],
        "gate": None,
        "parent": os.getpid() if places.dies_with_parent else None,
        "filters": _filters(walls, alone=places.alone),
    }


def _filters(walls: Walls, *, alone: bool) -> dict[str, bytes]:
    """
    Return the filter for system calls, where `unix_sockets` can be asked and where it cannot.

    They are made here, since that imports more than all the rest of the last step.

    Raises:
        IsolationError: The calls of this architecture are not known.
    """
    machine = kernel.machine()
    if machine is None:
        raise IsolationError("the system calls of this architecture are not known")
    network = bool(walls.listen or walls.connect)
    ways = filters.Ways(
        network=network,
        connecting=network and alone,
        listening=bool(walls.listen),
        interfaces=walls.interfaces and alone,
        alone=alone,
        devices=bool(walls.gpus),
        signals_confined=landlock.version() >= landlock.SIGNALS_FROM,
    )
    return {
        "asking": filters.confining(machine, replace(ways, asking=True)),
        "refusing": filters.confining(machine, ways),
    }


@contextmanager
def told(
    code: str, order: Mapping[str, object], /, *, passed_on: Sequence[int] = ()
) -> Iterator[LastStep]:
    """
    Give how a fresh interpreter is started that runs *code* and is told its *order*.

    It gets the descriptors *passed_on* besides those that it is told by.
    """
    news, teller = os.pipe()
    try:
        os.set_blocking(news, False)
        with passed(marshal.dumps({**order, "started": teller})) as descriptor:
            yield LastStep(
                line=interpreted(code, descriptor),
                descriptors=(descriptor, teller, *passed_on),
                news=news,
            )
    finally:
        os.close(news)
        os.close(teller)


def interpreted(code: str, descriptor: int, /) -> tuple[str, ...]:
    """Return how a fresh interpreter is started that runs *code* and reads from *descriptor*."""
    python = os.path.realpath(sys.executable)
    return (python, *_FLAGS, "-c", code, str(descriptor), os.fspath(PACKAGE.parent))


@contextmanager
def passed(data: bytes, /) -> Iterator[int]:
    """Give a descriptor from which a child can read *data*."""
    descriptor = os.memfd_create("weighbridge", 0)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


class Running:
    """
    A started engine, until its program has ended.

    Attributes:
        over: Whether it was ended since its time was over; known when it was waited for.

    Args:
        line: What to run.
        descriptors: What it gets besides the standard streams.
        news: Where the last step tells that it has put up its walls.
        output: Its standard output and standard error; None for this process's own.
    """

    def __init__(
        self,
        line: Sequence[str],
        /,
        *,
        descriptors: Sequence[int],
        news: int,
        output: tuple[int | None, int | None] = (None, None),
    ) -> None:
        self._news = news
        self.over = False
        try:
            # An interrupt of the terminal is for the program, which is in the same group; what is
            # around the program takes over that it is ignored here.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                self._process = subprocess.Popen(  # noqa: S603  an engine's
                    line, env={}, pass_fds=descriptors, stdout=output[0], stderr=output[1]
                )
            finally:
                signal.signal(signal.SIGINT, before)
        except OSError as error:
            raise IsolationError(
                f"the engine cannot be started: {error.strerror or error}", where=line[0]
            ) from error

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal to the process that was started."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Have it end, if it has not."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def wait(
        self,
        signalled: Callable[[int], None],
        /,
        *,
        seconds: int | None = None,
        stop: Callable[[], None] | None = None,
        interrupts: bool = False,
    ) -> int:
        """
        Return the program's exit code; meanwhile hand signals that ask to end to *signalled*.

        Args:
            signalled: Hands a signal to the program.
            seconds: How long to wait; None for as long as it takes.
            stop: Ends the program with all that it has started; by default `end`.
            interrupts: Whether an interrupt of the terminal does not reach the program by itself.

        Returns:
            The exit code, or `TIME_OVER`.

        Raises:
            IsolationError: The walls could not be put up.
        """
        asked: list[int] = []

        def ask(number: int) -> None:
            asked.append(number)
            signalled(number)

        with self._process, _passing_on(ask, interrupts=interrupts):
            try:
                code = self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.over = True
                (stop or self.end)()
                code = self._process.wait()
        # What it exits with says nothing of that: the program may exit with anything.
        if not self._has_started():
            if asked:
                # It was asked to end before the program was there: so it does.
                return 128 + asked[0]
            raise IsolationError(
                "the walls could not be put up, and the program was not run; the reason is above"
            )
        if self.over:
            return TIME_OVER
        return 128 - code if code < 0 else code

    def _has_started(self) -> bool:
        try:
            return bool(os.read(self._news, 1))
        except BlockingIOError:
            return False


@contextmanager
def _passing_on(signalled: Callable[[int], None], *, interrupts: bool) -> Iterator[None]:
    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        with suppress(ProcessLookupError):
            signalled(number)

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    on_interrupt = pass_on if interrupts else signal.SIG_IGN
    before[signal.SIGINT] = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
