"""
Private memory for the bytes of one file: written once, read for ever, changed never.

Three kinds, with the same guarantees to callers: bytes for small files; a sealed memory file
(`memfd`, Linux), which not even this process can write to again; an anonymous mapping of which
only read-only views are given out, where the former is not to be had.

Nothing is ever closed by hand. A reader in one thread keeps what it reads from alive while
another thread lets go of it: with explicit closing, the descriptor's number could be another
file's by the time of the read, and a mapping could be gone under a live array.
"""

import mmap
import os
from typing import Protocol

from weighbridge.core.errors import OperationError

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
    """A mapping without a file; immutable because only read-only views leave this object."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self._view = memoryview(mapping).toreadonly()

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
        return self._view[:]

    def private(self) -> PrivateBuffer:
        """Return a copy: anonymous memory cannot be mapped twice."""
        mapping = mmap.mmap(-1, self.size)
        mapping[:] = self._view
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
