"""Values as JSON and as a tree, and what their arrays are called."""

import collections
import datetime as dt
import json
import math
import tracemalloc

import numpy as np
import pytest

from support.handed_back import read, told
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.outline import Outline
from weighbridge.formats.safetensors_layout import name_problem
from weighbridge.load.isolated.plain import Opaque, key_text
from weighbridge.pipeline.unpickling import document as documents
from weighbridge.pipeline.unpickling import names as naming
from weighbridge.pipeline.unpickling.document import Documents
from weighbridge.pipeline.unpickling.names import name_arrays
from weighbridge.pipeline.unpickling.outline import outline


class Model:
    """An object with arrays."""

    def __init__(self) -> None:
        self.weights = {"a": np.zeros(2), "b": [np.ones(1), "text"]}
        self.bias = np.zeros((2, 3), "f4")


def named(value: object) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the arrays of what comes back of *value*."""
    return {name: stored.shape for name, stored in name_arrays(read(told(value))).items()}


def as_json(value: object, *, names: bool = False) -> object:
    """Return what comes back of *value* as JSON that was written and read."""
    found = read(told(value))
    known = {id(stored): name for name, stored in name_arrays(found).items()} if names else {}
    return json.loads(json.dumps(Documents(known).document(found), allow_nan=False))


def drawn(tree: Outline, indent: str = "") -> list[str]:
    """Return the lines of *tree*."""
    lines = [f"{indent}{tree.label}: {tree.text}"]
    for below in tree.below:
        lines += drawn(below, indent + "  ")
    return [*lines, f"{indent}  ..."] if tree.more else lines


def test_names_are_the_way_to_an_array() -> None:
    """Keys, indexes and attributes are joined by dots; attributes need no word for the state."""
    assert named({"model": Model(), "n": 1}) == {
        "model.weights.a": (2,),
        "model.weights.b.0": (1,),
        "model.bias": (2, 3),
    }
    assert named(np.zeros(3)) == {"value": (3,)}
    assert named((np.zeros(3), 1)) == {"0": (3,)}
    assert named({1: np.zeros(1), (1, "a"): np.zeros(2)}) == {"1": (1,), "(1, 'a')": (2,)}


def test_names_are_different() -> None:
    """Two arrays have two names, also where the ways to them read alike or are no names."""
    long = "x" * 5000
    found = named({"a.b": np.zeros(1), "a": {"b": np.zeros(2)}, long: np.zeros(3)})
    assert found == {"a.b": (1,), "a.b~2": (2,), "value~2": (3,)}
    assert named({"__metadata__": np.zeros(1), "": np.zeros(2)}) == {"value~2": (1,), "value": (2,)}
    assert named({"\ud800": np.zeros(1)}) == {"value~2": (1,)}


def test_an_array_in_two_places_has_one_name() -> None:
    """What is shared is written once, and both places refer to it."""
    shared = np.zeros(2)
    assert named([shared, shared]) == {"0": (2,)}
    both = {"$": "array", "dtype": "f8", "shape": [2], "tensor": "0"}
    assert as_json([shared, shared], names=True) == [both, both]


def test_json_has_what_it_can() -> None:
    """Lists, texts, numbers, truth values and dicts of texts are those of JSON."""
    value = {"a": [1, 2.5, None, True, "x\ud800"], "b": {"c": {}}}
    assert as_json(value) == value


def test_json_says_what_the_rest_is() -> None:
    """Everything else is an object that says what it is."""
    assert as_json((1, 2)) == {"$": "tuple", "items": [1, 2]}
    assert as_json({1: 2}) == {"$": "dict", "items": [[1, 2]]}
    assert as_json({"$": 1}) == {"$": "dict", "items": [["$", 1]]}
    assert as_json(collections.OrderedDict(a=1)) == {"$": "OrderedDict", "items": [["a", 1]]}
    assert as_json(frozenset({1})) == {"$": "frozenset", "items": [1]}
    assert as_json(collections.deque([1])) == {"$": "deque", "items": [1]}
    assert as_json(b"\0\xff") == {"$": "bytes", "base64": "AP8="}
    assert as_json(-(1 << 80)) == {"$": "int", "hex": "-1" + "0" * 20}
    assert as_json(math.inf) == {"$": "float", "value": "inf"}
    assert as_json(1j) == {"$": "complex", "value": [0.0, 1.0]}
    assert as_json(dt.date(2031, 1, 2)) == {"$": "date", "value": "2031-01-02"}
    assert as_json(dt.timedelta(1, 2, 3)) == {"$": "timedelta", "value": [1, 2, 3]}
    moment = dt.datetime(2031, 1, 2, tzinfo=dt.UTC)
    assert as_json(moment) == {"$": "datetime", "value": "2031-01-02T00:00:00+00:00"}
    assert as_json(range(2)) == {"$": "object", "name": "builtins.range", "arguments": [0, 2, 1]}
    assert as_json(len) == {"$": "name", "name": "builtins.len"}


def test_json_of_arrays() -> None:
    """Arrays are told by type and shape, and by their names where they are written."""
    array = np.asfortranarray(np.zeros((2, 3), "f4"))
    told_array = {"$": "array", "dtype": "f4", "shape": [2, 3], "order": "F"}
    assert as_json(array) == told_array
    assert as_json(array, names=True) == {**told_array, "tensor": "value"}
    assert as_json(np.array([1j]), names=True) == {
        "$": "array",
        "dtype": "c16",
        "shape": [1],
        "tensor": "value",
    }
    assert as_json(np.array(["2031"], "M8[Y]"), names=True) == {
        "$": "array",
        "dtype": "M8[Y]",
        "shape": [1],
        "tensor": "value",
        "stored": "bytes",
    }
    texts = {"$": "array", "dtype": "U2", "shape": [2], "items": ["a", "bc"]}
    assert as_json(np.array(["a", "bc"]), names=True) == texts
    objects = np.array([1, "a", None], dtype=object)
    assert as_json(objects) == {
        "$": "array",
        "dtype": "object",
        "shape": [3],
        "items": [1, "a", None],
    }
    record = np.zeros(1, [("a", "i4"), ("b", "f8", (2,))])
    assert as_json(record) == {
        "$": "array",
        "dtype": ["record", 20, [["a", "i4", 0, []], ["b", "f8", 4, [2]]]],
        "shape": [1],
    }
    assert as_json(np.float32(1)) == {"$": "scalar", "dtype": "f4", "shape": []}


def test_documents_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shared is written in each place, so the sum of it has a bound."""
    value = read(told([[1] * 10] * 10))
    Documents({}).document(value)
    monkeypatch.setattr(documents, "MAX_UNPICKLE_DOCUMENT_VALUES", 100)
    with pytest.raises(LimitExceededError):
        Documents({}).document(value)
    monkeypatch.setattr(naming, "MAX_UNPICKLE_DOCUMENT_VALUES", 100)
    with pytest.raises(LimitExceededError):
        name_arrays(value)


