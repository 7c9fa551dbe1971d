"""
What comes back of a load in a process of its own: plain values, and descriptions of all others.

::

    Plain = None | bool | int | float | complex | str | bytes | bytearray
          | date | time | datetime | timedelta
          | list | tuple | set | frozenset | dict | OrderedDict | Counter | deque
          | array | tensor | Opaque

Values of exactly these types are what they were. Everything else is an `Opaque`, which says of what
class it was and, in plain values again, what it was made of. Nothing refers to itself: where an
object did, an `Opaque` says so.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.load.held import HeldFile
from weighbridge.load.isolated.types import ArrayType


class What(StrEnum):
    """What an `Opaque` stands for."""

    OBJECT = "object"
    """An instance of the class that is named."""

    NAME = "name"
    """The class, function or module itself."""

    MISSING = "missing"
    """An instance of a class, or what a function made, that is not installed where it was read."""

    AGAIN = "again"
    """An object that is one of those around this place: it referred to itself."""


class Opaque:
    """
    An object that did not come back: what it was, and what it was made of.

    Two of them are equal only if they are the same one. Nothing here was imported, and what is
    said is the word of whoever wrote the pickle.

    Attributes:
        name: Module and qualified name of its class; of itself where *what* is `NAME`.
        what: What this stands for.
        arguments: What it would be made from again; empty where nothing is known of that.
        state: Its attributes, mostly a dict; None where there are none.
        items: What it holds as a list, dict, tuple, text or number that it is besides, or the
            array that it is; None where it is none.
        note: Why nothing more is known; empty where everything is.
    """

    __slots__ = ("arguments", "items", "name", "note", "state", "what")

    def __init__(
        self,
        name: str,
        *,
        what: What = What.OBJECT,
        arguments: tuple[object, ...] = (),
        state: object = None,
        items: object = None,
        note: str = "",
    ) -> None:
        self.name: Final = name
        self.what: Final = what
        self.arguments: Final = arguments
        self.state: Final = state
        self.items: Final = items
        self.note: Final = note

    def __repr__(self) -> str:
        """Name it, and nothing that it holds."""
        return f"<Opaque {self.what} {self.name!r}>"

    def parts(self) -> Iterator[tuple[str, object]]:
        """Yield what it was made of, with what each part is called."""
        if self.arguments:
            yield "arguments", self.arguments
        if self.items is not None:
            yield "items", self.items
        if self.state is not None:
            yield "state", self.state


@frozen
class StoredArray:
    """
    An array that is not built yet.

    Attributes:
        type: Of its elements.
        shape: Empty for a scalar.
        fortran: Whether the first index is the fastest.
        kind: What it is to become.
        block: The bytes that came back.
        start: Where its elements start in them, without holes.
    """

    type: ArrayType
    shape: tuple[int, ...]
    fortran: bool
    kind: "ArrayKind"
    block: HeldFile
    start: int

    # Only the same one is equal: what a type is made of is not gone through for every set.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def size(self) -> int:
        """Bytes of its elements."""
        count = self.type.itemsize
        for length in self.shape:
            count *= length
        return count


class ArrayKind(StrEnum):
    """What an array was."""

    ARRAY = "array"
    """An array of NumPy."""

    SCALAR = "scalar"
    """A scalar of NumPy."""

    TENSOR = "tensor"
    """A tensor of PyTorch."""


@frozen
class StoredObjects:
    """
    An array of Python objects that is not built yet.

    Attributes:
        shape: Of the array.
        items: The objects as plain values, last index fastest.
    """

    shape: tuple[int, ...]
    items: tuple[object, ...]


def children(value: object, /) -> Iterator[tuple[str, object]]:
    """Yield what the plain *value* holds, with what each is called in it: key, index or part."""
    if isinstance(value, Mapping):
        for key, held in value.items():
            yield key_text(key), held
    elif isinstance(value, Opaque):
        yield from value.parts()
    elif isinstance(value, StoredObjects):
        yield from ((str(index), held) for index, held in enumerate(value.items))
    elif isinstance(value, list | tuple | set | frozenset | deque):
        yield from ((str(index), held) for index, held in enumerate(value))


def key_text(key: object, /) -> str:
    """Return what a key of a dict is called; in bounded time, whatever it is."""
    return key if type(key) is str else _repr(key, levels=_KEY_LEVELS)[:_KEY_CHARS]


_KEY_CHARS: Final = 200
_KEY_LEVELS: Final = 3
_KEY_ITEMS: Final = 8


def _repr(key: object, *, levels: int) -> str:
    """Return *key* as Python writes it, as far as it is short."""
    match key:
        case tuple() | frozenset():
            items = [
                _repr(each, levels=levels - 1) for each in islice(key, _KEY_ITEMS if levels else 0)
            ]
            if len(items) < len(key):
                items.append("...")
            inner = ", ".join(items)
            if isinstance(key, tuple):
                return f"({inner},)" if len(key) == 1 else f"({inner})"
            return f"frozenset({{{inner}}})" if key else "frozenset()"
        case str() | bytes():
            return repr(key[:_KEY_CHARS])
        case int() if abs(key) >= 1 << 256:
            return f"an integer of {key.bit_length()} bits"
        case StoredArray():
            return f"{key.kind} {key.type.word}"
        case _:
            return repr(key)
