"""NumPy types as pickles write them: the size of an element, and whether it holds objects."""

import re
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.pickle.values import CallNode, DictNode, GlobalNode, TupleNode, Value

_CODE: Final = re.compile(r"[<>|=]?([?bBhHiIlLqQpPefdgFDGSaUVOmMuc])([0-9]{0,9})")
_CHARACTER_BYTES: Final = {"U": 4}
RECORD_CLASSES: Final = frozenset(
    {"numpy.record", "numpy.rec.record", "numpy.core.records.record", "numpy._core.records.record"}
)
"""Classes that stand for a type code."""

_MAX_FIELDS: Final = 4096
_MAX_DEPTH: Final = 8
_STATE_LENGTHS: Final = {8, 9}
_FLAGS_AT: Final = 7
_OBJECT_FLAGS: Final = 0x07
"""NPY_ITEM_REFCOUNT, NPY_LIST_PICKLE and NPY_ITEM_IS_POINTER (numpy/ndarraytypes.h)."""


@frozen
class ElementType:
    """
    What an array's elements are.

    Attributes:
        item_size: Bytes of one.
        has_object: Whether it is, or holds, a Python object.
    """

    item_size: int
    has_object: bool


def read_type(value: Value, *, depth: int = 0) -> ElementType | None:
    """Return what a call of `numpy.dtype` makes, or None where that is not known."""
    if not isinstance(value, CallNode) or value.target != "numpy.dtype" or depth > _MAX_DEPTH:
        return None
    code = (value.positional or (None,))[0]
    if isinstance(code, GlobalNode) and code.dotted in RECORD_CLASSES:
        code = "V0"
    found = _CODE.fullmatch(code) if isinstance(code, str) else None
    if found is None or not found[2]:
        return None
    kind, size = found[1], int(found[2]) * _CHARACTER_BYTES.get(found[1], 1)
    has_object = kind == "O"
    for state in value.states:
        inner = _read_state(state, size, depth=depth)
        if inner is None:
            return None
        size = inner.item_size if kind == "V" else size
        has_object = has_object or inner.has_object
        if has_object is not _says_object(state):
            return None
    return ElementType(item_size=8 if kind == "O" else size, has_object=has_object)


def _says_object(state: Value) -> bool | None:
    """
    Tell whether the flags of a state say that the elements are references to objects.

    NumPy and joblib go by these, and not by the kind of the type: numbers that are flagged so are
    followed as pointers, and what joblib reads for them is unpickled.
    """
    flags = state.items[_FLAGS_AT] if isinstance(state, TupleNode) else None
    return bool(flags & _OBJECT_FLAGS) if isinstance(flags, int) else None


def find_type_fault(state: Value) -> str | None:
    """Return why *state* is not one that NumPy gives a type, or None."""
    inner = _read_state(state, None, depth=0)
    if inner is None:
        return "the state of a type has fields or a size that do not fit"
    return None


def _read_state(state: Value, size: int | None, *, depth: int) -> ElementType | None:
    """
    Return what a state says of a type: (version, order, base, names, fields, size, ...).

    Fields outside the element, and fields of objects in a type that does not say so, would make
    NumPy read foreign memory.
    """
    if not isinstance(state, TupleNode) or len(state.items) not in _STATE_LENGTHS:
        return None
    version, _order, base, names, fields, item_size, _alignment, _flags, *_rest = state.items
    if not isinstance(version, int) or not isinstance(item_size, int):
        return None
    length = item_size if item_size >= 0 else (size or 0)
    if base is not None:
        return _read_base(base, length, depth=depth)
    if names is None and fields is None:
        return ElementType(item_size=length, has_object=False)
    if not isinstance(fields, DictNode) or len(fields.flat) > _MAX_FIELDS:
        return None
    return _read_fields(fields, length, depth=depth)


def _read_base(base: Value, length: int, *, depth: int) -> ElementType | None:
    """Return the type of a subarray: (type, shape)."""
    if not isinstance(base, TupleNode) or len(base.items) != 2:  # noqa: PLR2004  as it says
        return None
    inner = read_type(base.items[0], depth=depth + 1)
    if inner is None:
        return None
    return ElementType(item_size=length, has_object=inner.has_object)


def _read_fields(fields: DictNode, length: int, *, depth: int) -> ElementType | None:
    """Return the type of a record, if every field lies within it."""
    has_object = False
    for _name, field in fields.pairs():
        if not isinstance(field, TupleNode) or len(field.items) not in {2, 3}:
            return None
        inner = read_type(field.items[0], depth=depth + 1)
        offset = field.items[1]
        if inner is None or not isinstance(offset, int):
            return None
        if offset < 0 or offset + inner.item_size > length:
            return None
        has_object = has_object or inner.has_object
    return ElementType(item_size=length, has_object=has_object)
