"""
Types of the elements of arrays: as text between processes, and what NumPy calls them.

::

    f4   <f4          numbers of NumPy, in the machine's order: b1 i1..i8 u1..u8 f2..f16 c8..c32
    S12  U7  V3       bytes, text and raw memory of so many
    M8[ns]  m8[25s]   times and durations in units
    BF16              elements of tensors that NumPy has no word for
    ["record", SIZE, [[NAME, TYPE, OFFSET, SHAPE], ...]]

What is read is checked against this list; no word of it reaches NumPy's own parser.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.limits.isolated import (
    MAX_ISOLATED_NAME_CHARS,
    MAX_ISOLATED_RECORD_DEPTH,
    MAX_ISOLATED_RECORD_FIELDS,
)
from weighbridge.core.limits.weights import MAX_TENSOR_RANK
from weighbridge.core.values import frozen

NUMBERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "b1": 1,
        **{f"{kind}{size}": size for kind in "iu" for size in (1, 2, 4, 8)},
        **{f"f{size}": size for size in (2, 4, 8, 12, 16)},
        **{f"c{size}": size for size in (8, 16, 24, 32)},
    }
)
"""Bytes of each; f12, f16, c24 and c32 are what the machine calls long double."""

ELEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "b1": "BOOL",
        **{f"i{size}": f"I{size * 8}" for size in (1, 2, 4, 8)},
        **{f"u{size}": f"U{size * 8}" for size in (1, 2, 4, 8)},
        **{f"f{size}": f"F{size * 8}" for size in (2, 4, 8)},
        **{f"c{size}": f"C{size * 8}" for size in (8, 16)},
    }
)
"""The name that an element has in safetensors files and in `load.placement`."""

TENSOR_ONLY: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BF16": 2,
        "F8_E4M3": 1,
        "F8_E5M2": 1,
        "F8_E8M0": 1,
        "F8_E4M3FNUZ": 1,
        "F8_E5M2FNUZ": 1,
        "F4_X2": 1,
    }
)
"""Elements of tensors without a number of NumPy, by their name in `load.placement`."""

_SIZED: Final = re.compile(r"([SUV])(\d{1,9})", re.ASCII)
_TIME: Final = re.compile(r"([Mm])8(?:\[(\d{0,9})(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?", re.ASCII)
_LETTER_BYTES: Final = MappingProxyType({"S": 1, "U": 4, "V": 1})
_MOST_BYTES: Final = (1 << 31) - 1
"""Of one element: NumPy counts them with 32 bits."""


@frozen
class Field:
    """A field of a record."""

    name: str
    type: "ArrayType"
    offset: int
    shape: tuple[int, ...]


@frozen
class ArrayType:
    """
    The type of an array's elements.

    Attributes:
        word: As above; `record` for records.
        itemsize: Bytes of one element.
        fields: Of a record.
    """

    word: str
    itemsize: int
    fields: tuple[Field, ...] = ()

    @property
    def breadth(self) -> int:
        """How many types it is made of, itself among them."""
        return 1 + sum(field.type.breadth for field in self.fields)

    @property
    def element(self) -> str | None:
        """The name of such elements in `load.placement`; None where they have none."""
        return self.word if self.word in TENSOR_ONLY else ELEMENTS.get(self.word)

    def __str__(self) -> str:
        if not self.fields:
            return self.word
        return "record(" + ", ".join(f"{field.name}: {field.type}" for field in self.fields) + ")"


def read_type(said: object, /, *, depth: int = 0) -> ArrayType:
    """
    Return the type that *said*, out of JSON, names.

    Raises:
        ValueError: It names none.
    """
    if type(said) is str:
        return _read_word(said)
    match said:
        case ["record", int(size), list(fields)] if depth < MAX_ISOLATED_RECORD_DEPTH:
            if not 0 < size <= _MOST_BYTES or not 0 < len(fields) <= MAX_ISOLATED_RECORD_FIELDS:
                raise ValueError("a record of an impossible size")
            read = tuple(_read_field(each, size, depth) for each in fields)
            if len({field.name for field in read}) != len(read):
                raise ValueError("two fields of one name")
            return ArrayType(word="record", itemsize=size, fields=read)
        case _:
            raise ValueError("no type of an array")


def _read_word(word: str) -> ArrayType:
    size = NUMBERS.get(word) or TENSOR_ONLY.get(word)
    if size is not None:
        return ArrayType(word=word, itemsize=size)
    if sized := _SIZED.fullmatch(word):
        size = int(sized[2]) * _LETTER_BYTES[sized[1]]
        if size <= _MOST_BYTES and word == f"{sized[1]}{int(sized[2])}":
            return ArrayType(word=word, itemsize=size)
    elif (timed := _TIME.fullmatch(word)) and _is_count(timed[2] or ""):
        return ArrayType(word=word, itemsize=8)
    raise ValueError("no type of an array")


def _is_count(digits: str) -> bool:
    """Tell whether *digits* say how many units a step has as NumPy does: nothing for one."""
    return digits != "1" and not digits.startswith("0")


def _read_field(said: object, size: int, depth: int) -> Field:
    match said:
        case [str(name), what, int(offset), list(shape)] if type(offset) is int:
            found = read_type(what, depth=depth + 1)
            lengths = read_shape(shape)
            count = found.itemsize
            for length in lengths:
                count *= length
            # NumPy keeps no field without a byte apart from its neighbours; nobody has one.
            if offset < 0 or count <= 0 or offset + count > size:
                raise ValueError("a field beyond its record")
            if not name or len(name) > MAX_ISOLATED_NAME_CHARS or found.word in TENSOR_ONLY:
                raise ValueError("no field of a record")
            return Field(name=name, type=found, offset=offset, shape=lengths)
        case _:
            raise ValueError("no field of a record")


def read_shape(said: object, /) -> tuple[int, ...]:
    """
    Return the shape that *said*, out of JSON, is.

    Raises:
        ValueError: It is none.
    """
    if type(said) is not list or len(said) > MAX_TENSOR_RANK:
        raise ValueError("no shape")
    if any(type(length) is not int or not 0 <= length < 1 << 63 for length in said):
        raise ValueError("no shape")
    return tuple(said)
