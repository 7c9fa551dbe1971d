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
