"""
Start a program with given descriptors and nothing else that this process has open.

Imports next to nothing: it is the start of a server, which is to take milliseconds.
"""

import _signal  # type: ignore[import-not-found]  # `signal` imports enumerations
import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DEFAULT = (_signal.SIGPIPE, _signal.SIGXFSZ)
"""Which the interpreter ignores, and programs do not expect to be ignored."""
_FIRST = 3


def spawn(line: "Sequence[str]", given: "Mapping[int, int]", /) -> int:
    """
    Return the process that runs *line*, with no variables.

    It has this process's standard streams, but for those that are given.

    Args:
        line: An absolute path, and arguments.
        given: Descriptors here by the numbers that they have there; they stay open here.

    Raises:
        OSError: It cannot be started.
    """
    # What is given is held above all numbers there, so that none is written over before its turn.
    least = max(given, default=_FIRST) + 1
    held: dict[int, int] = {}
    try:
        for there, own in given.items():
            held[there] = fcntl.fcntl(own, fcntl.F_DUPFD_CLOEXEC, least)
        closed = [
            (os.POSIX_SPAWN_CLOSE, number)
            for number in _left_open()
            if number not in held and not _is_beyond(number)
        ]
        taken = [(os.POSIX_SPAWN_DUP2, own, there) for there, own in held.items()]
        actions = [*closed, *taken]
        return os.posix_spawn(line[0], [*line], {}, file_actions=actions, setsigdef=_DEFAULT)
    finally:
        for own in held.values():
            os.close(own)


def filled(data: bytes, /) -> int:
    """
    Return a descriptor from which *data* can be read.

    Raises:
        OSError: The system refuses.
    """
    descriptor = os.memfd_create("weighbridge")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _left_open() -> "list[int]":
    """Return the descriptors that programs would inherit, besides the standard streams."""
    numbers = map(int, os.listdir("/proc/self/fd"))  # noqa: PTH208  pathlib takes too long
    return [number for number in numbers if number >= _FIRST and _is_inherited(number)]


def _is_beyond(number: int) -> bool:
    """Have *number* closed there if it is above a limit that was lowered: no action can say it."""
    beyond = number >= os.sysconf("SC_OPEN_MAX")
    if beyond:
        os.set_inheritable(number, False)
    return beyond


def _is_inherited(number: int) -> bool:
    try:
        return os.get_inheritable(number)
    except OSError:
        return False  # the listing's own
