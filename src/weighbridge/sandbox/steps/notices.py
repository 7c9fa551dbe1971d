"""
The kernel's notices of system calls that a filter asks about, and the memory that they point to.

Whoever holds the listener is told of each such call while its thread waits, and lets it go on.
Nothing can be refused on what is read here: another thread can change the memory before the
kernel reads it. See https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

import errno
import fcntl
import os
from contextlib import suppress
from struct import Struct
from typing import Final

from weighbridge.core.limits.sandbox import MAX_SYSTEM_PATH_BYTES
from weighbridge.core.values import frozen
from weighbridge.sandbox.install import ANSWER, NOTICE
from weighbridge.sandbox.reaching import read_memory

_RECEIVE: Final = 0xC0502100
_SEND: Final = 0xC0182101
_IS_VALID: Final = 0x40082102
_SET_FLAGS: Final = 0x40082104
_ADD_DESCRIPTOR: Final = 0x40182103
_AND_SEND: Final = 1 << 1
_GIVEN: Final = Struct("=QIIII")
_SYNC_WAKE_UP: Final = 1

_CONTINUE: Final = 1
_PAGE: Final = 4096


@frozen(kw_only=False)
class Notice:
    """A call that waits: its number, the thread that makes it, and its arguments."""

    id: int
    thread: int
    architecture: int
    number: int
    arguments: tuple[int, ...]


class Listener:
    """Receives notices, and lets the calls go on."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._answer = bytearray(ANSWER.size)
        with suppress(OSError):  # a matter of speed, of newer kernels
            fcntl.ioctl(descriptor, _SET_FLAGS, _SYNC_WAKE_UP)

    def receive(self) -> Notice | None:
        """Return the next notice; None if the one that was announced is gone."""
        buffer = bytearray(NOTICE.size)
        try:
            fcntl.ioctl(self.descriptor, _RECEIVE, buffer)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.EINTR}:
                return None
            raise
        identity, thread, _flags, number, architecture, _pointer, *arguments = NOTICE.unpack(buffer)
        return Notice(identity, thread, architecture, number, tuple(arguments))

    def is_valid(self, notice: Notice, /) -> bool:
        """Tell whether the thread still waits: then what was read was of that very thread."""
        try:
            fcntl.ioctl(self.descriptor, _IS_VALID, Struct("=Q").pack(notice.id))
        except OSError:
            return False
        return True

    def let_go_on(self, notice: Notice, /) -> None:
        """Let the call be made."""
        ANSWER.pack_into(self._answer, 0, notice.id, 0, 0, _CONTINUE)
        # A thread that was killed waits no more.
        with suppress(FileNotFoundError):
            fcntl.ioctl(self.descriptor, _SEND, self._answer)

    def answer(self, notice: Notice, error: int, /) -> None:
        """Have the call return 0 without being made, or fail with *error* if that is not 0."""
        buffer = ANSWER.pack(notice.id, 0, -error, 0)
        with suppress(FileNotFoundError):
            fcntl.ioctl(self.descriptor, _SEND, buffer)

    def give(self, notice: Notice, descriptor: int, /, *, close_on_exec: bool) -> int | None:
        """
        Have the call return a descriptor of what *descriptor* is here.

        Returns:
            The number there; None where the thread waits no more.
        """
        flags = os.O_CLOEXEC if close_on_exec else 0
        order = bytearray(_GIVEN.pack(notice.id, _AND_SEND, descriptor, 0, flags))
        try:
            there: int = fcntl.ioctl(self.descriptor, _ADD_DESCRIPTOR, order)
        except OSError:
            return None
        return there


def read_path(thread: int, address: int) -> str:
    """
    Return the path at *address*, as the kernel would read it.

    Raises:
        OSError: It cannot be read, or is longer than any path.
    """
    data = b""
    while len(data) < MAX_SYSTEM_PATH_BYTES:
        start = address + len(data)
        piece = read_memory(thread, start, _PAGE - start % _PAGE)
        head, end, _ = piece.partition(b"\0")
        data += head
        if end:
            return os.fsdecode(data)
        if not piece:
            break
    raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
