"""
Thrift's compact form (thrift-compact-protocol.md), as the footers of Parquet files have it.

There is no schema here: every field is walked, and the texts are handed on with the numbers of
the fields that lead to them. What a reader would skip is walked as well, so that nothing hides
behind an odd type.
"""

from collections.abc import Callable
from typing import Final, NoReturn

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_THRIFT_DEPTH, MAX_THRIFT_VALUES

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I64, _DOUBLE, _BINARY = 0, 1, 2, 3, 4, 6, 7, 8
_LIST, _SET, _MAP, _STRUCT, _UUID = 9, 10, 11, 12, 13
_NUMBERS: Final = range(_I16, _I64 + 1)
_FIXED: Final = {_TRUE: 1, _FALSE: 1, _BYTE: 1, _DOUBLE: 8, _UUID: 16}
"""Bytes of a value within a list or a map; a truth value of a field is in the field's type."""
_MAX_VARINT: Final = 10
_MORE: Final = 0x80
_LONG_SIZE: Final = 15
_EVERY: Final = 4096

Path = tuple[int, ...]
"""Numbers of fields, from the outermost struct; those of lists count for their elements."""


class ThriftReader:
    """
    Walks one struct.

    Args:
        data: The bytes.
        text: Called for every text or binary: where it lies, and where its bytes start and end.
        enter: Called where a struct starts, with its path.
        leave: Called where a struct ends, with its path.
        between: Called now and then; may raise to end the walk.
    """

    def __init__(
        self,
        data: bytes,
        *,
        text: Callable[[Path, int, int], None],
        enter: Callable[[Path], None],
        leave: Callable[[Path], None],
        between: Callable[[], None],
    ) -> None:
        self._data = data
        self._text = text
        self._enter = enter
        self._leave = leave
        self._between = between
        self._values = 0
        self._depth = 0

    def read(self) -> tuple[int, frozenset[int]]:
        """
        Return where the struct ends, and the numbers of its fields.

        Raises:
            MalformedContentError: It does not end within the data, or has an unknown type.
            LimitExceededError: Too many values, or too deep in each other.
        """
        return self._struct(0, ())

    def _struct(self, at: int, path: Path) -> tuple[int, frozenset[int]]:
        self._enter(path)
        seen: set[int] = set()
        number = 0
        while True:
            head = self._byte(at)
            at += 1
            if head == _STOP:
                self._leave(path)
                return at, frozenset(seen)
            if head >> 4:
                number += head >> 4
            else:
                value, at = self._varint(at)
                number = value >> 1 ^ -(value & 1)
            seen.add(number)
            kind = head & 15
            if kind not in (_TRUE, _FALSE):
                at = self._value(at, kind, (*path, number))

    def _value(self, at: int, kind: int, path: Path) -> int:
        """Return where the value at *at* ends."""
        self._values += 1
        if not self._values % _EVERY:
            self._between()
        if self._values > MAX_THRIFT_VALUES:
            raise LimitExceededError("too many values", where="Thrift")
        if kind in _NUMBERS:
            return self._varint(at)[1]
        if kind == _BINARY:
            length, at = self._varint(at)
            if at + length > len(self._data):
                self._refuse(f"{length} bytes at {at}", f"{len(self._data)} bytes")
            self._text(path, at, at + length)
            return at + length
        if kind in _FIXED:
            return at + _FIXED[kind]
        self._depth += 1
        if self._depth > MAX_THRIFT_DEPTH:
            raise LimitExceededError("values within values", where="Thrift")
        at = self._container(at, kind, path)
        self._depth -= 1
        return at

    def _container(self, at: int, kind: int, path: Path) -> int:
        if kind == _STRUCT:
            return self._struct(at, path)[0]
        if kind in (_LIST, _SET):
            return self._list(at, path)
        if kind == _MAP:
            return self._map(at, path)
        return self._refuse("a type", f"{kind} at {at}")

    def _list(self, at: int, path: Path) -> int:
        head = self._byte(at)
        at += 1
        size, kind = head >> 4, head & 15
        if size == _LONG_SIZE:
            size, at = self._varint(at)
        for _ in range(size):
            if at >= len(self._data):
                self._refuse(f"{size} elements", f"{len(self._data)} bytes")
            at = self._value(at, kind, path)
        return at

    def _map(self, at: int, path: Path) -> int:
        size, at = self._varint(at)
        if not size:
            return at
        kinds = self._byte(at)
        at += 1
        for _ in range(size):
            at = self._value(at, kinds >> 4, path)
            at = self._value(at, kinds & 15, path)
        return at

    def _byte(self, at: int) -> int:
        if at >= len(self._data):
            self._refuse(f"a byte at {at}", f"{len(self._data)} bytes")
        return self._data[at]

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 7 * _MAX_VARINT, 7):
            byte = self._byte(at)
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < _MORE:
                return value, at
        return self._refuse("a number", f"more than {_MAX_VARINT} bytes at {at}")

    def _refuse(self, expected: str, found: str) -> NoReturn:
        raise MalformedContentError(
            "the metadata cannot be read", where="Thrift", expected=expected, found=found
        )
