"""
The kernel's notices of system calls that a filter asks about, and the memory that they point to.

Whoever holds the listener is told of each such call while its thread waits, and lets it go on.
Nothing can be refused on what is read here: another thread can change the memory before the
kernel reads it. See https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

import ctypes
import errno
import fcntl
import os
from contextlib import suppress
from struct import Struct
from typing import Final

from weighbridge.core.limits.sandbox import MAX_SYSTEM_PATH_BYTES
from weighbridge.core.values import frozen
from weighbridge.sandbox import bpf, kernel, seccomp

_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
_SET_FILTER: Final = 1
_ACTION_AVAILABLE: Final = 2
_SIZES: Final = 3
_NEW_LISTENER: Final = 1 << 3
_WAIT_KILLABLE: Final = 1 << 5
"""A notice is not taken back for a signal; a program with a timer would never get on."""

_RECEIVE: Final = 0xC0502100
_SEND: Final = 0xC0182101
_IS_VALID: Final = 0x40082102
_SET_FLAGS: Final = 0x40082104
_SYNC_WAKE_UP: Final = 1

_NOTICE: Final = Struct("=QIIiIQ6Q")
_ANSWER: Final = Struct("=QqiI")
_EXPECTED_SIZES: Final = (_NOTICE.size, _ANSWER.size)
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


def listen(code: bytes) -> int:
    """
    Install the filter *code* in this process, and return the descriptor of its notices.

    `PR_SET_NO_NEW_PRIVS` has to be set before.

    Raises:
        OSError: The kernel cannot, or there is such a filter already.
    """
    machine = kernel.machine()
    if machine is None:
        raise OSError(errno.ENOSYS, "the system calls of this architecture are not known")
    number = _SECCOMP[machine]
    kernel.syscall(
        number, _ACTION_AVAILABLE, 0, ctypes.create_string_buffer(Struct("=I").pack(bpf.ASK))
    )
    sizes = ctypes.create_string_buffer(6)
    kernel.syscall(number, _SIZES, 0, sizes)
    if Struct("=HHH").unpack(sizes.raw)[:2] != _EXPECTED_SIZES:
        raise OSError(errno.ENOSYS, "the kernel's notices have another form")
    header = seccomp.header(code)
    try:
        return kernel.syscall(number, _SET_FILTER, _NEW_LISTENER | _WAIT_KILLABLE, header[0])
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return kernel.syscall(number, _SET_FILTER, _NEW_LISTENER, header[0])


class Listener:
    """Receives notices, and lets the calls go on."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._answer = bytearray(_ANSWER.size)
        with suppress(OSError):  # a matter of speed, of newer kernels
            fcntl.ioctl(descriptor, _SET_FLAGS, _SYNC_WAKE_UP)

    def receive(self) -> Notice | None:
        """Return the next notice; None if the one that was announced is gone."""
        buffer = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(self.descriptor, _RECEIVE, buffer)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.EINTR}:
                return None
            raise
        identity, thread, _flags, number, architecture, _pointer, *arguments = _NOTICE.unpack(
            buffer
        )
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
        _ANSWER.pack_into(self._answer, 0, notice.id, 0, 0, _CONTINUE)
        # A thread that was killed waits no more.
        with suppress(FileNotFoundError):
            fcntl.ioctl(self.descriptor, _SEND, self._answer)

    def answer(self, notice: Notice, error: int, /) -> None:
        """Have the call return 0 without being made, or fail with *error* if that is not 0."""
        buffer = _ANSWER.pack(notice.id, 0, -error, 0)
        with suppress(FileNotFoundError):
            fcntl.ioctl(self.descriptor, _SEND, buffer)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)


def read_memory(thread: int, address: int, length: int) -> bytes:
    """
    Return up to *length* bytes of another thread's memory.

    Raises:
        OSError: It cannot be read.
    """
    buffer = ctypes.create_string_buffer(length)
    here = _Vector(ctypes.addressof(buffer), length)
    there = _Vector(address, length)
    count: int = _LIBRARY.process_vm_readv(thread, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    if count < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return buffer.raw[:count]


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
