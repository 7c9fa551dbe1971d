"""
Where hashed bytes may stay: the interface between the hashing reader and whoever holds them.

A reader that was given a sink reads each file straight into the sink's memory and hashes it
there, so that the digest is of the very bytes that are kept and no byte is read twice.
"""

from typing import Protocol


class SinkWriter(Protocol):
    """
    Memory for one file while it is being read.

    The reader fills every byte of `buffer`, in any order and from any threads, and then calls
    exactly one of `seal` and `discard`. It drops its own slices of `buffer` before that.
    """

    @property
    def buffer(self) -> memoryview:
        """Writable bytes, exactly as many as the file was said to have."""
        ...

    def seal(self) -> None:
        """Make the bytes immutable and hand them to the sink's owner."""
        ...

    def discard(self) -> None:
        """Free the memory; the file could not be read. Calling it again does nothing."""
        ...


class ByteSink(Protocol):
    """Takes the bytes of files while they are hashed; `open` may be called from any thread."""

    def open(self, path: str, size: int) -> SinkWriter:
        """Return a writer for the file at *path*, relative to the root, of *size* bytes."""
        ...
