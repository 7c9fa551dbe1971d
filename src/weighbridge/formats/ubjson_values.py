"""
The values of Universal Binary JSON (Draft 12), as far as XGBoost's reader knows it.

That reader (src/common/json.cc) takes lengths of one kind only and does not look whether they
lie within the file. What it would read otherwise than others do, or not at all, is refused.
"""

import struct
import sys
from array import array
from typing import Final, TypeAlias

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_JSON_DEPTH, MAX_UBJSON_VALUES

Numbers: TypeAlias = "array[int] | array[float]"
"""Many numbers of one type."""

UbjsonValue: TypeAlias = (
    "bool | int | float | str | Numbers | list[UbjsonValue] | dict[str, UbjsonValue] | None"
)
"""What a document holds; strings have a character for each byte."""

_INTEGERS: Final = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q"}
_FLOATS: Final = {b"d": ">f", b"D": ">d"}
_SINGLE: Final = {mark: struct.Struct(form) for mark, form in {**_INTEGERS, **_FLOATS}.items()}
_CONSTANTS: Final = {b"Z": None, b"T": True, b"F": False}


def read_ubjson(data: bytes, *, what: str) -> UbjsonValue:
    """
    Return the value of the one document that *data* is, to its last byte.

    Arrays of one type are arrays of Python; no object has a key twice. The caller bounds the size
    of *data* and says in *what* where it comes from, for messages.

    Raises:
        MalformedContentError: It is not such a document.
        LimitExceededError: More values outside arrays of one type, or deeper, than the limits.
    """
    reader = _Reader(data, what)
    value = reader.value(0)
    reader.end()
    return value


class _Reader:
    """Where the reader is."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self._at = 0
        self._values = 0

    def end(self) -> None:
        if self._at != len(self._data):
            raise self._malformed("the end of the file", "further bytes")

    def value(self, depth: int) -> UbjsonValue:
        """Return the value that starts here, inside *depth* containers."""
        self._values += 1
        if depth > MAX_JSON_DEPTH or self._values > MAX_UBJSON_VALUES:
            raise LimitExceededError(
                "the UBJSON has too many values, or is nested too deeply",
                where=self._what,
                expected=f"at most {MAX_UBJSON_VALUES} in {MAX_JSON_DEPTH} levels",
            )
        mark = self._take(1)
        if mark in _SINGLE:
            single: int | float = _SINGLE[mark].unpack(self._take(_SINGLE[mark].size))[0]
            return single
        if mark in _CONSTANTS:
            return _CONSTANTS[mark]
        if mark == b"S":
            return self._string()
        if mark == b"{":
            return self._object(depth)
        if mark == b"[":
            return self._array(depth)
        raise self._malformed("a value", repr(mark))

    def _object(self, depth: int) -> dict[str, UbjsonValue]:
        members: dict[str, UbjsonValue] = {}
        while not self._ends(b"}"):
            key = self._string()
            if key in members:
                raise self._malformed("every key once", f"the key {key[:200]!r} twice")
            members[key] = self.value(depth + 1)
        return members

    def _array(self, depth: int) -> UbjsonValue:
        if self._ends(b"$"):
            return self._typed()
        if self._ends(b"#"):
            return [self.value(depth + 1) for _ in range(self._length())]
        items: list[UbjsonValue] = []
        while not self._ends(b"]"):
            items.append(self.value(depth + 1))
        return items

    def _typed(self) -> Numbers:
        mark = self._take(1)
        form = _SINGLE.get(mark)
        if form is None or not self._ends(b"#"):
            raise self._malformed("numbers of one type, and how many", repr(mark))
        size = self._length() * form.size
        numbers: Numbers = array(form.format[1:], self._take(size))
        if sys.byteorder == "little":
            numbers.byteswap()
        return numbers

    def _string(self) -> str:
        return self._take(self._length()).decode("latin-1")

    def _length(self) -> int:
        """Return a length, which is not more than there are bytes behind it."""
        if not self._ends(b"L"):
            raise self._malformed(
                "a length of eight bytes", repr(self._data[self._at : self._at + 1])
            )
        length = int.from_bytes(self._take(8), "big", signed=True)
        if not 0 <= length <= len(self._data) - self._at:
            raise self._malformed("a length within the file", str(length))
        return length

    def _ends(self, mark: bytes) -> bool:
        """Tell whether *mark* is here; step over it if so."""
        found = self._data.startswith(mark, self._at)
        self._at += found
        return found

    def _take(self, length: int) -> bytes:
        piece = self._data[self._at : self._at + length]
        if len(piece) < length:
            raise self._malformed(f"{length} bytes", "the end of the file")
        self._at += length
        return piece

    def _malformed(self, expected: str, found: str) -> MalformedContentError:
        return MalformedContentError(
            "the content is not UBJSON that XGBoost writes",
            where=f"{self._what}: byte {self._at}",
            expected=expected,
            found=found,
        )
