"""
The three encodings of R's serialization: big-endian, little-endian, and letters.

R Internals, 1.8, "Serialization Formats"; `src/main/serialize.c` of R 4.4 for the last two.
"""

from typing import Final, Protocol

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import MalformedContentError

_WINDOW: Final = 64 * 1024
_NOT_AVAILABLE: Final = -(2**31)
_MAX_WORD: Final = 100
_SPACE: Final = frozenset(b" \t\r\n\f\v")
_ESCAPES: Final = {ord("n"): b"\n", ord("t"): b"\t", ord("v"): b"\v", ord("b"): b"\b",
                   ord("r"): b"\r", ord("f"): b"\f", ord("a"): b"\a"}  # fmt: skip
_OCTAL: Final = frozenset(b"01234567")
_OCTAL_DIGITS: Final = 3


class Decoder(Protocol):
    """Reads numbers and text one behind the other."""

    @property
    def offset(self) -> int:
        """Where the next one is read."""
        ...

    def integer(self) -> int:
        """Read an integer of 32 bits."""
        ...

    def text(self, length: int) -> bytes:
        """Read a string of *length* bytes."""
        ...

    def skip(self, count: int, size: int) -> None:
        """Step over *count* numbers of *size* bytes each; 1 stands for raw bytes."""
        ...


class Window:
    """A part of the source in memory, and where reading is."""

    def __init__(self, source: ByteSource, offset: int) -> None:
        self._source = source
        self._start = offset
        self._at = 0
        self._data = b""

    @property
    def offset(self) -> int:
        """Where the next byte is."""
        return self._start + self._at

    def take(self, length: int) -> bytes:
        """Return the next *length* bytes."""
        if self._at + length > len(self._data):
            self._start += self._at
            self._at = 0
            if self._start + length > self._source.size:
                raise truncated(self._start)
            self._data = self._source.read_at(self._start, max(length, _WINDOW))
        piece = self._data[self._at : self._at + length]
        self._at += length
        return piece

    def jump(self, length: int) -> None:
        """Step over *length* bytes."""
        target = self.offset + length
        if target > self._source.size:
            raise truncated(self.offset)
        if self._at + length <= len(self._data):
            self._at += length
        else:
            self._start, self._at, self._data = target, 0, b""


class Binary:
    """Numbers as a machine has them."""

    def __init__(self, window: Window, *, little: bool) -> None:
        self._window = window
        self._order: Final = "little" if little else "big"

    @property
    def offset(self) -> int:
        """Where the next one is read."""
        return self._window.offset

    def integer(self) -> int:
        """Read an integer of 32 bits."""
        data = self._window.take(4)
        if self._order == "little":
            return int.from_bytes(data, "little", signed=True)
        return int.from_bytes(data, "big", signed=True)

    def text(self, length: int) -> bytes:
        """Read a string of *length* bytes."""
        return self._window.take(length)

    def skip(self, count: int, size: int) -> None:
        """Step over *count* numbers of *size* bytes each."""
        self._window.jump(count * size)


class Letters:
    """Everything in words; strings with the escapes of C."""

    def __init__(self, window: Window) -> None:
        self._window = window

    @property
    def offset(self) -> int:
        """Where the next one is read."""
        return self._window.offset

    def integer(self) -> int:
        """Read an integer of 32 bits."""
        word = self._word()
        if word == b"NA":
            return _NOT_AVAILABLE
        digits = word.removeprefix(b"-")
        if not digits.isdigit() or len(digits) > 10:  # noqa: PLR2004  2**31 has ten digits
            raise malformed(self.offset, expected="an integer", found=repr(word))
        return int(word)

    def text(self, length: int) -> bytes:
        """Read a string of *length* bytes, each of which may be escaped."""
        if length == 0:
            return b""
        pieces = [self._first(self._skip_space())]
        pieces.extend(self._first(self._window.take(1)[0]) for _ in range(length - 1))
        return b"".join(pieces)

    def skip(self, count: int, size: int) -> None:
        """Step over *count* numbers; a complex one has two words."""
        for _ in range(count * (2 if size == 16 else 1)):  # noqa: PLR2004  bytes of a complex one
            self._word()

    def _first(self, byte: int) -> bytes:
        """Return the character that begins with *byte*."""
        if byte != ord("\\"):
            return bytes([byte])
        escaped = self._window.take(1)[0]
        if escaped not in _OCTAL:
            return _ESCAPES.get(escaped, bytes([escaped]))
        digits = bytes([escaped])
        while len(digits) < _OCTAL_DIGITS:
            following = self._window.take(1)
            if following[0] not in _OCTAL:
                # R writes three digits, so this is nothing that R wrote.
                raise malformed(self.offset, expected="three octal digits", found=repr(following))
            digits += following
        return bytes([int(digits, 8) & 0xFF])

    def _skip_space(self) -> int:
        byte = self._window.take(1)[0]
        while byte in _SPACE:
            byte = self._window.take(1)[0]
        return byte

    def _word(self) -> bytes:
        word = bytearray([self._skip_space()])
        while True:
            byte = self._window.take(1)[0]
            if byte in _SPACE:
                return bytes(word)
            word.append(byte)
            if len(word) > _MAX_WORD:
                raise malformed(self.offset, expected="a word", found=repr(bytes(word[:20])))


def truncated(offset: int) -> MalformedContentError:
    """Build the error for a source that ends too early."""
    return malformed(offset, expected="more bytes", found="the end of the file")


def malformed(offset: int, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for bytes that are no R serialization."""
    return MalformedContentError(
        "the R data cannot be read", where=f"byte {offset}", expected=expected, found=found
    )
