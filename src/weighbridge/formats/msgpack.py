"""
MessagePack (its specification, spec.md): what Flax, spaCy and others write models in.

The format has no code. Two things that its users put into it have: arrays of objects, which
msgpack-numpy writes as a map with `nd`, `kind` and `data` and reads with `pickle`, and any
bytes that are a pickle. So a file is walked value by value, and the places of both are yielded;
nothing else is read.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_MSGPACK_DEPTH, MAX_MSGPACK_VALUES
from weighbridge.core.values import frozen

_WHERE: Final = "MessagePack"
_PAGE: Final = 64 * 1024
_EVERY: Final = 4096
_SHORT: Final = 64
"""Bytes of a key or a value that are looked at."""

_NUMBERS: Final = {
    0xC0: 0, 0xC2: 0, 0xC3: 0,
    0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
}  # fmt: skip
"""Bytes behind the tag of values that have no length: nothing, truth values and numbers."""
_COUNTED: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Bytes of the length of binary and text."""
_EXTENDED: Final = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED_EXTENDED: Final = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_ARRAYS: Final = {0xDC: 2, 0xDD: 4}
_MAPS: Final = {0xDE: 2, 0xDF: 4}
_PROTOCOLS: Final = range(6)
_OBJECTS: Final = b"O"


@frozen
class Buried:
    """
    Bytes within a file that its reader may unpickle.

    Attributes:
        start: Where they start.
        end: Where they end.
        key: The key under which they stand; empty where they have none.
        objects: Whether they are the data of an array of objects, which readers always unpickle.
    """

    start: int
    end: int
    key: str
    objects: bool


@dataclass(slots=True, kw_only=True)
class _Level:
    """An array or a map that is being read."""

    left: int
    is_map: bool
    key: bytes = b""
    at_key: bool = True
    kind: bytes = b""
    data: tuple[int, int] | None = None


@frozen
class _Value:
    """One value's head: how many values it holds, or where its bytes are."""

    holds: int = -1
    is_map: bool = False
    start: int = 0
    end: int = 0
    bytes: bool = field(default=False)


class MsgpackReader:
    """Walks the values of a file, from its start to its end."""

    def __init__(self, source: ByteSource, *, between: Callable[[], None]) -> None:
        self._source = source
        self._between = between
        self._page = b""
        self._base = 0
        self._at = 0
        self._count = 0

    def buried(self) -> Iterator[Buried]:
        """
        Yield every place that a reader may unpickle.

        Several values may follow each other, as in a stream.

        Raises:
            MalformedContentError: Something is no value, or is cut.
            LimitExceededError: Too many values, or too deep in each other.
        """
        while self._at < self._source.size:
            yield from self._tree()

    def _tree(self) -> Iterator[Buried]:
        """Walk one value and all that it holds."""
        levels: list[_Level] = []
        while True:
            value = self._next()
            if value.holds > 0:
                if len(levels) >= MAX_MSGPACK_DEPTH:
                    raise LimitExceededError("values within values", where=_WHERE)
                levels.append(_Level(left=value.holds, is_map=value.is_map))
                continue
            level = levels[-1] if levels else None
            if value.bytes:
                yield from self._note(level, value)
            while levels and self._ends(levels[-1]):
                yield from _objects_of(levels.pop())
            if not levels:
                return

    def _ends(self, level: _Level) -> bool:
        """Count a value that has ended in *level*; tell whether it was the last one."""
        if level.is_map and level.at_key:
            level.at_key = False
            return False
        level.at_key = True
        level.left -= 1
        return level.left == 0

    def _note(self, level: _Level | None, value: _Value) -> Iterator[Buried]:
        """Keep what *value* says of the map that it is in; yield it where it may be a pickle."""
        if level is not None and level.is_map:
            short = self._source.read_at(value.start, min(value.end - value.start, _SHORT))
            if level.at_key:
                level.key = short
                return
            if level.key == b"kind":
                level.kind = short
            elif level.key == b"data":
                level.data = (value.start, value.end)
        if value.end - value.start > 1:
            start = self._bytes(value.start, 2)
            if start[0] == 0x80 and start[1] in _PROTOCOLS:  # noqa: PLR2004  PROTO
                key = level.key.decode("utf-8", "replace") if level is not None else ""
                yield Buried(start=value.start, end=value.end, key=key, objects=False)

    def _next(self) -> _Value:
        """Read the head of the next value, and go behind what it does not hold as values."""
        self._count += 1
        if self._count % _EVERY == 0:
            self._between()
        if self._count > MAX_MSGPACK_VALUES:
            raise LimitExceededError(
                "too many values", where=_WHERE, expected=f"at most {MAX_MSGPACK_VALUES}"
            )
        tag = self._bytes(self._at, 1)[0]
        self._at += 1
        if tag < 0x80 or tag >= 0xE0:  # noqa: PLR2004  numbers in the tag
            return _Value()
        if tag < 0x90:  # noqa: PLR2004  a small map
            return _Value(holds=tag & 15, is_map=True)
        if tag < 0xA0:  # noqa: PLR2004  a small array
            return _Value(holds=tag & 15)
        if tag < 0xC0:  # noqa: PLR2004  a short text
            return self._content(tag & 31)
        if tag in _NUMBERS:
            self._skip(_NUMBERS[tag])
            return _Value()
        return self._sized(tag)

    def _sized(self, tag: int) -> _Value:
        """Read the rest of a head whose length stands behind the tag."""
        if tag in _COUNTED:
            return self._content(self._number(_COUNTED[tag]))
        if tag in _ARRAYS:
            return _Value(holds=self._number(_ARRAYS[tag]))
        if tag in _MAPS:
            return _Value(holds=self._number(_MAPS[tag]), is_map=True)
        if tag in _EXTENDED:
            length = self._number(_EXTENDED[tag])
        elif tag in _FIXED_EXTENDED:
            length = _FIXED_EXTENDED[tag]
        else:
            raise self._malformed("a value", f"the tag {tag:#x}")
        self._skip(1)
        return self._content(length)

    def _content(self, length: int) -> _Value:
        """Go behind *length* bytes and return where they are."""
        start = self._at
        self._skip(length)
        return _Value(start=start, end=self._at, bytes=True)

    def _skip(self, length: int) -> None:
        if self._at + length > self._source.size:
            raise self._malformed(f"{length} bytes", f"{self._source.size - self._at}")
        self._at += length

    def _number(self, width: int) -> int:
        """Read a big-endian length."""
        data = self._bytes(self._at, width)
        self._at += width
        return int(struct.unpack({1: ">B", 2: ">H", 4: ">I"}[width], data)[0])

    def _bytes(self, at: int, count: int) -> bytes:
        """Return *count* bytes at *at*."""
        start = at - self._base
        if start < 0 or start + count > len(self._page):
            self._page = self._source.read_at(at, _PAGE)
            self._base, start = at, 0
        data = self._page[start : start + count]
        if len(data) < count:
            raise self._malformed(f"{count} bytes", f"{len(data)}")
        return data

    def _malformed(self, expected: str, found: str) -> MalformedContentError:
        return MalformedContentError(
            f"at byte {self._at}", where=_WHERE, expected=expected, found=found
        )


def _objects_of(level: _Level) -> Iterator[Buried]:
    """Yield the data of an array of objects, if that is what the map at its end was."""
    if level.kind == _OBJECTS and level.data is not None:
        start, end = level.data
        yield Buried(start=start, end=end, key="data", objects=True)
