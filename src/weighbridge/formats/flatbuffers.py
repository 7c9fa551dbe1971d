"""
A bounded reader of FlatBuffers (internals.md of the FlatBuffers documentation).

A table is a place in a file; a field of it is found through the table's vtable when it is asked
for. Every offset is held to the file before anything is read there. Nothing is read twice over
by recursion: callers walk the schema, which has no cycles, and each table is counted.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_FLATBUFFER_TABLES, MAX_PROTOBUF_STRING_BYTES

_PAGE_BYTES: Final = 64 * 1024
_OFFSET: Final = 4
_VTABLE_HEADER: Final = 4
_ENTRY: Final = 2
_WHERE: Final = "flatbuffer"


class Flatbuffer:
    """
    A file that is one flatbuffer.

    Args:
        source: The bytes.
    """

    def __init__(self, source: ByteSource) -> None:
        self.source: Final = source
        self._page = b""
        self._base = 0
        self._tables = 0

    def root(self) -> "Table":
        """
        Return the root table.

        Raises:
            MalformedContentError: It lies outside the file.
        """
        return Table(self, self.number(0, _OFFSET))

    def number(self, at: int, size: int, *, signed: bool = False) -> int:
        """
        Return the little-endian number of *size* bytes at *at*.

        Raises:
            MalformedContentError: It lies outside the file.
        """
        if at < 0 or at + size > self.source.size:
            raise self.outside(at, size)
        if not self._base <= at <= self._base + len(self._page) - size:
            self._page = self.source.read_at(at, _PAGE_BYTES)
            self._base = at
        start = at - self._base
        return int.from_bytes(self._page[start : start + size], "little", signed=signed)

    def data(self, at: int, size: int, *, limit: int = MAX_PROTOBUF_STRING_BYTES) -> bytes:
        """
        Return the bytes at *at*.

        Raises:
            MalformedContentError: They lie outside the file.
            LimitExceededError: More than *limit* of them.
        """
        if size > limit:
            raise LimitExceededError("a vector is too long", where=_WHERE, found=str(size))
        if at < 0 or at + size > self.source.size:
            raise self.outside(at, size)
        return self.source.read_at(at, size)

    def count_table(self) -> None:
        """
        Count a table.

        Raises:
            LimitExceededError: There are too many.
        """
        self._tables += 1
        if self._tables > MAX_FLATBUFFER_TABLES:
            raise LimitExceededError(
                "too many tables", where=_WHERE, expected=f"at most {MAX_FLATBUFFER_TABLES}"
            )

    def outside(self, at: int, size: int) -> MalformedContentError:
        """Build the error for something outside the file."""
        return MalformedContentError(
            "something lies outside the file",
            where=_WHERE,
            expected=f"an end by byte {self.source.size}",
            found=f"{size} bytes at {at}",
        )


class Vector:
    """
    A vector within a flatbuffer.

    Attributes:
        start: Where its first element lies.
        length: Its elements.
    """

    __slots__ = ("_buffer", "_width", "length", "start")

    def __init__(self, buffer: Flatbuffer, at: int, *, width: int) -> None:
        self._buffer: Final = buffer
        self._width: Final = width
        self.length: Final = buffer.number(at, _OFFSET)
        self.start: Final = at + _OFFSET
        if self.start + self.length * width > buffer.source.size:
            raise buffer.outside(self.start, self.length * width)

    def tables(self) -> Iterator["Table"]:
        """
        Yield the tables that the elements point to.

        Raises:
            MalformedContentError: One lies outside the file.
            LimitExceededError: Too many.
        """
        for index in range(self.length):
            at = self.start + index * _OFFSET
            yield Table(self._buffer, at + self._buffer.number(at, _OFFSET))

    def element(self, index: int) -> bytes:
        """Return the bytes of one element, which the vector has to have."""
        return self._buffer.data(self.start + index * self._width, self._width)

    def numbers(self, *, limit: int) -> tuple[int, ...]:
        """
        Return the elements as signed numbers.

        Raises:
            LimitExceededError: More than *limit*.
        """
        if self.length > limit:
            raise LimitExceededError("a vector is too long", where=_WHERE, found=str(self.length))
        data = self._buffer.data(self.start, self.length * self._width, limit=limit * self._width)
        return tuple(
            int.from_bytes(data[at : at + self._width], "little", signed=True)
            for at in range(0, len(data), self._width)
        )

    def data(self) -> bytes:
        """
        Return the elements, bytes.

        Raises:
            LimitExceededError: Too many.
        """
        return self._buffer.data(self.start, self.length * self._width)


class Table:
    """
    A table within a flatbuffer.

    Attributes:
        at: Where it lies.
    """

    __slots__ = ("_buffer", "_vtable", "_vtable_size", "at")

    def __init__(self, buffer: Flatbuffer, at: int) -> None:
        buffer.count_table()
        self._buffer: Final = buffer
        self.at: Final = at
        self._vtable: Final = at - buffer.number(at, _OFFSET, signed=True)
        self._vtable_size: Final = buffer.number(self._vtable, _ENTRY)
        if self._vtable_size < _VTABLE_HEADER or self._vtable_size % _ENTRY:
            raise MalformedContentError(
                f"a table at byte {at}",
                where=_WHERE,
                expected="a vtable of two numbers and more",
                found=f"{self._vtable_size} bytes",
            )

    def _field(self, number: int) -> int:
        """Return where the field *number* lies; 0 where the table lacks it."""
        entry = _VTABLE_HEADER + number * _ENTRY
        if entry + _ENTRY > self._vtable_size:
            return 0
        offset = self._buffer.number(self._vtable + entry, _ENTRY)
        return self.at + offset if offset else 0

    def has(self, number: int) -> bool:
        """Tell whether the table has the field *number*."""
        return self._field(number) != 0

    def number(self, number: int, size: int, *, signed: bool = False) -> int:
        """
        Return a number; 0 where the table lacks it.

        Raises:
            MalformedContentError: It lies outside the file.
        """
        at = self._field(number)
        return self._buffer.number(at, size, signed=signed) if at else 0

    def vector(self, number: int, *, width: int = _OFFSET) -> Vector | None:
        """
        Return a vector with elements of *width* bytes; None where the table lacks it.

        Raises:
            MalformedContentError: It lies outside the file.
        """
        at = self._field(number)
        if not at:
            return None
        return Vector(self._buffer, at + self._buffer.number(at, _OFFSET), width=width)

    def table(self, number: int) -> "Table | None":
        """
        Return the table that a field points to; None where the table lacks it.

        Raises:
            MalformedContentError: It lies outside the file.
            LimitExceededError: Too many tables.
        """
        at = self._field(number)
        if not at:
            return None
        return Table(self._buffer, at + self._buffer.number(at, _OFFSET))

    def tables(self, number: int) -> Iterator["Table"]:
        """
        Yield the tables of a vector; none where the table lacks it.

        Raises:
            MalformedContentError: One lies outside the file.
            LimitExceededError: Too many.
        """
        vector = self.vector(number)
        if vector is not None:
            yield from vector.tables()

    def text(self, number: int) -> str:
        """
        Return a text; empty where the table lacks it.

        Raises:
            MalformedContentError: It lies outside the file.
            LimitExceededError: It is too long.
        """
        vector = self.vector(number, width=1)
        return "" if vector is None else vector.data().decode("utf-8", "backslashreplace")
