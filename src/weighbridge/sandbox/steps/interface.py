"""
What a step is kept to, what was seen of it, and how both travel between two processes.

A step is somebody's own program. It is never stopped for what it opens unless it was isolated: to
observe is to see what a well-meant step forgot to declare, to isolate is to keep any step to it.
"""

from enum import StrEnum
from typing import Final

from weighbridge.core.values import frozen

ORDER: Final = b"O"
"""What is to be run, as JSON; the first message to the runner."""

REPORT: Final = b"R"
"""How it went, as JSON; the last message of the runner."""

BY: Final = "seccomp-user-notification"
"""How opened files are seen: the kernel tells the runner of each call before it is made."""


class StepMeasure(StrEnum):
    """A way to keep a step within bounds."""

    FILES = "files"
    """No files but those below the places that were declared (Landlock)."""

    NETWORK = "network"
    """No sockets but pairs, and TCP connections to declared ports (seccomp, Landlock)."""

    SYSTEM = "system"
    """No namespaces, mounts, modules, keys, shared memory of System V or typing into terminals."""

    PRIVILEGES = "privileges"
    """No program gives it more rights; of root's it has those over files alone."""


@frozen
class Isolation:
    """
    What an isolated step may use; each place with everything below it.

    Attributes:
        readable: Files and directories that it may read and run.
        writable: Files and directories that it may change.
        devices: Device files that it may use.
        listable: Directories of which it may see the names, and nothing else.
        ports: TCP ports that it may connect to, on any machine.
    """

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    devices: tuple[str, ...] = ()
    listable: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


@frozen
class StepOrder:
    """
    A program that is to be run.

    Attributes:
        program: Absolute path of what is executed.
        command: What it is called with, its own name included.
        environment: Pairs of a variable and its value.
        isolation: What it is kept to; None for nothing.
        observe: Whether to see which files it opens, where the system can tell.
        expected: Absolute real paths of files and directories whose reading is no news.
        quiet_output: Whether its standard output is to go where its errors go.
        grace_seconds: How long it, and what it leaves behind, may take to end when asked.
    """

    program: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    isolation: Isolation | None = None
    observe: bool = True
    expected: tuple[str, ...] = ()
    quiet_output: bool = False
    grace_seconds: int


@frozen
class Observation:
    """
    What was seen of a step.

    Attributes:
        files: Real paths of regular files that it opened to read or run, that it had not made
            itself, and that were not expected; sorted.
        network: Whether it made a socket that can leave this machine.
        blind: Why something may have been missed; empty where nothing is known to be.
    """

    files: tuple[str, ...]
    network: bool
    blind: tuple[str, ...] = ()


@frozen
class StepReport:
    """
    How a step went.

    Attributes:
        exit_code: Of the program; None where it was ended by a signal or never began.
        signal: The signal that ended it.
        failure: Why it could not be run at all.
        enforced: What it was kept to.
        observation: What was seen of it; None where nobody looked.
        unobserved: Why nobody looked, where somebody should have.
        ended: How many processes it left behind that had to be ended.
        stubborn: Whether some of those could not be.
    """

    exit_code: int | None = None
    signal: int | None = None
    failure: str | None = None
    enforced: tuple[StepMeasure, ...] = ()
    observation: Observation | None = None
    unobserved: str | None = None
    ended: int = 0
    stubborn: bool = False
