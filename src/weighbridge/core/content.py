"""The one way in which parsers see bytes: a bounded, positioned read."""

from typing import Protocol


class ByteSource(Protocol):
    """
    A fixed run of bytes that can be read at any position.

    Implementations guarantee that the bytes do not change between reads, or raise
    `ArtifactChangedError` when they cannot.
    """

    @property
    def size(self) -> int:
        """Bytes in total."""
        ...

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        ...


class BytesSource:
    """Bytes in memory."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)

    @property
    def size(self) -> int:
        """Bytes in total."""
        return len(self._data)

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        return bytes(self._data[offset : offset + length])


class RegionSource:
    """A part of another source, such as a stored archive member."""

    def __init__(self, source: ByteSource, *, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > source.size:
            raise ValueError("the region lies outside its source")
        self._source = source
        self._offset = offset
        self._size = length

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        if offset >= self._size:
            return b""
        return self._source.read_at(self._offset + offset, min(length, self._size - offset))
