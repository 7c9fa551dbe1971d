"""
Pickles of NumPy arrays that would make NumPy read memory that is not the array's.

NumPy takes types, shapes and lists as a pickle has them. The released versions crash on each of
these, at the latest when an element is looked at.
"""

import pickle

import numpy as np
import pytest

from support import pickles as p
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

FINDING = "pickle-argument"
SHELL = p.call(
    p.name("numpy.core.multiarray", "_reconstruct"),
    p.name("numpy", "ndarray"),
    p.tuple_of(p.integer(0)),
    p.raw(b"b"),
)
OBJECTS, WORDS = 63, 0


def made(code: str) -> bytes:
    """Return a type without a state."""
    return p.call(p.name("numpy", "dtype"), p.text(code), p.FALSE, p.TRUE)


def state(
    *,
    size: int = -1,
    base: bytes = p.NONE,
    fields: tuple[tuple[str, bytes, int], ...] = (),
    names: tuple[str, ...] | None = None,
    flags: int = WORDS,
    more: tuple[bytes, ...] = (),
) -> bytes:
    """Return the state of a type, given to it."""
    called = [p.text(name) for name in names or [name for name, _, _ in fields]]
    table = [
        part
        for name, kind, at in fields
        for part in (p.text(name), p.tuple_of(kind, p.integer(at)))
    ]
    return p.tuple_of(
        p.integer(4), p.text("|"), base,
        p.tuple_of(*called) if fields else p.NONE,
        p.dict_of(*table) if fields else p.NONE,
        p.integer(size), p.integer(-1), p.integer(flags), *more,
    ) + p.BUILD  # fmt: skip


def array(kind: bytes, content: bytes, *, shape: int = 1) -> bytes:
    """Return an array of *shape* elements."""
    items = (p.integer(1), p.tuple_of(p.integer(shape)), kind, p.FALSE, content)
    return SHELL + p.tuple_of(*items) + p.BUILD


def refused(*parts: bytes) -> bool:
    """Tell whether the scan finds that a listed name gets what it may not."""
    return FINDING in rules_of(examined(p.stream(*parts, protocol=4), format=FileFormat.PICKLE))


def of_numbers(kind: bytes) -> bytes:
    """Return an array of one element of eight bytes."""
    return array(kind, p.raw(bytes(8)))


RECORD = state(size=8, fields=(("a", made("f8"), 0),))
TYPES = {
    "fields of a number": (made("f8") + state(fields=(("a", made("f8"), 900),), size=1000), None),
    "a subarray beyond its element": (
        made("V8") + state(size=8, base=p.tuple_of(made("f8"), p.tuple_of(p.integer(1000)))),
        made("V8") + state(size=8, base=p.tuple_of(made("f8"), p.tuple_of(p.integer(1)))),
    ),
    "a negative size": (made("V8") + state(size=-1), made("V8") + state(size=8)),
    "a text field that is longer": (
        made("V8") + state(size=8, fields=(("a", made("S8") + state(size=800), 0),)),
        made("V8") + state(size=8, fields=(("a", made("S8") + state(size=8), 0),)),
    ),
    "a name without a field": (
        made("V8") + state(size=8, fields=(("a", made("f8"), 0),), names=("a", "b")),
        made("V8") + RECORD,
    ),
    "times without a unit": (
        made("M8") + state(),
        made("M8") + state(more=(
            p.tuple_of(p.EMPTY_DICT, p.tuple_of(p.raw(b"ns"), *[p.integer(1)] * 3)),
        )),
    ),
    "two states": (made("V8") + state(size=8) + state(size=8), made("V8") + state(size=8)),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "good"), TYPES.values(), ids=TYPES)
def test_types(bad: bytes, good: bytes | None) -> None:
    """A type whose parts reach beyond its element is refused; one that holds them is not."""
    assert refused(of_numbers(bad))
    assert not refused(of_numbers(good or made("f8") + state()))


@pytest.mark.parametrize("flags", [0, 2, 4, 6, 62])
def test_objects_that_are_not_flagged_so(flags: int) -> None:
    """Objects without the flag by which NumPy knows them are read from bytes, as pointers."""
    shown = np.dtype("O8", False, True)
    shown.__setstate__((3, "|", None, None, None, -1, -1, flags))  # type: ignore[attr-defined]
    assert not shown.hasobject
    content = p.list_of(p.integer(7))
    assert refused(array(made("O8") + state(flags=flags), content))
    assert not refused(array(made("O8") + state(flags=OBJECTS), content))


def test_a_type_that_changes_under_an_array() -> None:
    """A state that a type gets when an array has it already is refused; at once it is not."""
    kept, again = p.put(1), p.get(1)
    content = p.raw(bytes(8))
    late = array(made("V8") + kept, content) + again + state(size=800) + p.tuple_of() + p.POP
    assert refused(late)
    assert refused(p.list_of(array(made("V8") + kept, content), again + RECORD))
    field = (("a", made("V8") + kept, 0),)
    assert refused(p.list_of(made("V8") + state(size=8, fields=field), again + state(size=800)))
    at_once = made("V8") + kept + RECORD
    assert not refused(p.list_of(array(at_once, content), array(again, content)))


def test_lists_of_objects_are_as_long_as_the_shape() -> None:
    """An array that has more objects than its list is refused, also where the list grows later."""
    kind = made("O8")
    one = p.list_of(p.integer(7))
    assert not refused(array(kind, one))
    assert refused(array(kind, one, shape=1000))
    grown = array(kind, p.EMPTY_LIST + p.put(1), shape=1) + p.POP + p.get(1) + p.integer(7)
    assert refused(grown + p.APPEND)


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.5]),
        np.array(["text", "x"]),
        np.array([b"bytes"]),
        np.array([{"a": 1}, None], dtype=object),
        np.array([[None, 1], [2, 3]], dtype=object),
        np.array(["2031-01-01"], dtype="M8[D]"),
        np.array([5], dtype="m8"),
        np.array([(1, "x", 2.5)], dtype=[("n", "i4"), ("o", "O"), ("x", "f4")]),
        np.zeros(2, dtype=[("a", "f4", (2, 3)), ("b", [("c", "U3")])]),
        np.zeros(2, dtype=np.dtype({"names": ["a"], "formats": ["f4"], "offsets": [4]})),
        np.zeros(2, dtype=np.dtype([(("title", "name"), "f4")])),
        np.zeros(2, dtype=np.dtype("f4,i2", align=True)),
        np.zeros((), dtype=">f8"),
        np.zeros((0, 3), dtype=object),
        np.ma.masked_array([1, 2], mask=[True, False]),
        np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.datetime64("2031-01-01"),
        np.float32(1),
    ],
    ids=repr,
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_numpy_writes_is_clean(value: object, protocol: int) -> None:
    """Arrays and scalars of every kind of type, as NumPy pickles them, have no finding."""
    data = pickle.dumps([value, value], protocol)
    assert not examined(data, format=FileFormat.PICKLE)