def test_a_tree() -> None:
    """The tree has a line for each value, with as much of it as one can read."""
    value = {"model": Model(), "text": "x" * 300, "n": 1 << 300, "names": np.array(["a", "b"])}
    assert drawn(outline(read(told(value)), label="m.pkl")) == [
        "m.pkl: dict of 4",
        f"  model: {__name__}.Model",
        "    weights: dict of 2",
        "      a: array float64 2: 0.0, 0.0",
        "      b: list of 2",
        "        0: array float64 1: 1.0",
        "        1: 'text'",
        "    bias: array float32 2x3: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0",
        "  text: '" + "x" * 200 + "'... (300)",
        "  n: an integer of 301 bits",
        "  names: array U1 2: 'a', 'b'",
    ]


def test_a_tree_of_other_things() -> None:
    """Objects, arrays of objects and types that have no usual word are named."""
    values = [
        range(2),
        len,
        np.array([1, "a"], dtype=object),
        np.zeros(1, [("a", "i4")]),
        np.array([1j]),
        np.zeros(9, "?"),
        collections.deque([1]),
        dt.date(2031, 1, 2),
        np.array(["2031"], "M8[Y]"),
    ]
    own: list[object] = []
    own.append(own)
    lines = drawn(outline(read(told([*values, own])), label="v"))
    assert [line.strip() for line in lines if line.startswith("  ") and line[2] != " "] == [
        "0: builtins.range",
        "1: builtins.len (the name itself)",
        "2: array of objects 2",
        "3: array record of a 1",
        "4: array complex128 1",
        "5: array bool 9",
        "6: deque of 1",
        "7: 2031-01-02",
        "8: array M8[Y] 1",
        "9: list of 1",
    ]
    assert lines[-1].strip() == "0: builtins.list (refers back to itself)"


