"""Objects in plain values: what comes back as it was, and what is described."""

import collections
import datetime as dt
import decimal
import enum
import math
import pathlib
import pickle
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from support.handed_back import read, round_trip, told, unpickled
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.isolated import MAX_ISOLATED_DEPTH
from weighbridge.load.isolated.plain import Opaque, What

SHARED = [1, "x"]
ZONE = dt.timezone(dt.timedelta(hours=-3, minutes=-30))

PLAIN: list[object] = [
    *(None, True, False, 0, -1, (1 << 63) - 1, 1 << 63, -(1 << 63), -(10**60), 1 << 400),
    *(0.0, -0.0, 1.5, math.inf, -math.inf, 5e-324, complex(1, -0.0), complex(math.inf, 2)),
    *("", "text", "\ud800", "\0\n\x1b[31m\u202e", "x" * 200, "x" * 201, "\ud800" * 500),
    *(b"", b"bytes", b"x" * 1000, bytearray(b"array"), bytearray(300)),
    *([], [1, [2]], (), (1, (2,)), set(), {1, 2}, frozenset({b"x"}), {}, {"a": {1: None}}),
    *({(1, "a"): 1, None: 2, 1.5: 3, frozenset({1}): 4, b"x": 5}, [SHARED, SHARED]),
    collections.OrderedDict([("b", 1), ("a", 2)]),
    collections.Counter("abca"),
    collections.deque([1, 2], maxlen=5),
    collections.deque([[]]),
    *(dt.date(2031, 2, 28), dt.timedelta(days=-1, microseconds=1), dt.time(1, 2, 3, 4)),
    dt.time(1, fold=1, tzinfo=dt.UTC),
    dt.datetime(2031, 1, 2, 3, 4, 5, 6, tzinfo=ZONE),
    dt.datetime(2031, 1, 2, fold=1),  # noqa: DTZ001  one without a zone
]

ARRAYS = [
    *(np.arange(6, dtype=kind).reshape(2, 3) for kind in "bBhHiIlLqQefdFDgG"),
    np.array([True, False]),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0),
    np.arange(10)[::3],
    np.arange(4, dtype=">i4"),
    np.array(5.0),
    np.empty((0, 3), "f4"),
    np.empty((3, 0, 2), "U4"),
    np.array(["a", "bcd", "\u20ac"]),
    np.array([b"a", b"bcd"]),
    np.array(["2031-01-02", "NaT"], dtype="M8[D]"),
    np.array([1, 2], dtype="m8[25s]"),
    np.array([1], dtype="m8"),
    np.array([(1, 2.5, "x"), (3, 4.5, "y")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
    np.array([(1, [[1, 2]])], dtype=[("a", "i1"), ("b", ">u2", (1, 2))]),
    np.array([((1, True),)], dtype=[("in", [("a", "i8"), ("b", "?")])]),
    np.zeros(2, np.dtype({"names": ["a"], "formats": ["i2"], "offsets": [3], "itemsize": 9})),
    np.array([b"\1\2"], dtype="V2"),
]


class Plain:
    """An ordinary class."""

    def __init__(self) -> None:
        self.numbers = np.arange(3)
        self.name = "x"


class Slotted:
    """A class without a dict."""

    __slots__ = ("a",)

    def __init__(self) -> None:
        self.a = 1


class Words(list[str]):
    """A list with an attribute."""


class Sizes(dict[str, int]):
    """A dict of a class of its own."""


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1


class Raising:
    """A class whose own code fails."""

    def __reduce_ex__(self, protocol: object) -> str:
        raise ValueError("\x1b[31m no")


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024  as pickles have them


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:30])
def test_plain_values_come_back(value: object) -> None:
    """A value of a plain type is what it was, of the very same type."""
    found = round_trip(value)
    assert type(found) is type(value)
    assert found == value
    assert repr(found) == repr(value)


def test_no_number_comes_back() -> None:
    """A number that is none stays none."""
    found = round_trip([math.nan, complex(math.nan, 1)])
    assert isinstance(found, list)
    assert math.isnan(found[0])
    assert math.isnan(found[1].real)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}"[:30])
