"""
Sockets that a broker makes for a program and keeps: where it may not take them out of a process.

Containers keep processes from each other's descriptors. So the broker makes the program's sockets,
puts each into the program, and has it itself until the program has connected it or listens by it.
What the program closes before that is let go when the next one is made.
"""

import ctypes
import errno
import os
from threading import Lock
from typing import Final

from weighbridge.core.limits.sandbox import MAX_WAITING_CONNECTIONS
from weighbridge.core.values import frozen
from weighbridge.sandbox.steps.notices import Listener, Notice

_LOWER: Final = 0xFFFFFFFF
_CLOSE_ON_EXEC: Final = 0o2000000
"""SOCK_CLOEXEC."""

_library: Final = ctypes.CDLL(None, use_errno=True)


@frozen
class _Kept:
    """A socket here, and where it was put."""

    descriptor: int
    thread: int
    number: int


class KeptSockets:
    """The sockets of a program that it may still connect or bind, by their inodes."""

    def __init__(self, listener: Listener, /) -> None:
        self._listener = listener
        self._each: dict[int, _Kept] = {}
        self._listening: set[int] = set()
        self._lock = Lock()

    def make(self, notice: Notice, /) -> bool:
        """
        Make the socket that a call asks for, and have the call return it; return whether it did.

        Which kinds may be made is for the filter to say, which refuses others before it asks.

        Raises:
            OSError: It cannot be made, or there are too many that are not used.
        """
        family, kind, protocol = (each & _LOWER for each in notice.arguments[:3])
        with self._lock:
            self._let_go()
            if len(self._each) >= MAX_WAITING_CONNECTIONS:
                raise OSError(errno.EMFILE, "too many sockets that are not used")
            made = int(_library.socket(family, kind | _CLOSE_ON_EXEC, protocol))
            if made < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            close = bool(kind & _CLOSE_ON_EXEC)
            # Nobody asks for it before the lock is free again.
            there = self._listener.give(notice, made, close_on_exec=close)
            if there is None:
                os.close(made)
                return False
            inode = os.fstat(made).st_ino
            self._each[inode] = _Kept(descriptor=made, thread=notice.thread, number=there)
        return True

    def taken(self, thread: int, number: int, /) -> int:
        """
        Return a new descriptor of the socket that is *number* there.

        Raises:
            OSError: It is none that was made here, or is used already.
        """
        inode = os.stat(f"/proc/{thread}/fd/{number}").st_ino  # noqa: PTH116  a link of the kernel
        with self._lock:
            kept = self._each.get(inode)
            if kept is None:
                raise OSError(errno.EACCES, "it was not made here, or is used already")
            return os.dup(kept.descriptor)

    def listens(self, thread: int, number: int, /) -> bool:
        """
        Tell whether *number* there is a socket that was dropped as listening.

        Raises:
            OSError: It is not open.
        """
        inode = os.stat(f"/proc/{thread}/fd/{number}").st_ino  # noqa: PTH116  a link of the kernel
        return inode in self._listening

    def drop(self, own: int, /, *, listening: bool = False) -> None:
        """Keep the socket *own* no longer: it is connected, or listens."""
        inode = os.fstat(own).st_ino
        with self._lock:
            kept = self._each.pop(inode, None)
            if listening and len(self._listening) < MAX_WAITING_CONNECTIONS:
                self._listening.add(inode)
        if kept is not None:
            os.close(kept.descriptor)

    def _let_go(self) -> None:
        """Let go what is not where it was put any more."""
        for inode, kept in [*self._each.items()]:
            try:
                there = os.stat(f"/proc/{kept.thread}/fd/{kept.number}").st_ino  # noqa: PTH116
            except OSError:
                there = None
            if there != inode:
                os.close(self._each.pop(inode).descriptor)
