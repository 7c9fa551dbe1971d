"""Reads a GGUF header piece by piece, within bounds."""

import struct
from functools import lru_cache
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.units import KIB
from weighbridge.core.limits.weights import (
    MAX_GGUF_ARRAY_DEPTH,
    MAX_GGUF_ARRAY_ITEMS,
    MAX_GGUF_HEADER_BYTES,
    MAX_GGUF_STRING_BYTES,
)
from weighbridge.formats.gguf.types import SCALAR_FORMATS, GgufType
from weighbridge.formats.gguf.values import GgufArray, GgufValue

_BLOCK_BYTES: Final = 256 * KIB
_WHERE: Final = "GGUF header"


class HeaderReader:
    """A position in the header, and the bytes around it."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._block = b""
        self._start = 0
        self._items = 0
        self.at = 0

    def take(self, length: int) -> bytes:
        """Take exactly *length* bytes."""
        begin = self.at - self._start
        if begin < 0 or begin + length > len(self._block):
            self._fill(length)
            begin = 0
        self.at += length
        return self._block[begin : begin + length]

    def skip(self, length: int) -> None:
        """Pass over *length* bytes."""
        self._check(length)
        self.at += length

    def _fill(self, length: int) -> None:
        """Read on from the position."""
        self._check(length)
        self._start = self.at
        self._block = self._source.read_at(self.at, max(length, _BLOCK_BYTES))
        if len(self._block) < length:
            raise malformed("the header is cut", expected=f"{length} bytes", found="fewer")

    def _check(self, length: int) -> None:
        """Refuse to go beyond the file or the limit."""
        end = self.at + length
        if end > self._source.size:
            expected = f"{length} bytes at byte {self.at}"
            found = f"a file of {self._source.size}"
            raise malformed("the header is cut", expected=expected, found=found)
        if end > MAX_GGUF_HEADER_BYTES:
            raise too_large("header bytes", limit=MAX_GGUF_HEADER_BYTES, found=end)

    def take_u32(self) -> int:
        """Take an unsigned number of four bytes."""
        return int.from_bytes(self.take(4), "little")

    def take_u64(self) -> int:
        """Take an unsigned number of eight bytes."""
        return int.from_bytes(self.take(8), "little")

    def take_text(self, what: str, *, limit: int) -> str:
        """Take a counted string of UTF-8."""
        length = self.take_u64()
        if length > limit:
            raise too_large(f"bytes of {what}", limit=limit, found=length)
        start = self.at
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"byte {start + error.start} is not"
            raise malformed(f"{what} is no text", expected="UTF-8", found=found) from error

    def take_value(self) -> GgufValue:
        """Take a typed value; arrays are passed over."""
        kind = self._take_type()
        match kind:
            case GgufType.STRING:
                return self.take_text("a string", limit=MAX_GGUF_STRING_BYTES)
            case GgufType.ARRAY:
                return self._pass_array(depth=1)
            case GgufType.BOOL:
                value = self.take(1)[0]
                if value > 1:
                    raise malformed("a truth value", expected="0 or 1", found=str(value))
                return bool(value)
            case _:
                layout = _layout(kind)
                number: int | float = layout.unpack(self.take(layout.size))[0]
                return number

    def _take_type(self) -> GgufType:
        """Take the number of a type."""
        number = self.take_u32()
        try:
            return GgufType(number)
        except ValueError:
            raise malformed("an unknown type", expected="0 to 12", found=str(number)) from None

    def _pass_array(self, *, depth: int) -> GgufArray:
        """Pass over an array; strings one by one, since nothing says how long they are together."""
        if depth > MAX_GGUF_ARRAY_DEPTH:
            raise too_large("nested arrays", limit=MAX_GGUF_ARRAY_DEPTH, found=depth)
        kind = self._take_type()
        count = self.take_u64()
        self._items += count
        if self._items > MAX_GGUF_ARRAY_ITEMS:
            raise too_large("array items", limit=MAX_GGUF_ARRAY_ITEMS, found=self._items)
        match kind:
            case GgufType.STRING:
                for _ in range(count):
                    self.skip(self.take_u64())
            case GgufType.ARRAY:
                for _ in range(count):
                    self._pass_array(depth=depth + 1)
            case _:
                self.skip(count * _layout(kind).size)
        return GgufArray(item_type=kind, count=count)


@lru_cache(maxsize=len(SCALAR_FORMATS))
def _layout(kind: GgufType) -> struct.Struct:
    """Return how a value of *kind* is packed."""
    return struct.Struct(SCALAR_FORMATS[kind])


def malformed(message: str, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a header that breaks the format."""
    return MalformedContentError(message, where=_WHERE, expected=expected, found=found)


def too_large(what: str, *, limit: int, found: int) -> LimitExceededError:
    """Build the error for a header beyond the limits."""
    return LimitExceededError(
        f"too many {what}", where=_WHERE, expected=f"at most {limit}", found=str(found)
    )