def test_arrays_come_back(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> None:
    """An array has its type, shape and elements, in the machine's order; it cannot be written."""
    found = round_trip(array)
    assert type(found) is np.ndarray
    assert found.shape == array.shape
    assert found.dtype == array.dtype.newbyteorder("=")
    assert str(found) == str(array.astype(found.dtype))
    assert not found.flags.writeable


@pytest.mark.parametrize("array", [a for a in ARRAYS if a.size], ids=lambda a: str(a.dtype)[:30])
def test_scalars_come_back(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> None:
    """A scalar of NumPy is one of the same type."""
    value = array.astype(array.dtype.newbyteorder("=")).ravel()[0]
    found = round_trip(value)
    assert isinstance(found, np.generic)
    assert (found.dtype, str(found)) == (value.dtype, str(value))


def test_arrays_of_objects_come_back() -> None:
    """Objects in an array are plain values, or are described."""
    array = np.array([[1, "a"], [None, Plain()]], dtype=object)
    found = round_trip(array)
    assert isinstance(found, np.ndarray)
    assert found.shape == (2, 2)
    assert found[0].tolist() == [1, "a"]
    assert isinstance(found[1, 1], Opaque)


def test_an_object_is_described() -> None:
    """Of an object come back its class, its arguments and its state, in plain values."""
    found = round_trip(Plain())
    assert isinstance(found, Opaque)
    assert found.name == f"{__name__}.Plain"
    assert (found.what, found.arguments, found.items, found.note) == (What.OBJECT, (), None, "")
    assert isinstance(found.state, dict)
    assert found.state["name"] == "x"
    assert found.state["numbers"].tolist() == [0, 1, 2]


def parts(value: object) -> tuple[str, tuple[object, ...], object, object]:
    """Return name, arguments, state and items of what comes back of *value*."""
    found = round_trip(value)
    assert isinstance(found, Opaque)
    return found.name.removeprefix(f"{__name__}."), found.arguments, found.state, found.items


def test_what_objects_are_made_of() -> None:
    """Arguments, state and items are told apart as Python's own pickles do."""
    words = Words(["a", "b"])
    words.more = 1  # type: ignore[attr-defined]
    assert parts(words) == ("Words", (), {"more": 1}, ["a", "b"])
    assert parts(Sizes(a=1)) == ("Sizes", (), None, {"a": 1})
    assert parts(Slotted()) == ("Slotted", (), (None, {"a": 1}), None)
    assert parts(Point(1, 2)) == ("Point", (1, 2), None, None)
    assert parts(Colour.RED) == ("Colour", (1,), None, None)
    assert parts(decimal.Decimal("1.5")) == ("decimal.Decimal", ("1.5",), None, None)
    assert parts(range(3)) == ("builtins.range", (0, 3, 1), None, None)
    assert parts(pathlib.PurePosixPath("a/b"))[1] == ("a", "b")
    assert parts(np.dtype("f4")) == ("numpy.dtype", ("float32",), None, None)
    assert parts(collections.defaultdict(list, a=[1]))[3] == {"a": [1]}


def test_arrays_of_other_classes() -> None:
    """An array of a class of its own is described, with the array that it is."""
    masked = np.ma.masked_array([1, 2], mask=[True, False])
    name, _, state, items = parts(masked)
    assert name == "numpy.ma.MaskedArray" or name.endswith("MaskedArray")
    assert isinstance(items, np.ndarray)
    assert items.tolist() == [1, 2]
    assert isinstance(state, dict)
    assert state["_mask"].tolist() == [True, False]


def test_names_are_described() -> None:
    """A class, a function or a module is its name."""
    for value, name in (
        (Plain, f"{__name__}.Plain"),
        (test_names_are_described, f"{__name__}.test_names_are_described"),
        (len, "builtins.len"),
        (pickle, "pickle"),
    ):
        found = round_trip(value)
        assert isinstance(found, Opaque)
        assert (found.what, found.name) == (What.NAME, name)


def test_what_cannot_be_taken_apart() -> None:
    """An object without a state, or whose own code fails, is named all the same, with why."""
    for value, why in ((threading.Lock(), "TypeError"), (Raising(), "ValueError")):
        found = round_trip(value)
        assert isinstance(found, Opaque)
        assert why in found.note
        assert (found.arguments, found.state, found.items) == ((), None, None)


def test_a_zone_of_its_own() -> None:
    """A time in a zone that is more than an offset is described, not changed."""
    named = dt.datetime(2031, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET"))
    assert parts(named)[0] == "datetime.datetime"


def test_what_refers_to_itself() -> None:
    """Where a value would hold itself, a description says so, and nothing is endless."""
    own: list[object] = [1]
    own.append(own)
    found = round_trip(own)
    assert isinstance(found, list)
    assert found[0] == 1
    assert (found[1].what, found[1].name) == (What.AGAIN, "builtins.list")
    thing = Plain()
    thing.me = thing  # type: ignore[attr-defined]
    described = round_trip(thing)
    assert isinstance(described, Opaque)
    assert isinstance(described.state, dict)
    assert described.state["me"].what is What.AGAIN


def test_nesting_has_a_bound() -> None:
    """What is nested too deep to be handed back is an error that says so; a bit less is not."""
    deep: list[object] = []
    for _ in range(MAX_ISOLATED_DEPTH - 1):
        deep = [deep]
    assert round_trip(deep) == deep
    for _ in range(3):
        deep = [deep]
    with pytest.raises(LimitExceededError):
        told(deep)


def test_room_has_a_bound() -> None:
    """More bytes than there is room for are an error before they are copied."""
    assert read(told(bytes(1000), room=1000)) == bytes(1000)
    with pytest.raises(LimitExceededError):
        told(bytes(1001), room=1000)
    with pytest.raises(LimitExceededError):
        told(np.broadcast_to(np.float64(1), (1 << 40,)), room=1000)


def test_what_doubles_has_a_bound() -> None:
    """A structure that doubles at each level is an error, however little memory it takes."""
    value: list[object] = []
    for _ in range(40):
        value = [value, value]
    with pytest.raises(LimitExceededError):
        told(value)


MISSING = [
    b"cmissing.module\nThing\n(I1\nS'a'\ntR.",
    b"cmissing.module\nThing\n(I1\nS'a'\ntR(dS'x'\nI2\nsb.",
    pickle.dumps(Plain(), protocol=2).replace(__name__.encode(), b"x" * len(__name__)),
    pickle.dumps(Sizes(a=1), protocol=4).replace(__name__.encode(), b"x" * len(__name__)),
    pickle.dumps(Words("ab"), protocol=0).replace(__name__.encode(), b"x" * len(__name__)),
    b"ccollections\nNoSuchThing\n(tR.",
    b"(imissing\nOld\nI1\n.".replace(b"(imissing\nOld\nI1\n", b"(I1\nimissing\nOld\n"),
]


@pytest.mark.parametrize("data", MISSING)
def test_what_is_not_installed_is_described(data: bytes) -> None:
    """A class that is not there is stood for, and what the pickle says of it comes back."""
    found = round_trip(unpickled(data))
    assert isinstance(found, Opaque)
    assert found.what is What.MISSING
    assert found.name.split(".")[-1] in {"Thing", "Plain", "Sizes", "Words", "NoSuchThing", "Old"}


def test_what_stands_in_keeps_everything() -> None:
    """Arguments, state and items of what is not installed are those of the pickle."""
    whole = round_trip(unpickled(MISSING[1]))
    assert isinstance(whole, Opaque)
    assert (whole.name, whole.arguments, whole.state) == (
        "missing.module.Thing",
        (1, "a"),
        {"x": 2},
    )
    sizes = round_trip(unpickled(MISSING[3]))
    assert isinstance(sizes, Opaque)
    assert sizes.items == [("a", 1)]


def test_what_is_installed_is_itself() -> None:
    """An unpickler of unjudged pickles makes what Python's own makes, where it is there."""
    for value in (Point(1, 2), Sizes(a=1), Words("ab")):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            found = unpickled(pickle.dumps(value, protocol))
            assert (type(found), found) == (type(value), value)


def test_an_object_without_an_end() -> None:
    """An object that gives items for ever meets a bound."""

    class Endless:
        def __reduce_ex__(self, protocol: object) -> "tuple[object, ...]":
            def items() -> Iterator[int]:
                while True:
                    yield 1

            return (list, (), None, items())

    with pytest.raises(LimitExceededError):
        told(Endless())
