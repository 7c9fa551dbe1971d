"""
Private memory for the bytes of one file: written once, read for ever, changed never.

Three kinds, with the same guarantees to callers: bytes for small files; a sealed memory file
(`memfd`, Linux), which not even this process can write to again and which has a path; an anonymous
mapping in huge pages, of which only read-only views are given out: the fast kind (ADR 0028).

Nothing is ever closed by hand. A reader in one thread keeps what it reads from alive while
another thread lets go of it: with explicit closing, the descriptor's number could be another
file's by the time of the read, and a mapping could be gone under a live array.
"""

import array
import mmap
import os
import sys
from contextlib import suppress
from typing import Final, Protocol

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import OperationError
from weighbridge.core.limits.loading import HUGE_PAGE_BYTES

_UNIT_CODES: Final = {2: "H", 4: "I", 8: "Q"}
"""Codes of unsigned numbers by their bytes."""

PrivateBuffer = mmap.mmap | bytearray
"""Writable memory that starts as a copy of held bytes; nobody else sees what is written."""


class Memory(Protocol):
    """Immutable bytes."""

    @property
    def size(self) -> int:
        """Bytes in total."""
        ...

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        ...

    def view(self) -> memoryview:
        """Return all bytes, read-only, without copying them; the view keeps them alive."""
        ...

    def private(self) -> PrivateBuffer:
        """Return writable memory with the same content: a copy, made on write if possible."""
        ...


class InlineMemory:
    """A small file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """Bytes in total."""
        return len(self._data)

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        require_not_negative(offset, length)
        return self._data[offset : offset + length]

    def view(self) -> memoryview:
        """Return all bytes, read-only, without copying them."""
        return memoryview(self._data)

    def private(self) -> PrivateBuffer:
        """Return a copy."""
        return bytearray(self._data)


class AnonymousMemory:
    """
    A mapping without a file; immutable because only read-only views leave this object.

    Args:
        mapping: Nobody else writes to it any more.
        size: Bytes of it that count, from its start.
    """

    def __init__(self, mapping: mmap.mmap, *, size: int | None = None) -> None:
        self._mapping = mapping
        self._view = memoryview(mapping).toreadonly()[:size]
        self._viewed = False

    @property
    def lendable(self) -> bool:
        """Whether no view was given out, so that nobody would see what is written."""
        return not self._viewed

    @property
    def mapping(self) -> mmap.mmap:
        """The memory itself, for whoever makes sure that nobody takes it for held bytes again."""
        return self._mapping

    @property
    def size(self) -> int:
        """Bytes in total."""
        return len(self._view)

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        require_not_negative(offset, length)
        return bytes(self._view[offset : offset + length])

    def view(self) -> memoryview:
        """Return all bytes, read-only, without copying them."""
        self._viewed = True
        return self._view[:]

    def private(self) -> PrivateBuffer:
        """Return a copy: anonymous memory cannot be mapped twice."""
        mapping = _map(self.size, self.size)
        mapping[:] = self._view
        return mapping


class SwappedMemory:
    """
    Numbers of another source with their bytes turned round, each time that they are read.

    Args:
        source: Immutable.
        start: Where the first number starts in it, in bytes.
        size: In bytes; whole numbers.
        unit: Bytes of a number: 2, 4 or 8.
    """

    def __init__(self, source: ByteSource, *, start: int, size: int, unit: int) -> None:
        self._source = source
        self._start = start
        self._size = size
        self._unit = unit

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        require_not_negative(offset, length)
        end = min(offset + length, self._size)
        if offset >= end:
            return b""
        first = offset - offset % self._unit
        last = end + -end % self._unit
        numbers = array.array(
            _UNIT_CODES[self._unit], self._source.read_at(self._start + first, last - first)
        )
        numbers.byteswap()
        return numbers.tobytes()[offset - first : end - first]

    def view(self) -> memoryview:
        """Return a copy of all bytes, read-only."""
        return memoryview(self.read_at(0, self._size))

    def private(self) -> PrivateBuffer:
        """Return a copy."""
        return bytearray(self.read_at(0, self._size))


def map_anonymous(size: int) -> mmap.mmap:
    """
    Return zeroed memory for *size* bytes, in huge pages where the system has them.

    Huge pages make a page fault for every 2 MiB instead of every 4 KiB, which is half of what
    reading costs. The mapping is a multiple of them, so that the system aligns it to them; what
    lies beyond *size* is never touched and takes no memory.

    Raises:
        OperationError: There is no memory.
    """
    length = -(-size // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES if size >= HUGE_PAGE_BYTES else size
    return _map(length, size)


def _map(length: int, size: int) -> mmap.mmap:
    """Return *length* bytes, of which the huge pages that lie within *size* are asked for."""
    try:
        if sys.platform == "win32":
            return mmap.mmap(-1, length)
        mapping = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise no_memory(size, error) from error
    whole = size // HUGE_PAGE_BYTES * HUGE_PAGE_BYTES
    if whole and sys.platform == "linux":
        with suppress(OSError):  # a kernel without huge pages: the memory is as good, and slower
            mapping.madvise(mmap.MADV_HUGEPAGE, 0, whole)
    return mapping


def no_memory(size: int, error: OSError) -> OperationError:
    """Build the error for memory that the system does not give."""
    return OperationError(
        f"no memory for {size} bytes",
        found=os.strerror(error.errno or 0),
        hint="Free memory, or raise the limits of the container or the process",
    )


def require_not_negative(offset: int, length: int) -> None:
    """Raise for a position that a caller cannot mean; Python would count from the end."""
    if offset < 0 or length < 0:
        raise ValueError("offset and length are not negative")
