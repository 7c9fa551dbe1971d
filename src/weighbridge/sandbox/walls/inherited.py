"""What a process inherits: streams that may lead out, and descriptors that may not stay."""

from __future__ import annotations

import os
import stat

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

FIRST: Final = 3
"""The first descriptor that is no standard stream."""

_GIVE_UP: Final = 0x5422
"""TIOCNOTTY."""


def check_streams() -> None:
    """
    Refuse standard streams that are sockets with which others could be reached.

    Neither Landlock nor a network of one's own holds for sockets that were made before.

    Raises:
        OSError: One is; says which.
    """
    for stream in range(FIRST):
        _check_stream(stream)


def close_all_but(kept: int, /) -> None:
    """Close every descriptor but the standard streams and *kept*."""
    last = max((int(entry.name) for entry in os.scandir("/proc/self/fd")), default=FIRST)
    os.closerange(FIRST, kept)
    os.closerange(kept + 1, last + 1)


def leave_terminal() -> None:
    """
    Give up the terminal of the session, unless it is one of the standard streams.

    By its name (`/dev/tty`) a program would read what is typed there, and write to it, though all
    of its streams lead elsewhere. It stays in its group, so that an interrupt arrives.

    Raises:
        OSError: The kernel refuses.
    """
    if any(map(_is_terminal_of_session, range(FIRST))):
        return
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return  # there is none
    import fcntl  # noqa: PLC0415  seldom needed

    try:
        fcntl.ioctl(terminal, _GIVE_UP)
    finally:
        os.close(terminal)


def _is_terminal_of_session(number: int) -> bool:
    try:
        os.tcgetpgrp(number)
    except OSError:
        return False
    return True


def _check_stream(number: int) -> None:
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return
    except OSError:
        return  # it is closed
    import _socket  # noqa: PLC0415  seldom needed

    stream = _socket.socket(fileno=os.dup(number))
    try:
        if stream.family == _socket.AF_UNIX and stream.type != _socket.SOCK_DGRAM:
            stream.getpeername()
            return
    except OSError:
        pass
    finally:
        stream.close()
    raise OSError(0, f"standard stream {number} is a socket that could reach others")
