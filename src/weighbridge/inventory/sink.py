"""
Where hashed bytes may stay: the interface between the hashing reader and whoever holds them.

A reader that was given a sink reads into the sink's own memory and hashes there, or else hands it
each block that it hashed, out of the same buffer. Either way the digest is of the very bytes that
are kept, and no byte is read twice.
"""

from typing import Protocol

from weighbridge.core.content import ByteSource


class SinkWriter(Protocol):
    """
    Memory for one file while it is being read.

    The reader puts every byte there once, in any order and from any threads, and then calls
    exactly one of `seal` and `discard`.
    """

    def room(self, start: int, end: int, /) -> memoryview | None:
        """
        Return the memory in which the bytes from *start* to *end* stay, to be filled in place.

        None where bytes get in by `write_at` only. The reader releases it before `seal`.
        """
        ...

    def write_at(self, offset: int, data: memoryview | bytes) -> None:
        """Keep *data* at *offset*."""
        ...

    def seal(self) -> ByteSource:
        """Make the bytes immutable, hand them to the sink's owner, and return them to look at."""
        ...

    def discard(self) -> None:
        """Free the memory; the file could not be read. Calling it again does nothing."""
        ...


class ByteSink(Protocol):
    """Takes the bytes of files while they are hashed; `open` may be called from any thread."""

    def open(self, path: str, size: int) -> SinkWriter:
        """Return a writer for the file at *path*, relative to the root, of *size* bytes."""
        ...
