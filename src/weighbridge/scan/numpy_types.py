"""NumPy types as pickles write them: the size of an element, and whether it holds objects."""

import math
import re
from collections.abc import Iterator
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.pickle.trace import Change, Trace
from weighbridge.formats.pickle.values import (
    CallNode,
    DictNode,
    GlobalNode,
    TupleNode,
    Value,
    children,
)

_TYPE: Final = "numpy.dtype"
_STRING_TYPE: Final = "numpy._core._internal._convert_to_stringdtype_kwargs"
_CODE: Final = re.compile(r"[<>|=]?([?bBhHiIlLqQpPefdgFDGSaUVOmMuc])([0-9]{0,9})")
_CHARACTER_BYTES: Final = {"U": 4}
_SIZED_BY_STATE: Final = frozenset("SaUV")
"""Kinds of which NumPy takes the size from the state, whatever the type code says."""

_TIMES: Final = frozenset("mM")
RECORD_CLASSES: Final = frozenset(
    {"numpy.record", "numpy.rec.record", "numpy.core.records.record", "numpy._core.records.record"}
)
"""Classes that stand for a type code."""

_MAX_FIELDS: Final = 4096
_MAX_DEPTH: Final = 8
_STATE_LENGTHS: Final = {8, 9}
_FLAGS_AT: Final = 7
_OBJECT: Final = 0x01
"""NPY_ITEM_REFCOUNT (numpy/ndarraytypes.h): what `dtype.hasobject` goes by."""
_OBJECT_FLAGS: Final = 0x07
"""The same with NPY_LIST_PICKLE and NPY_ITEM_IS_POINTER, which no type of numbers has."""


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
    if not isinstance(value, CallNode) or value.target != _TYPE or depth > _MAX_DEPTH:
        return None
    code = (value.positional or (None,))[0]
    if isinstance(code, GlobalNode) and code.dotted in RECORD_CLASSES:
        code = "V0"
    found = _CODE.fullmatch(code) if isinstance(code, str) else None
    if found is None or not found[2]:
        return None
    kind, size = found[1], int(found[2]) * _CHARACTER_BYTES.get(found[1], 1)
    size = 8 if kind == "O" else size
    if not value.states:
        return ElementType(item_size=size, has_object=kind == "O")
    if len(value.states) > 1:
        # Arrays that have the type already would keep their memory, and change how it is read.
        return None
    return _read_type_state(value.states[0], kind, size, depth=depth)


def is_string_type(value: Value) -> bool:
    """
    Tell whether *value* is the type of text of any length, of NumPy 2.

    Arrays of it hold pointers of its own, and are pickled as lists.
    """
    return isinstance(value, CallNode) and value.target == _STRING_TYPE and not value.states


def _read_type_state(state: Value, kind: str, size: int, *, depth: int) -> ElementType | None:
    """Return the type of *kind*, whose code says *size*, when it was given *state*."""
    inner = _read_state(state, depth=depth)
    if inner is None or not isinstance(state, TupleNode):
        return None
    if kind in _SIZED_BY_STATE:
        size = inner.item_size
    if size < 0 or (kind != "V" and any(part is not None for part in state.items[2:5])):
        # Numbers with fields: NumPy would look for those beyond the number.
        return None
    if kind in _TIMES and not _has_unit(state):
        return None
    has_object = inner.has_object or kind == "O"
    if has_object is not _says_object(state):
        return None
    return ElementType(item_size=size, has_object=has_object)


def _has_unit(state: TupleNode) -> bool:
    """Tell whether the state of a type of times has a unit, without which NumPy crashes."""
    described = state.items[-1] if len(state.items) == max(_STATE_LENGTHS) else None
    if not isinstance(described, TupleNode) or len(described.items) != 2:  # noqa: PLR2004  a pair
        return False
    unit = described.items[1]
    return isinstance(unit, TupleNode) and len(unit.items) == 4  # noqa: PLR2004  as NumPy has it


def _says_object(state: Value) -> bool | None:
    """
    Tell whether the flags of a state say that the elements are references to objects, or None.

    NumPy and joblib go by these, and not by the kind of the type: numbers that are flagged so are
    followed as pointers, and what joblib reads for them is unpickled. Objects that are not flagged
    so are read from bytes, as pointers. Flags of which only some say so are nobody's.
    """
    flags = state.items[_FLAGS_AT] if isinstance(state, TupleNode) else None
    if not isinstance(flags, int):
        return None
    if flags & _OBJECT:
        return True
    return None if flags & _OBJECT_FLAGS else False


def find_type_fault(target: CallNode, state: Value) -> str | None:
    """Return why NumPy does not give *state* to the type that *target* makes, or None."""
    if read_type(target) is not None or (_is_plain(state) and len(target.states) == 1):
        return None
    return "the state of a type has fields, flags or a size that do not fit"


def find_late_types(trace: Trace) -> Iterator[Change]:
    """
    Yield the states that are given to types after something else has got the type.

    Picklers give a type its state at once. Given later, it changes under arrays and records that
    have the type already, and were made for elements of another size and kind.
    """
    had: set[int] = set()
    for event in trace.events:
        if isinstance(event, Change):
            target = event.target
            is_type = isinstance(target, CallNode) and target.target == _TYPE
            if is_type and id(target) in had:
                yield event
            for item in event.items:
                had.update(_types_in(item, depth=3 if is_type else 1))
        elif isinstance(event, CallNode):
            had.update(_types_in(event.args, depth=1))


def _types_in(value: Value, *, depth: int) -> Iterator[int]:
    """Yield the identities of the types in *value*, which is looked into down to *depth*."""
    if isinstance(value, CallNode):
        if value.target == _TYPE:
            yield id(value)
    elif depth and isinstance(value, TupleNode | DictNode):
        for item in children(value):
            yield from _types_in(item, depth=depth - 1)


def _is_plain(state: Value) -> bool:
    """Tell whether *state* gives a type, which may be another package's, an order of bytes only."""
    inner = _read_state(state, depth=0)
    plain = isinstance(state, TupleNode) and all(part is None for part in state.items[2:5])
    return inner is not None and plain and _says_object(state) is False and inner.item_size < 0


def _read_state(state: Value, *, depth: int) -> ElementType | None:
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
    if base is not None:
        return _read_base(base, item_size, depth=depth)
    if names is None and fields is None:
        return ElementType(item_size=item_size, has_object=False)
    if not isinstance(fields, DictNode) or len(fields.flat) > _MAX_FIELDS:
        return None
    if not _are_fields(names, fields):
        return None
    return _read_fields(fields, item_size, depth=depth)


def _are_fields(names: Value, fields: DictNode) -> bool:
    """Tell whether all *names* are of *fields*; NumPy looks them up."""
    if names is None:
        return True
    known = {key for key in fields.flat[::2] if isinstance(key, str)}
    return isinstance(names, TupleNode) and known.issuperset(names.items)


def _read_base(base: Value, length: int, *, depth: int) -> ElementType | None:
    """Return the type of a subarray: (type, shape), whose elements fill it."""
    if not isinstance(base, TupleNode) or len(base.items) != 2:  # noqa: PLR2004  as it says
        return None
    inner, shape = read_type(base.items[0], depth=depth + 1), base.items[1]
    lengths = shape.items if isinstance(shape, TupleNode) else (shape,)
    known = [n for n in lengths if isinstance(n, int) and n >= 0]
    if inner is None or len(known) != len(lengths):
        return None
    if math.prod(known) * inner.item_size != length:
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
