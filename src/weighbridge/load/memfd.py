"""Memory files (`memfd_create(2)`), sealed so that nobody can change them again."""

from __future__ import annotations

import errno
import mmap
import os
import sys
from collections.abc import Callable
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.load.memory import PrivateBuffer, no_memory, require_not_negative

if sys.platform == "linux":
    import fcntl

# linux/fcntl.h; the fcntl module of Python 3.11 has them on Linux only.
_F_ADD_SEALS: Final = 1033
_F_GET_SEALS: Final = 1034
_F_SEAL_SEAL: Final = 0x01
_F_SEAL_SHRINK: Final = 0x02
_F_SEAL_GROW: Final = 0x04
_F_SEAL_WRITE: Final = 0x08
SEALS: Final = _F_SEAL_SEAL | _F_SEAL_SHRINK | _F_SEAL_GROW | _F_SEAL_WRITE
"""Content, size and the seals themselves are fixed."""

# linux/memfd.h. NOEXEC_SEAL (Linux 6.3) forbids executing the bytes through the descriptor.
_MFD_CLOEXEC: Final = 0x1
_MFD_ALLOW_SEALING: Final = 0x2
_MFD_NOEXEC_SEAL: Final = 0x8


class Descriptor:
    """A file descriptor that is closed when the last reference to this object goes."""

    def __init__(self, number: int) -> None:
        self.number: Final = number
        self._empty: Descriptor | None = None
        self._rest: Callable[[int], object] | None = None

    def occupy(self, empty: Descriptor, rest: Callable[[int], object]) -> None:
        """
        Have the number lead to *empty* from then on, where it would be closed, and tell *rest*.

        For numbers that were given out in a path, which somebody may open later.
        """
        self._empty, self._rest = empty, rest

    def __del__(self) -> None:
        if self._empty is None or self._rest is None:
            os.close(self.number)
            return
        os.dup2(self._empty.number, self.number, inheritable=False)
        self._rest(self.number)


class SealedMemory:
    """
    A sealed memory file.

    It is read through its descriptor, not through a mapping: every mapping that is touched
    counts once more towards this process' resident memory, though the bytes exist once.
    """

    def __init__(self, descriptor: Descriptor, *, size: int) -> None:
        self._descriptor = descriptor
        self._size = size

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    @property
    def descriptor(self) -> Descriptor:
        """The memory file."""
        return self._descriptor

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        require_not_negative(offset, length)
        remaining = min(length, self._size - offset)
        chunks: list[bytes] = []
        # One read returns at most 2 GiB (read(2)).
        while remaining > 0 and (chunk := os.pread(self._descriptor.number, remaining, offset)):
            offset += len(chunk)
            remaining -= len(chunk)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def view(self) -> memoryview:
        """Return all bytes, read-only, without copying them."""
        # MAP_PRIVATE: kernels before 6.7 refuse a shared mapping of a file sealed against
        # writing even if it is read-only. Pages that are only read are not copied.
        return memoryview(self._map(mmap.PROT_READ))

    def private(self) -> PrivateBuffer:
        """Return a mapping whose pages are copied when they are first written to."""
        return self._map(mmap.PROT_READ | mmap.PROT_WRITE)

    def _map(self, protection: int) -> mmap.mmap:
        try:
            return mmap.mmap(
                self._descriptor.number, self._size, flags=mmap.MAP_PRIVATE, prot=protection
            )
        except OSError as error:
            raise no_memory(self._size, error) from error


def create_memory_file(size: int) -> Descriptor | None:
    """
    Return an unsealed memory file of *size* bytes, or None where that is not to be had.

    None means: the system has no `memfd_create`, or the process has no descriptor left.
    """
    if not hasattr(os, "memfd_create"):
        return None
    try:
        descriptor = Descriptor(_memfd_create())
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOSYS}:
            return None
        raise no_memory(size, error) from error
    try:
        os.ftruncate(descriptor.number, size)
    except OSError as error:
        raise no_memory(size, error) from error
    return descriptor


def _memfd_create() -> int:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    flags = _MFD_CLOEXEC | _MFD_ALLOW_SEALING
    try:
        return os.memfd_create("weighbridge", flags | _MFD_NOEXEC_SEAL)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return os.memfd_create("weighbridge", flags)


def write_memory_file(descriptor: Descriptor, data: memoryview | bytes, *, offset: int) -> None:
    """
    Copy *data* to *offset* of *descriptor*.

    Raises:
        OperationError: There is no memory, or the file is sealed.
    """
    rest = memoryview(data)
    try:
        while rest:
            done = os.pwrite(descriptor.number, rest, offset)
            rest = rest[done:]
            offset += done
    except OSError as error:
        raise no_memory(len(data), error) from error


def seal_memory_file(descriptor: Descriptor, *, size: int) -> SealedMemory:
    """
    Seal *descriptor* and return it as immutable memory.

    Raises:
        OperationError: The kernel refused (somebody still has it mapped for writing), or the
            file has not *size* bytes any more.
    """
    try:
        fcntl.fcntl(descriptor.number, _F_ADD_SEALS, SEALS)
        sealed = fcntl.fcntl(descriptor.number, _F_GET_SEALS)
        found = os.fstat(descriptor.number).st_size
    except OSError as error:
        raise OperationError(
            "the memory that holds a file cannot be sealed",
            found=os.strerror(error.errno or 0),
            code=Code.INTERNAL,
        ) from error
    if sealed & SEALS != SEALS or found != size:
        raise OperationError(
            "the memory that holds a file was changed from outside",
            expected=f"{size} bytes, seals {SEALS:#x}",
            found=f"{found} bytes, seals {sealed:#x}",
            code=Code.INTERNAL,
        )
    return SealedMemory(descriptor, size=size)