def test_a_tree_has_bounds() -> None:
    """Long lists are cut, and so is the whole; both say that there is more."""
    long = drawn(outline(read(told(list(range(100)))), label="v"))
    assert long[-1].strip() == "..."
    assert len(long) == 42
    wide = drawn(outline(read(told([[[1] * 39] * 39] * 39)), label="v"))
    assert len(wide) < 2100
    assert wide[-1].strip() == "..."


def test_a_note_is_shown() -> None:
    """Why an object is not known is on its line."""
    found = Opaque("a.B", note="cannot be taken apart")
    assert outline(found, label="x").text == "a.B: cannot be taken apart"


def test_names_take_no_longer_for_being_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where thousands of arrays have no name, or the same, each number is tried once."""
    tried: list[str] = []

    def counting(name: str) -> str | None:
        tried.append(name)
        return name_problem(name)

    monkeypatch.setattr(naming, "name_problem", counting)
    found = named({"x" * 5000: [np.zeros(0) for _ in range(500)]})
    assert set(found) == {f"value~{number}" for number in range(2, 502)}
    assert len(tried) <= 1000


def test_a_number_behind_a_name_that_is_full() -> None:
    """With a number it would be too long."""
    full = "x" * 4095
    assert set(named([{full[2:]: np.zeros(1)}, {}])) == {"0." + full[2:]}
    assert set(named({full: np.zeros(1), "": {full: np.ones(1)}})) == {full, "value~2"}


def test_long_keys_are_not_written_for_everything_below() -> None:
    """A key of a megabyte with hundreds of values in it is one megabyte."""
    tracemalloc.start()
    try:
        found = read(told({"x" * (1 << 20): [[np.zeros(0)] for _ in range(500)]}))
        name_arrays(found)
        assert tracemalloc.get_traced_memory()[1] < 1 << 26
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (1 << 20_000, "an integer of 20001 bits"),
        ((1 << 20_000, 1), "(an integer of 20001 bits, 1)"),
        (tuple(range(10)), "(0, 1, 2, 3, 4, 5, 6, 7, ...)"),
        (((((1,),),),), "((((...,),),),)"),
        (frozenset({2}), "frozenset({2})"),
        (frozenset(), "frozenset()"),
        ((), "()"),
        (("a", b"b", None, 1.5), "('a', b'b', None, 1.5)"),
        (b"x" * 300, repr(b"x" * 300)[:200]),
        (np.float32(1), "scalar f4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_keys_are_called(key: object, text: str) -> None:
    """Like Python writes them; nothing large is gone through for it."""
    found = read(told({key: 1}))
    assert isinstance(found, dict)
    assert list(map(key_text, found)) == [text]
    assert outline(found, label="x").below[0].label == text


def test_texts_of_a_document_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shared is written, and counts, in each of its places."""
    monkeypatch.setattr(documents, "MAX_UNPICKLE_DOCUMENT_CHARS", 1000)
    for value in ("x" * 300, b"x" * 300, np.array(["x" * 75]), {"x" * 300: 1}, 1 << 1200):
        assert as_json([value, value])
        with pytest.raises(LimitExceededError, match="too much text"):
            as_json([value] * 4)


def test_types_of_a_document_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The type of a table is written with each table."""
    table = np.zeros(1, [(f"column-{number}", "f4") for number in range(100)])
    monkeypatch.setattr(documents, "MAX_UNPICKLE_DOCUMENT_VALUES", 210)
    assert as_json([table, table])
    with pytest.raises(LimitExceededError):
        as_json([table, table, table])
