"""A value as a tree for people: bounded, whatever it holds."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from weighbridge.core.limits.isolated import (
    MAX_UNPICKLE_ITEMS,
    MAX_UNPICKLE_LINES,
    MAX_UNPICKLE_TEXT_CHARS,
)
from weighbridge.core.outline import Outline
from weighbridge.load.isolated.plain import Opaque, StoredArray, StoredObjects, What, children
from weighbridge.load.isolated.types import ArrayType
from weighbridge.pipeline.unpickling.texts import numbers_of, texts_of

_SHOWN: Final = 6
_WORDS: Final = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}
_ABOUT: Final = {
    What.OBJECT: "",
    What.NAME: " (the name itself)",
    What.MISSING: " (not installed here)",
    What.AGAIN: " (refers back to itself)",
}


class _Budget:
    """Lines that are left."""

    def __init__(self) -> None:
        self.lines = MAX_UNPICKLE_LINES


def outline(value: object, /, *, label: str) -> Outline:
    """Return *value* as a tree called *label*, with as much of it as can be read."""
    return _outline(value, label, _Budget())


def _outline(value: object, label: str, budget: _Budget) -> Outline:
    budget.lines -= 1
    below: list[Outline] = []
    parts = _below(value)
    for part, held in islice(parts, MAX_UNPICKLE_ITEMS):
        if budget.lines <= 0:
            return Outline(label=_short(label), text=_text(value), below=tuple(below), more=True)
        below.append(_outline(held, part, budget))
    more = next(parts, None) is not None
    return Outline(label=_short(label), text=_text(value), below=tuple(below), more=more)


def _below(value: object) -> Iterator[tuple[str, object]]:
    """Yield what is drawn below *value*; a state is drawn as the attributes that it is."""
    if isinstance(value, Opaque):
        for part, held in value.parts():
            if part == "state" and type(held) is dict:
                yield from children(held)
            elif part == "arguments":
                yield from ((f"argument {n}", each) for n, each in enumerate(value.arguments))
            else:
                yield part, held
        return
    yield from children(value)


def _text(value: object) -> str:
    match value:
        case StoredArray():
            return _array_text(value)
        case StoredObjects():
            return f"array of objects {_shape(value.shape)}"
        case Opaque():
            return f"{_short(value.name)}{_ABOUT[value.what]}" + (
                f": {_short(value.note)}" if value.note else ""
            )
        case dict() | list() | tuple() | set() | frozenset():
            return f"{type(value).__name__} of {len(value)}"
        case int() if abs(value) >= 1 << 256:
            return f"an integer of {value.bit_length()} bits"
        case str() | bytes() | bytearray():
            cut = value[: MAX_UNPICKLE_TEXT_CHARS + 1]
            more = f"... ({len(value)})" if len(value) > MAX_UNPICKLE_TEXT_CHARS else ""
            return repr(cut[:MAX_UNPICKLE_TEXT_CHARS]) + more
        case None | bool() | int() | float() | complex():
            return repr(value)
        case _:
            return _other(value)


def _other(value: object) -> str:
    found = len(value) if hasattr(value, "__len__") else None
    return f"{type(value).__name__} of {found}" if found is not None else str(value)


def _array_text(stored: StoredArray) -> str:
    text = f"{stored.kind} {type_text(stored.type)} {_shape(stored.shape)}".rstrip()
    numbers = numbers_of(stored, most=_SHOWN)
    if numbers:
        return f"{text}: {', '.join(map(str, numbers))}"
    texts = texts_of(stored) if stored.size < 1 << 16 else None
    if texts and len(texts) <= _SHOWN:
        return f"{text}: {', '.join(_short(repr(each)) for each in texts)}"
    return text


def type_text(found: ArrayType, /) -> str:
    """Return the type of an array's elements as people call it."""
    if found.fields:
        return f"record of {', '.join(_short(field.name) for field in found.fields[:_SHOWN])}"
    word = _WORDS.get(found.word[0]) if found.word[1:].isdigit() else None
    if word is None:
        return found.word.lower() if found.element else found.word
    return word if word == "bool" else f"{word}{found.itemsize * 8}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) if shape else ""


def _short(text: str) -> str:
    return text if len(text) <= MAX_UNPICKLE_TEXT_CHARS else f"{text[:MAX_UNPICKLE_TEXT_CHARS]}..."
