"""
Plain values as JSON.

Lists, texts, numbers, truth values and dicts of texts are those of JSON. Everything else is an
object with a key `$` that says what it is; so is a dict that has such a key.
"""

import base64
import math
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.isolated import (
    MAX_UNPICKLE_DOCUMENT_CHARS,
    MAX_UNPICKLE_DOCUMENT_VALUES,
)
from weighbridge.load.isolated.plain import Opaque, StoredArray, StoredObjects
from weighbridge.load.isolated.types import ArrayType
from weighbridge.pipeline.unpickling.names import too_many
from weighbridge.pipeline.unpickling.texts import is_text, texts_of

Json = object
"""A value of JSON."""

TAG: Final = "$"
_MOST_INTEGER: Final = (1 << 63) - 1


class Documents:
    """
    Makes documents.

    Args:
        names: What each array is called in the file of tensors, by its identity; those without a
            name are told by type and shape alone.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names
        self._count = 0
        self._size = 0

    def document(self, value: object, /) -> Json:
        """
        Return *value*; what is shared is written in each of its places.

        Raises:
            LimitExceededError: There are too many values, or too much of them.
        """
        self._spend(values=1)
        match value:
            case None | bool() | str():
                self._spend(chars=len(value) if isinstance(value, str) else 0)
                return value
            case int() | float() | complex():
                if isinstance(value, int):
                    self._spend(chars=value.bit_length() // 4)
                return _number(value)
            case bytes() | bytearray():
                self._spend(chars=4 * len(value) // 3)
                return _tagged(type(value).__name__, base64=base64.b64encode(value).decode())
            case date() | time() | timedelta():
                return _moment(value)
            case StoredArray() | StoredObjects():
                return self._array(value)
            case Opaque():
                return self._opaque(value)
            case dict():
                return self._mapping(value)
            case _:
                return self._collection(value)

    def _spend(self, *, values: int = 0, chars: int = 0) -> None:
        """Count what is going to be written, before it is made."""
        self._count += values
        self._size += chars
        if self._count > MAX_UNPICKLE_DOCUMENT_VALUES:
            raise too_many(self._count)
        if self._size > MAX_UNPICKLE_DOCUMENT_CHARS:
            raise LimitExceededError(
                "the pickle holds too much text to be written",
                expected=f"at most {MAX_UNPICKLE_DOCUMENT_CHARS} characters, where what is shared "
                "counts each time",
                found=f"{self._size} or more",
            )

    def _collection(self, value: object) -> Json:
        assert isinstance(value, list | tuple | set | frozenset | deque)
        items = [self.document(each) for each in value]
        return items if type(value) is list else _tagged(type(value).__name__, items=items)

    def _mapping(self, value: "dict[object, object]") -> Json:
        plain = type(value) is dict and all(type(key) is str for key in value)
        if plain and TAG not in value:
            self._spend(chars=sum(map(len, value)))  # type: ignore[arg-type]  # texts
            return {str(key): self.document(held) for key, held in value.items()}
        pairs = [[self.document(key), self.document(held)] for key, held in value.items()]
        kind = type(value).__name__ if isinstance(value, OrderedDict | Counter) else "dict"
        return _tagged(kind, items=pairs)

    def _array(self, value: StoredArray | StoredObjects) -> Json:
        if isinstance(value, StoredObjects):
            items = [self.document(each) for each in value.items]
            return _tagged("array", dtype="object", shape=list(value.shape), items=items)
        self._spend(values=value.type.breadth - 1)
        told: dict[str, Json] = {"dtype": type_document(value.type), "shape": list(value.shape)}
        if value.fortran:
            told["order"] = "F"
        name = self._names.get(id(value))
        if name is not None:
            told["tensor"] = name
            if value.type.element is None:
                told["stored"] = "bytes"
        elif is_text(value):
            width = max(1, value.type.itemsize)
            self._spend(values=value.size // width, chars=value.size)
            told["items"] = list(texts_of(value) or ())
        return _tagged(str(value.kind), **told)

    def _opaque(self, value: Opaque) -> Json:
        parts = {
            part: [self.document(each) for each in value.arguments]
            if part == "arguments"
            else self.document(held)
            for part, held in value.parts()
        }
        self._spend(chars=len(value.name) + len(value.note))
        if value.note:
            parts["note"] = value.note
        return _tagged(str(value.what), name=value.name, **parts)


def type_document(found: ArrayType, /) -> Json:
    """Return the type of an array's elements as it is told between processes."""
    if not found.fields:
        return found.word
    fields = [
        [field.name, type_document(field.type), field.offset, list(field.shape)]
        for field in found.fields
    ]
    return ["record", found.itemsize, fields]


def _number(value: complex) -> Json:
    if isinstance(value, complex):
        return _tagged("complex", value=[_number(value.real), _number(value.imag)])
    if isinstance(value, float):
        return value if math.isfinite(value) else _tagged("float", value=str(value))
    return value if abs(value) <= _MOST_INTEGER else _tagged("int", hex=f"{value:x}")


def _moment(value: date | time | timedelta) -> Json:
    if isinstance(value, timedelta):
        parts = [value.days, value.seconds, value.microseconds]
        return _tagged("timedelta", value=parts)
    kind = "datetime" if isinstance(value, datetime) else type(value).__name__
    return _tagged(kind, value=value.isoformat())


def _tagged(kind: str, **parts: Json) -> Json:
    return {TAG: kind, **parts}
