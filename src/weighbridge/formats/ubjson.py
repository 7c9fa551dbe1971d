"""
Walk through Universal Binary JSON (Draft 12), as XGBoost writes its models.

Nothing is kept: the walk tells whether the file is one value, every length within it, and
nothing behind it. Typed arrays, in which the numbers of a model are, are stepped over.
"""

from collections.abc import Callable
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_JSON_DEPTH, MAX_UBJSON_VALUES
from weighbridge.core.limits.weights import MAX_TENSOR_NAME_BYTES

_WINDOW: Final = 64 * 1024
_SIZES: Final = {
    b"Z": 0, b"N": 0, b"T": 0, b"F": 0, b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"d": 4,
    b"L": 8, b"D": 8,
}  # fmt: skip
_INTEGERS: Final = frozenset({b"i", b"U", b"I", b"l", b"L"})
_STRINGS: Final = frozenset({b"S", b"H"})
_CONTAINERS: Final = frozenset({b"[", b"{"})
_NO_COUNT: Final = -1


class _Walk:
    """Where the walk is, and the containers around it: their marks, types and items left."""

    def __init__(self, source: ByteSource, between: Callable[[], None]) -> None:
        self._source = source
        self._between = between
        self._start = 0
        self._data = b""
        self._at = 0
        self._stack: list[list[object]] = []
        self._values = 0

    def run(self) -> None:
        """Walk through the one value that the file is."""
        self._value(self._take(1))
        while self._stack:
            container = self._stack[-1]
            mark, kind, left = container
            assert isinstance(mark, bytes)
            assert isinstance(left, int)
            if left == 0 or (left == _NO_COUNT and self._ends(mark)):
                self._stack.pop()
                continue
            if left != _NO_COUNT:
                container[2] = left - 1
            if mark == b"{":
                self._string(MAX_TENSOR_NAME_BYTES)
            self._value(kind if isinstance(kind, bytes) else self._take(1))
        if self._offset != self._source.size:
            raise self._malformed("the end of the file", "further bytes")

    @property
    def _offset(self) -> int:
        return self._start + self._at

    def _ends(self, mark: bytes) -> bool:
        """Tell whether a container without a count ends here; step over its end."""
        closing = b"]" if mark == b"[" else b"}"
        if self._peek() != closing:
            return False
        self._take(1)
        return True

    def _value(self, mark: bytes) -> None:
        self._values += 1
        if not self._values % 4096:
            self._between()
        if self._values > MAX_UBJSON_VALUES:
            raise LimitExceededError(
                "the UBJSON has too many values", expected=f"at most {MAX_UBJSON_VALUES}"
            )
        if mark in _SIZES:
            self._jump(_SIZES[mark])
        elif mark in _STRINGS:
            self._string(self._source.size)
        elif mark in _CONTAINERS:
            self._container(mark)
        else:
            raise self._malformed("a value", repr(mark))

    def _container(self, mark: bytes) -> None:
        if len(self._stack) >= MAX_JSON_DEPTH:
            raise LimitExceededError(
                "the UBJSON is nested too deeply", expected=f"at most {MAX_JSON_DEPTH} levels"
            )
        kind: bytes | None = None
        count = _NO_COUNT
        if self._peek() == b"$":
            self._take(1)
            kind = self._take(1)
        if self._peek() == b"#":
            self._take(1)
            count = self._integer(self._take(1))
        elif kind is not None:
            raise self._malformed("a count behind the type", repr(self._peek()))
        if mark == b"[" and kind in _SIZES:
            self._jump(_SIZES[kind] * count)
            return
        self._stack.append([mark, kind, count])

    def _string(self, longest: int) -> None:
        length = self._integer(self._take(1))
        if length > longest:
            raise self._malformed(f"a string of at most {longest} bytes", str(length))
        self._jump(length)

    def _integer(self, mark: bytes) -> int:
        if mark not in _INTEGERS:
            raise self._malformed("a length", repr(mark))
        number = int.from_bytes(self._take(_SIZES[mark]), "big", signed=mark != b"U")
        if number < 0:
            raise self._malformed("a length", str(number))
        return number

    def _peek(self) -> bytes:
        piece = self._take(1)
        self._at -= 1
        return piece

    def _take(self, length: int) -> bytes:
        if self._at + length > len(self._data):
            self._start, self._at = self._offset, 0
            self._data = self._source.read_at(self._start, max(length, _WINDOW))
            if len(self._data) < length:
                raise self._malformed("more bytes", "the end of the file")
        piece = self._data[self._at : self._at + length]
        self._at += length
        return piece

    def _jump(self, length: int) -> None:
        if self._offset + length > self._source.size:
            raise self._malformed(f"{length} bytes", "the end of the file")
        if self._at + length <= len(self._data):
            self._at += length
        else:
            self._start, self._at, self._data = self._offset + length, 0, b""

    def _malformed(self, expected: str, found: str) -> MalformedContentError:
        return MalformedContentError(
            "the content is not UBJSON",
            where=f"byte {self._offset}",
            expected=expected,
            found=found,
        )


def check_ubjson(source: ByteSource, *, between: Callable[[], None] = lambda: None) -> None:
    """
    Return when *source* is one UBJSON value to its last byte.

    *between* is called now and then, and may raise to end the walk.

    Raises:
        MalformedContentError: It is not.
        LimitExceededError: More values or deeper nesting than the limits.
    """
    _Walk(source, between).run()
