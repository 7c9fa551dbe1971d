"""Properties of what a confined process hands back: honest values come back, nothing else does."""

import datetime as dt
import json
from collections import OrderedDict
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from support.handed_back import by_hand, read, round_trip, told
from weighbridge.core.errors import MalformedContentError, WeighbridgeError
from weighbridge.load.isolated.building import AsArrays
from weighbridge.load.isolated.layout import CODES, ERRORS, HEAD, NODES
from weighbridge.load.isolated.types import read_type
from weighbridge.pipeline.unpickling.document import Documents
from weighbridge.pipeline.unpickling.names import name_arrays
from weighbridge.pipeline.unpickling.outline import outline

_ZONES = st.none() | st.just(dt.UTC)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(1 << 200), max_value=1 << 200)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(max_size=300)
    | st.dates()
    | st.times(timezones=_ZONES)
    | st.datetimes(timezones=_ZONES)
    | st.timedeltas()
)
KEYS = LEAVES | st.tuples(LEAVES, LEAVES)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner)
        | st.dictionaries(KEYS, inner).map(OrderedDict)
        | st.frozensets(KEYS)
        | st.sets(KEYS)
    ),
    max_leaves=20,
)
TYPES = hnp.scalar_dtypes() | hnp.array_dtypes() | hnp.nested_dtypes()
ARRAYS = hnp.arrays(TYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))

HONEST = told(
    {
        "a": np.arange(6.0).reshape(2, 3),
        "b": [1, 1 << 80, (2, frozenset({3})), OrderedDict(x=range(3))],
        "c": np.zeros(2, [("x", "?"), ("y", "U3")]),
        "d": ["x" * 500, b"y" * 70, dt.datetime(2031, 1, 2, tzinfo=dt.UTC), 1j, float("inf")],
        "e": np.array([None, "x"], dtype=object),
    }
)
START = HEAD.size
LENGTH = HEAD.unpack(HONEST[:START])[1]

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 70)
    | st.sampled_from([1 << 62, 1 << 63, -(1 << 63)])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("0aCF", max_size=17)
    | st.sampled_from(["f4", "b1", "U2", "S0", "V3", "M8[ns]", "BF16", "object", "name", "record"])
    | st.builds(lambda n: [n], st.integers(-1, 6))
)
PARTS = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=4), max_leaves=6)
NODE = st.builds(
    lambda kind, parts: [kind, *parts], st.sampled_from(sorted(NODES)), st.lists(PARTS, max_size=6)
)


def exactly(value: object) -> object:
    """Return what tells *value* from all others, types of what it holds included."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return kind, [(exactly(key), exactly(held)) for key, held in value.items()]
    if isinstance(value, list | tuple):
        return kind, [exactly(each) for each in value]
    if isinstance(value, set | frozenset):
        # Their order is no part of them.
        return kind, sorted(map(repr, map(exactly, value)))
    return kind, repr(value)


@given(VALUES)
def test_plain_values_come_back(value: object) -> None:
    """Whatever is made of plain types comes back equal and of the same types."""
    found = round_trip(value)
    assert found == value
    assert exactly(found) == exactly(value)


def untitled(dtype: "np.dtype[Any]") -> "np.dtype[Any]":
    """Return *dtype* without the second names that fields can have, which do not come back."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return np.dtype((untitled(base), shape))
    if dtype.fields is None:
        return dtype
    return np.dtype([(name, untitled(dtype.fields[name][0])) for name in dtype.names or ()])


@given(ARRAYS)
def test_arrays_come_back(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> None:
    """An array of any type without objects comes back with its type, shape and elements."""
    found = round_trip(array)
    native = untitled(array.dtype.newbyteorder("="))
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (native, array.shape)
    assert str(found) == str(array.astype(native))


@given(VALUES | ARRAYS)
def test_what_comes_back_can_be_shown_and_written(value: object) -> None:
    """Every value has a tree and a document, and the document is JSON."""
    found = read(told(value))
    arrays = name_arrays(found)
    names = {id(stored): name for name, stored in arrays.items()}
    json.loads(json.dumps(Documents(names).document(found), allow_nan=False))
    assert outline(found, label="x").label == "x"


def _is_fine(data: bytes) -> None:
    """Read *data*; whatever happens, it is a value or one of our errors."""
    for build in (None, AsArrays()):
        try:
            read(data, build=build)
        except WeighbridgeError:
            continue


@settings(max_examples=500)
@given(st.lists(NODE, max_size=6), PARTS, st.binary(max_size=130), st.integers(0, 130))
def test_any_nodes_are_a_value_or_an_error(
    nodes: list[object], value: object, data: bytes, size: int
) -> None:
    """Nodes of every kind with whatever parts give a value or an error of ours, and no other."""
    _is_fine(by_hand(["value", value, nodes, size], data))
    _is_fine(by_hand(["value", value, nodes, len(data)], data))


@given(
    st.sampled_from([*sorted(ERRORS), "x"]),
    st.sampled_from([*sorted(CODES), "x"]),
    st.lists(ATOMS, max_size=6),
)
def test_any_error_is_an_error(kind: str, code: str, texts: list[object]) -> None:
    """Whatever is said to be an error is one of ours, and no value."""
    try:
        found = read(by_hand(["error", kind, code, *texts]))
    except WeighbridgeError:
        return
    raise AssertionError(found)


@settings(max_examples=500)
@given(
    st.lists(
        st.tuples(st.integers(0, len(HONEST) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_changed_bytes_are_a_value_or_an_error(changes: list[tuple[int, int]]) -> None:
    """An answer of which bytes were changed gives a value or an error of ours, and no other."""
    data = bytearray(HONEST)
    for place, byte in changes:
        data[place] = byte
    _is_fine(bytes(data))


@given(st.integers(0, len(HONEST) - 1))
def test_a_part_is_no_answer(size: int) -> None:
    """An answer that is cut off anywhere is an error."""
    try:
        found = read(HONEST[:size])
    except MalformedContentError:
        return
    raise AssertionError(found)


@settings(max_examples=300)
@given(st.integers(0, LENGTH - 1), st.sampled_from(list(b'[]{},:"-.0123456789eEnulltrufas\\ ')))
def test_a_changed_head_is_a_value_or_an_error(place: int, byte: int) -> None:
    """A head with another sign of JSON in it gives a value or an error of ours, and no other."""
    data = bytearray(HONEST)
    data[START + place] = byte
    _is_fine(bytes(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_error(data: bytes) -> None:
    """Bytes that nobody made an answer of are an error."""
    _is_fine(data)
    _is_fine(HONEST[:START] + data)


@settings(max_examples=300)
@given(PARTS | st.text("SUVMm8[]nsW0123456789<>|=OifcbuD, ", max_size=12))
def test_any_type_is_one_of_ours_or_none(said: object) -> None:
    """What names a type is read to one whose elements have a size, or is refused."""
    try:
        found = read_type(said)
    except ValueError:
        return
    assert 0 <= found.itemsize < 1 << 31
