"""
Rules of SentencePiece for normalising text, compiled (`normalizer.cc`).

A file is the size of a table in bytes, the table, and texts that each end in a zero byte. The
table is a trie of Darts-clone (`DoubleArrayUnit` in `darts.h`): units of 32 bits, of which each
points to a block of 256 or, as a leaf, to the text that replaces what led to it. The reader is
written in C++ and follows every unit as it stands, so each is held against the table and the texts.
"""

from array import array
from collections.abc import Callable
from typing import Final, NoReturn

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_CHARSMAP_BYTES

_SIZE: Final = 4
_UNIT: Final = 4
_BLOCK: Final = 256
"""Units whose numbers differ in their lowest byte alone, the label of the next step."""

_LEAF: Final = 1 << 31
_WIDE: Final = 1 << 9
_OFFSET_BIT: Final = 10
_WIDER: Final = 8
_LABEL: Final = 0xFF
_AT_ONCE: Final = 16 * 1024


def is_charsmap(head: bytes, size: int) -> bool:
    """Tell whether a file of *size* bytes that starts with *head* looks like such rules."""
    table = int.from_bytes(head[:_SIZE], "little")
    if len(head) <= _SIZE or table % (_BLOCK * _UNIT) or not 0 < table < size - _SIZE:
        return False
    units, texts = table // _UNIT, size - _SIZE - table
    known = head[_SIZE : _SIZE + min(table, (len(head) - _SIZE) // _UNIT * _UNIT)]
    return _first_stray(_units_of(known), 0, units, texts) is None


def check_charsmap(source: ByteSource, *, between: Callable[[], None]) -> None:
    """
    Hold every unit of the table, and the texts, against the file, which they have to fill.

    *between* is called again and again while the table is read; what it raises goes through.

    Raises:
        MalformedContentError: A unit leads elsewhere, or the texts are not UTF-8 ended by zeros.
        LimitExceededError: Larger than `MAX_CHARSMAP_BYTES`.
    """
    if source.size > MAX_CHARSMAP_BYTES:
        raise LimitExceededError(
            "the rules for characters are too large",
            expected=f"at most {MAX_CHARSMAP_BYTES} bytes",
            found=f"{source.size}",
        )
    head = source.read_at(0, _SIZE)
    table = int.from_bytes(head, "little")
    if len(head) < _SIZE or table % (_BLOCK * _UNIT) or not 0 < table < source.size - _SIZE:
        _refuse("a table of whole blocks, and texts behind it", f"a table of {table} bytes")
    units, texts = table // _UNIT, source.size - _SIZE - table
    for first in range(0, units, _AT_ONCE):
        between()
        count = min(_AT_ONCE, units - first)
        data = source.read_at(_SIZE + first * _UNIT, count * _UNIT)
        if len(data) != count * _UNIT:
            _refuse(f"{units} units", "the end of the file")
        stray = _first_stray(_units_of(data), first, units, texts)
        if stray is not None:
            _refuse("units that lead into the table or the texts", f"unit {stray}, which does not")
    _check_texts(source.read_at(_SIZE + table, texts))


def _units_of(data: bytes) -> "array[int]":
    """Return the units in *data*, which are stored with the lowest byte first."""
    units = array("I", data)
    assert units.itemsize == _UNIT
    return units


def _first_stray(some: "array[int]", first: int, units: int, texts: int) -> int | None:
    """
    Return the number of the first of *some* units that leads out of the table or the texts.

    The first of them has the number *first*, and there are *units* in all.
    """
    for number, unit in enumerate(some, start=first):
        if unit & _LEAF:
            if unit ^ _LEAF >= texts:
                return number
            continue
        offset = unit >> _OFFSET_BIT
        if unit & _WIDE:
            offset <<= _WIDER
        if (number ^ offset) | _LABEL >= units:
            return number
    return None


def _check_texts(data: bytes) -> None:
    """Every text is UTF-8, and the last one ends."""
    if not data.endswith(b"\0"):
        _refuse("a zero byte at the end", repr(data[-1:]))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte {error.start} of the texts is not"
        raise MalformedContentError(_WHAT, expected="UTF-8", found=found) from error


_WHAT: Final = "the rules for characters cannot be read"


def _refuse(expected: str, found: str) -> NoReturn:
    raise MalformedContentError(_WHAT, expected=expected, found=found)
