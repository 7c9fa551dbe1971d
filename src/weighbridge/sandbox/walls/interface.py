"""
What a program inside may reach, and what an engine has to say of itself.

::

    Walls + command --Engine--> the program, in a process that reaches nothing else

An engine says what it enforces on this machine before anything is run: what a policy demands and
no engine can hold is refused, and never run with less.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol, Self

from weighbridge.core.endpoints import Destination, Listening
from weighbridge.core.values import frozen
from weighbridge.sandbox.walls.ending import End


class Wall(StrEnum):
    """One thing that is kept from the program."""

    FILES = "files"
    """No file but those that are shown, and writing only where it is allowed."""

    NETWORK = "network"
    """No socket of any family leads outside."""

    PROCESSES = "processes"
    """No process outside can be seen, traced, read or signalled."""

    PRIVILEGES = "privileges"
    """No program gives it more rights, and it has no capability."""

    KERNEL = "kernel"
    """No call that opens other ways: rings, namespaces, mounts, modules, keys, tracing."""

    ENVIRONMENT = "environment"
    """No variable but listed ones, also in what the process was started with."""

    DESCRIPTORS = "descriptors"
    """No descriptor but standard input, output and error."""

    LIMITS = "limits"
    """No more memory, processes and file size than allowed."""

    UNSEEN = "unseen"
    """Other processes do not exist, instead of being out of reach."""


REQUIRED: Final = frozenset(Wall) - {Wall.UNSEEN}
"""What every program is kept to: an engine that lacks one of these runs nothing."""


@frozen
class Limits:
    """
    How much the program may use; None for as much as the caller may.

    Attributes:
        memory_bytes: Memory of all its processes together, where a control group can be made;
            else address space of each.
        processes: Processes and threads; without a control group those of the user.
        file_bytes: Size of each file that it writes.
        temporary_bytes: Size of its temporary directory, and of that for shared memory.
        open_files: Descriptors of each process.
        cpu_seconds: Processor time of each process.
        seconds: How long it may take; then it is ended, with all that it started.
        together: Whether memory and processes have to be limited for all processes together; True
            or None.
    """

    memory_bytes: int | None = None
    processes: int | None = None
    file_bytes: int | None = None
    open_files: int | None = None
    cpu_seconds: int | None = None
    temporary_bytes: int | None = None
    seconds: int | None = None
    together: bool | None = None


@frozen
class Walls:
    """
    What the program may reach; nothing else.

    Attributes:
        readable: Absolute paths of files and directories that it sees at the same place, read only.
        shown: Pairs of a path outside and the path inside at which it is seen, read only.
        writable: Absolute paths of directories that it may change, at the same place.
        environment: Pairs of a variable and its value; there is no other.
        directory: Where it starts.
        listen: Where it can be asked.
        connect: Whom it may ask all the same, by TCP; nobody else.
        interfaces: Whether it may ask the kernel for the interfaces of a network of its own.
        gpus: Device files of graphics processors that it may use; what it asks of their drivers is
            not filtered.
        limits: How much it may use.
    """

    readable: tuple[str, ...]
    shown: tuple[tuple[str, str], ...] = ()
    writable: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = "/"
    listen: tuple[Listening, ...] = ()
    connect: tuple[Destination, ...] = ()
    interfaces: bool = False
    gpus: tuple[str, ...] = ()
    limits: Limits = Limits()


@frozen
class Strength:
    """
    What an engine enforces on this machine.

    Attributes:
        engine: Its name.
        walls: What holds.
        missing: What does not, each with the reason; empty walls mean that it cannot run at all.
        remedies: What to install or to set so that more of it holds, each a command or a sentence.
        limits: Pairs of a limit and for what it is held, as `limiting.how_held` says.
        version: Of what it is made with; None where that says nothing.
        gpus: Device files of graphics processors that are shown; None where none were asked for.
    """

    engine: str
    walls: frozenset[Wall]
    missing: tuple[tuple[Wall, str], ...] = ()
    remedies: tuple[str, ...] = ()
    version: str | None = None
    limits: tuple[tuple[str, str], ...] = ()
    gpus: tuple[str, ...] | None = None

    @classmethod
    def nothing(cls, engine: str, reason: str, /, *remedies: str) -> Self:
        """Return that nothing holds, for one reason, and what to do about it."""
        missing = tuple((wall, reason) for wall in Wall)
        return cls(engine=engine, walls=frozenset(), missing=missing, remedies=remedies)

    @property
    def works(self) -> bool:
        """Whether programs can be run behind it."""
        return self.walls >= REQUIRED


class Engine(Protocol):
    """Runs a program behind walls."""

    @property
    def name(self) -> str:
        """What policies and reports call it."""
        ...

    @property
    def moves(self) -> bool:
        """Whether a file can be shown at another place than its own."""
        ...

    @property
    def programs(self) -> tuple[str, ...]:
        """Where a program that it needs is looked for: who may change that is the engine."""
        ...

    def probe(self) -> Strength:
        """Find out what it enforces here, by trying and not by what ought to be there."""
        ...

    def lacks(self, demand: str, /) -> str | None:
        """
        Return why it cannot hold or give what a rule may demand; None where it can.

        Demands have the names of the fields of `Walls` and `Limits`. One that an engine has not
        heard of it lacks.
        """
        ...

    def how_held(self, limits: Limits, /) -> tuple[tuple[str, str], ...]:
        """
        Return of each limit what policies call it, and for what it will hold.

        Raises:
            IsolationError: One cannot be held here.
        """
        ...

    def run(self, command: Sequence[str], walls: Walls, /) -> End:
        """
        Run *command* behind *walls* and return how it ended.

        The program has this process's standard streams. Signals that ask this process to end go
        on to it.

        Raises:
            IsolationError: A wall cannot be put up; the program was not started.
            UsageError: There is no such program.
        """
        ...
