"""
What a confined process may use, and which of the measures against it the system provides.

A process is confined by itself, before it sees the first byte that it was made for, and cannot
undo it. No measure is taken for granted: containers and old kernels refuse some of them, and a
process that is confined less says so.
"""

from collections.abc import Callable
from enum import StrEnum
from socket import socket

from weighbridge.core.values import frozen

Serve = Callable[[socket], None]
"""What a confined process runs: it talks over the one socket that it has, and returns."""


class Measure(StrEnum):
    """A way to keep a process within bounds, by what it takes away."""

    MEMORY = "memory"
    """No more address space than allowed (`RLIMIT_AS`)."""

    CPU = "cpu"
    """No more processor time than allowed (`RLIMIT_CPU`)."""

    WRITING = "writing"
    """No file grows beyond what is allowed, by default not at all (`RLIMIT_FSIZE`)."""

    PROCESSES = "processes"
    """No further processes and threads (`RLIMIT_NPROC`; root is exempt from it)."""

    DUMPS = "dumps"
    """No core files, and no other process of the user can trace it (`PR_SET_DUMPABLE`)."""

    PRIVILEGES = "privileges"
    """No program gives it more rights, and it has no capabilities."""

    ORPHANS = "orphans"
    """It ends when the process that started it does (`PR_SET_PDEATHSIG`)."""

    FILES = "files"
    """No files but those of the Python installation, read only (Landlock)."""

    CALLS = "calls"
    """No system calls but listed ones: no network, programs, tracing or writing (seccomp)."""


@frozen
class Allowance:
    """
    What a confined process may use.

    Attributes:
        memory_bytes: Address space, the interpreter's own included.
        cpu_seconds: Processor time over its whole life.
        open_files: Descriptors.
        file_bytes: How large a file may become that it was given to write to.
        readable: Directories that may be read, for modules that are imported late.
    """

    memory_bytes: int
    cpu_seconds: int
    open_files: int = 64
    file_bytes: int = 0
    readable: tuple[str, ...] = ()


@frozen
class Confinement:
    """
    What a process was kept to.

    Attributes:
        enforced: The measures that hold.
        refused: The measures that the system refused, each with its reason.
    """

    enforced: frozenset[Measure]
    refused: tuple[tuple[Measure, str], ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every measure holds."""
        return self.enforced == frozenset(Measure)
