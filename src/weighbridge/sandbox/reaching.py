"""Reach into another process: read its memory, and take a descriptor out of it."""

from __future__ import annotations

import ctypes
import errno
import os

from weighbridge.sandbox import kernel

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_PIDFD_GETFD: Final = 438

_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


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


def descriptor_of(thread: int, number: int) -> int:
    """
    Return a descriptor here of the file that *number* is there.

    Raises:
        OSError: There is none, or it cannot be had.
    """
    process = os.pidfd_open(_process_of(thread))
    try:
        return kernel.syscall(_PIDFD_GETFD, process, number, 0)
    finally:
        os.close(process)


def _process_of(thread: int) -> int:
    with open(f"/proc/{thread}/status", "rb") as file:  # noqa: PTH123  as little as possible
        for line in file:
            if line.startswith(b"Tgid:"):
                return int(line.split()[1])
    raise OSError(errno.ESRCH, "it has ended")
