"""What a confined process hands back is read as hostile, whatever it says."""

import json
import struct
import threading

import numpy as np
import pytest

from support.handed_back import by_hand, held, read, round_trip, told, told_error, value_head
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
    MissingExtraError,
    OperationError,
    WeighbridgeError,
)
from weighbridge.core.limits import isolated as limits
from weighbridge.load.isolated import collecting, reading
from weighbridge.load.isolated.building import AsArrays
from weighbridge.load.isolated.layout import HEAD, MAGIC
from weighbridge.load.isolated.plain import Opaque, StoredArray, What

HONEST = by_hand(value_head([1], ["tuple", 1, 2], ["list", [0], "x"]))

LIES = {
    "nothing": b"",
    "half a head": HEAD.pack(MAGIC, 2)[:-1],
    "another magic": HONEST.replace(MAGIC, b"WBPLAIN9"),
    "a head beyond the end": HEAD.pack(MAGIC, 1 << 20) + b"[]",
    "a head of all there is": HEAD.pack(MAGIC, (1 << 64) - 1) + b"[]",
    "bytes behind": HONEST + b"\0",
    "no JSON": by_hand(b"[1,"),
    "an object": by_hand(b'{"value": 1}'),
    "an object inside": by_hand(b'["value",{},[],0]'),
    "no text": by_hand(b'["value","\xff",[],0]'),
    "deep JSON": by_hand(b"[" * 200_000),
    "not a number": by_hand(b'["value",NaN,[],0]'),
    "infinite": by_hand(b'["value",1e999,[],0]'),
    "a long number": by_hand(b'["value",' + b"9" * 40 + b",[],0]"),
    "more than 64 bits": by_hand(value_head(1 << 63)),
    "a long text": by_hand(value_head("x" * 201)),
    "another word": by_hand(["values", None, [], 0]),
    "too little": by_hand(["value", None, []]),
    "too much": by_hand(["value", None, [], 0, 0]),
    "no nodes": by_hand(["value", None, None, 0]),
    "another length": by_hand(value_head(None, size=1)),
    "a length that is none": by_hand(["value", None, [], True]),
    "less data": by_hand(value_head([0], ["bytes", 4], size=4), b"abc"),
    "more data": by_hand(value_head([0], ["bytes", 2], size=3), b"abc"),
    "data of nobody": by_hand(value_head(None, size=3), b"abc"),
    "a piece beyond": by_hand(value_head([0], ["bytes", 1 << 62], size=3), b"abc"),
    "a piece of less than nothing": by_hand(value_head([0], ["bytes", -1], size=0)),
    "a piece of a truth": by_hand(value_head([0], ["bytes", True], size=1), b"a"),
    "a piece without a length": by_hand(value_head([0], ["bytes", None], size=0)),
    "something between": by_hand(
        value_head([1], ["bytes", 1], ["bytes", 1], size=65), b"a" + b"b" * 63 + b"c"
    ),
    "no node": by_hand(value_head([0], "list")),
    "an empty node": by_hand(value_head([0], [])),
    "no kind": by_hand(value_head([0], [1])),
    "an unknown kind": by_hand(value_head([0], ["object"])),
    "a later node": by_hand(value_head([0], ["list", [1]], ["list"])),
    "itself": by_hand(value_head([0], ["list", [0]])),
    "a node that is not there": by_hand(value_head([1], ["list"])),
    "an index from behind": by_hand(value_head([-1], ["list"])),
    "an index of a truth": by_hand(value_head([False], ["list"])),
    "two indexes": by_hand(value_head([0, 0], ["list"])),
    "an integer of no digits": by_hand(value_head([0], ["int", ""])),
    "an integer with a sign inside": by_hand(value_head([0], ["int", "1-1"])),
    "an integer with two signs": by_hand(value_head([0], ["int", "--1"])),
    "an integer with lines": by_hand(value_head([0], ["int", "1_0"])),
    "an integer of a list": by_hand(value_head([0], ["int", []])),
    "an integer that is large": by_hand(value_head([0], ["int", "f" * 100_001])),
    "half a number": by_hand(value_head([0], ["float", "7ff0"])),
    "two numbers for one": by_hand(value_head([0], ["float", "0" * 16, "0" * 16])),
    "one number for two": by_hand(value_head([0], ["complex", "0" * 16])),
    "a text of other bytes": by_hand(value_head([0], ["text", 1], size=1), b"\xff"),
    "a day that is none": by_hand(value_head([0], ["date", 2031, 2, 30])),
    "a day of a truth": by_hand(value_head([0], ["date", 2031, 2, True])),
    "two numbers of a day": by_hand(value_head([0], ["date", 2031, 2])),
    "a long duration": by_hand(value_head([0], ["timedelta", 10**18, 0, 0])),
    "a time far east": by_hand(value_head([0], ["time", 0, 0, 0, 0, 0, 10**12])),
    "an hour that is none": by_hand(value_head([0], ["time", 24, 0, 0, 0, 0, None])),
    "a fold that is none": by_hand(value_head([0], ["time", 0, 0, 0, 0, 2, None])),
    "a moment of a day": by_hand(value_head([0], ["datetime", 2031, 1, 1, 0, None])),
    "a key without a value": by_hand(value_head([0], ["dict", 1])),
    "a key twice": by_hand(value_head([0], ["dict", 1, 2, True, 3])),
    "a list as a key": by_hand(value_head([1], ["list"], ["dict", [0], 1])),
    "a set with something twice": by_hand(value_head([0], ["set", 1, 1])),
    "a list in a set": by_hand(value_head([1], ["list"], ["frozenset", [0]])),
    "a long queue": by_hand(value_head([0], ["deque", 1, 1, 2])),
    "a queue of less than nothing": by_hand(value_head([0], ["deque", -1])),
    "a queue without a length": by_hand(value_head([0], ["deque"])),
    "no type": by_hand(value_head([0], ["array", "object", [], "C"])),
    "a type of objects": by_hand(value_head([0], ["array", "O8", [1], "C"], size=8), bytes(8)),
    "a type that Python reads": by_hand(value_head([0], ["array", "f4,f4", [0], "C"])),
    "a type of tensors": by_hand(value_head([0], ["array", "BF16", [0], "C"])),
    "a shape that is none": by_hand(value_head([0], ["array", "f4", 1, "C"])),
    "a negative shape": by_hand(value_head([0], ["array", "f4", [-1], "C"])),
    "a shape of truths": by_hand(value_head([0], ["array", "f4", [False], "C"])),
    "an empty giant": by_hand(value_head([0], ["array", "f4", [0, 1 << 62, 1 << 62], "C"])),
    "many dimensions": by_hand(value_head([0], ["array", "f4", [0] * 65, "C"])),
    "no order": by_hand(value_head([0], ["array", "f4", [0], "A"])),
    "an array of less": by_hand(value_head([0], ["array", "f4", [2], "C"], size=4), bytes(4)),
    "an array of more": by_hand(value_head([0], ["array", "f4", [2], "C"], size=9), bytes(9)),
    "a scalar with a shape": by_hand(value_head([0], ["scalar", "f4", [1], "C"], size=4), bytes(4)),
    "a tensor in the other order": by_hand(value_head([0], ["tensor", "f4", [0], "F"])),
    "a tensor of texts": by_hand(value_head([0], ["tensor", "U1", [0], "C"])),
    "a truth that is neither": by_hand(value_head([0], ["array", "b1", [2], "C"], size=2), b"\1\2"),
    "an empty record": by_hand(value_head([0], ["array", ["record", 4, []], [0], "C"])),
    "a field beyond": by_hand(
        value_head([0], ["array", ["record", 4, [["a", "f4", 1, []]]], [0], "C"])
    ),
    "a field before": by_hand(
        value_head([0], ["array", ["record", 8, [["a", "f4", -1, []]]], [0], "C"])
    ),
    "two fields of one name": by_hand(
        value_head([0], ["array", ["record", 8, [["a", "f4", 0, []]] * 2], [0], "C"])
    ),
    "a field of a huge shape": by_hand(
        value_head([0], ["array", ["record", 8, [["a", "f4", 0, [1 << 40]]]], [0], "C"])
    ),
    "fewer objects": by_hand(value_head([0], ["objects", [2], 1])),
    "an empty giant of objects": by_hand(value_head([0], ["objects", [0, 1 << 62]])),
    "a description of less": by_hand(value_head([0], ["opaque", "a", "object", ""])),
    "a description of no kind": by_hand(
        value_head([1], ["tuple"], ["opaque", "a", "thing", "", [0], None, None])
    ),
    "arguments that are none": by_hand(
        value_head([0], ["opaque", "a", "object", "", None, None, None])
    ),
    "a name that is none": by_hand(
        value_head([1], ["tuple"], ["opaque", 1, "object", "", [0], None, None])
    ),
    "a long name": by_hand(
        value_head([1], ["tuple"], ["opaque", "a" * 1001, "object", "", [0], None, None])
    ),
    "an error of no kind": by_hand(["error", "crash", "load-refused", "a", *[None] * 4]),
    "an error of no code": by_hand(["error", "refused", "allowed", "a", *[None] * 4]),
    "an error of too little": by_hand(["error", "refused", "load-refused", "a"]),
    "an error of a number": by_hand(["error", "refused", "load-refused", 1, *[None] * 4]),
    "an error with data": by_hand(["error", "refused", "load-refused", "a", *[None] * 4], b"a"),
}


def nested(levels: int, kind: str = "list", *, width: int = 1) -> bytes:
    """Return a value that holds the one before *width* times, so many times."""
    nodes = [[kind], *([kind, *[[n]] * width] for n in range(levels))]
    return by_hand(value_head([levels], *nodes))


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_is_an_error(lie: bytes) -> None:
    """Whatever does not follow the form is refused with a code of its own."""
    with pytest.raises(MalformedContentError) as caught:
        read(lie, build=AsArrays())
    assert caught.value.code is Code.ISOLATED_MALFORMED


def test_the_honest_twin_is_read() -> None:
    """The form that the lies differ from is read."""
    assert read(HONEST) == [(1, 2), "x"]


def test_what_lies_between_the_head_and_the_data() -> None:
    """Bytes in the padding, where nobody would look, are refused."""
    honest = by_hand(value_head([0], ["bytes", 1], size=1), b"a")
    assert read(honest) == b"a"
    place = honest.index(b"]]") + 3
    with pytest.raises(MalformedContentError):
        read(honest[: place + 2] + b"\1" + honest[place + 3 :])


def test_nesting_has_a_bound() -> None:
    """As many levels as the bound are read, and one more is refused."""
    most = limits.MAX_ISOLATED_DEPTH
    value = read(nested(most - 1))
    for _ in range(most - 1):
        assert type(value) is list
        (value,) = value
    assert value == []
    with pytest.raises(MalformedContentError, match="too many"):
        read(nested(most + 1))


def test_what_doubles_has_a_bound() -> None:
    """A structure that doubles at each level is refused before anybody goes through it."""
    assert read(nested(10, width=2))
    with pytest.raises(MalformedContentError, match="counted each time"):
        read(nested(40, width=2))


def test_tuples_that_double_are_no_keys() -> None:
    """Keys whose hash would take for ever are refused; shared tuples are no keys otherwise."""
    levels = 23
    nodes = [["tuple"], *(["tuple", [n], [n]] for n in range(levels))]
    sets = [["set", [levels], n] for n in range(4)]
    with pytest.raises(MalformedContentError):
        read(by_hand(value_head([levels + 1], *nodes, *sets)))


def test_keys_of_one_hash_have_a_bound() -> None:
    """Many keys of one hash, which make dicts slow, are refused; as many others are not."""
    count = limits.MAX_ISOLATED_COLLISIONS + 2
    prime = (1 << 61) - 1
    same = [["int", f"{prime * (n + 1 << 4):x}"] for n in range(count)]
    assert len({hash(prime * (n + 1 << 4)) for n in range(count)}) == 1
    other = [["int", f"{(1 << 70) + n:x}"] for n in range(count)]
    keys = [[n] for n in range(count)]
    assert len(read(by_hand(value_head([count], *other, ["set", *keys])))) == count  # type: ignore[arg-type]
    with pytest.raises(MalformedContentError, match="one hash"):
        read(by_hand(value_head([count], *same, ["set", *keys])))


def test_large_keys_that_meet_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are compared byte by byte, each with all that have its hash, in every set anew."""
    monkeypatch.setattr(reading, "MAX_ISOLATED_EXPANDED", 3000)
    size, modulus = 1 << 16, (1 << 61) - 1
    texts = [["bytes", size] for _ in range(4)]
    tuples = [["tuple", [index], 5 + modulus * index] for index in range(4)]
    keys = [[4 + index] for index in range(4)]

    def handed_back(sets: int) -> bytes:
        nodes = (*texts, *tuples, *[["set", *keys]] * sets)
        return by_hand(value_head([8], *nodes, size=4 * size), bytes(4 * size))

    found = read(handed_back(1))
    assert isinstance(found, set)
    assert len({hash(key) for key in found}) == 1
    with pytest.raises(MalformedContentError, match="keys that are too large"):
        read(handed_back(60))


def test_records_as_keys_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are hashed field by field, whatever few bytes they share, in every set anew."""
    monkeypatch.setattr(reading, "MAX_ISOLATED_EXPANDED", 3000)
    fields = [[f"f{number}", "i1", 0, []] for number in range(50)]
    inner = ["record", 1, fields]
    scalar = ["scalar", ["record", 1, [["a", inner, 0, []], ["b", inner, 0, []]]], [], "C"]

    def handed_back(sets: int) -> bytes:
        return by_hand(value_head([sets], scalar, *[["set", [0]]] * sets, size=1), b"x")

    found = read(handed_back(1), build=AsArrays())
    assert isinstance(found, set)
    assert len(found) == 1
    with pytest.raises(MalformedContentError, match="keys that are too large"):
        read(handed_back(60), build=AsArrays())


def test_an_honest_process_counts_what_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would have to be refused for, it reports."""
    monkeypatch.setattr(collecting, "MAX_ISOLATED_EXPANDED", 20)
    monkeypatch.setattr(reading, "MAX_ISOLATED_EXPANDED", 20)
    fine = {"a": bytes(10 << 12), "b": np.bytes_(b"x" * (5 << 12))}
    assert read(told(fine))
    record = np.zeros((), dtype=[(f"f{number}", "i1") for number in range(20)])[()]
    for large in (bytes(20 << 12), [fine["a"], fine["a"]], np.str_("x" * (5 << 12)), record):
        with pytest.raises(LimitExceededError):
            told(large)


def test_values_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """More values than the bound are refused before they are parsed."""
    monkeypatch.setattr(reading, "MAX_ISOLATED_VALUES", 100)
    assert read(by_hand(value_head([0], ["list", *[1] * 50]))) == [1] * 50
    with pytest.raises(MalformedContentError, match="too many values"):
        read(by_hand(value_head([0], ["list", *[1] * 100])))


def test_a_head_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer head than the bound is not read."""
    monkeypatch.setattr(reading, "MAX_ISOLATED_HEAD_BYTES", len(json.dumps(value_head(None))))
    assert read(by_hand(value_head(None))) is None
    with pytest.raises(MalformedContentError, match="too long"):
        read(by_hand(value_head("xxx")))


def test_what_is_shared_is_one_object() -> None:
    """A value that occurs twice is one object here too."""
    shared = [1]
    found = read(told([shared, shared]))
    assert isinstance(found, list)
    assert found[0] is found[1]


def test_a_record_with_a_truth_that_is_neither() -> None:
    """Truth values within records are looked at as well."""
    kind = ["record", 2, [["a", "b1", 0, []], ["b", "i1", 1, []]]]
    node = ["array", kind, [1], "C"]
    fine = read(by_hand(value_head([0], node, size=2), b"\1\2"), build=AsArrays())
    assert fine["a"].tolist() == [True]  # type: ignore[index]
    with pytest.raises(MalformedContentError):
        read(by_hand(value_head([0], node, size=2), b"\2\2"), build=AsArrays())


@pytest.mark.parametrize(
    "node",
    [
        ["scalar", "U2", [], "C"],
        ["array", "U1", [2, 1], "F"],
        ["array", ["record", 8, [["a", "u1", 0, []], ["b", "U1", 4, []]]], [1], "C"],
        ["array", ["record", 8, [["a", "U1", 0, [2, 1]]]], [1], "C"],
    ],
)
def test_texts_of_what_are_no_characters(node: list[object]) -> None:
    """NumPy fails on them with an error of the interpreter's, when somebody looks."""
    for last in (0x10FFFF, 0x110000, 0xFFFFFFFF):
        lie = by_hand(value_head([0], node, size=8), struct.pack("<II", 97, last))
        if last == 0x10FFFF:
            assert read(lie, build=AsArrays()) is not None
            continue
        with pytest.raises(MalformedContentError, match="no character"):
            read(lie, build=AsArrays())


def test_arrays_can_be_left_as_they_are_stored() -> None:
    """Without anything that builds arrays, their place is what comes back."""
    data = struct.pack("<2f", 1, 2)
    stored = read(by_hand(value_head([0], ["array", "f4", [2], "C"], size=8), data))
    assert isinstance(stored, StoredArray)
    assert (stored.type.word, stored.shape, stored.size) == ("f4", (2,), 8)
    assert stored.block.read_at(stored.start, stored.size) == data


ERRORS: list[WeighbridgeError] = [
    ArtifactRefusedError("it may not", code=Code.LOAD_REFUSED, where="a", expected="b", found="c"),
    MalformedContentError("it is broken", code=Code.LOAD_MALFORMED),
    LimitExceededError("it is large", hint="less"),
    OperationError("it is not taken", code=Code.LOAD_FORMAT, found="\x1b[31m"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_back(error: WeighbridgeError) -> None:
    """What the process reports is raised here with its code and words, and their length bounded."""
    with pytest.raises(type(error)) as caught:
        read(told_error(error))
    assert str(caught.value) == str(error)
    assert caught.value.code is error.code


def test_a_missing_package_comes_back() -> None:
    """An error of a kind that is not listed comes back as the kind that it is one of."""
    error = MissingExtraError.for_extra("torch", purpose="a checkpoint")
    with pytest.raises(OperationError) as caught:
        read(told_error(error))
    assert caught.value.code is Code.EXTRA_MISSING
    assert caught.value.hint == error.hint


def test_an_opaque_is_only_itself() -> None:
    """Descriptions are equal only to themselves, and can be keys whatever they hold."""
    first, second = (
        read(
            by_hand(
                value_head([2], ["tuple"], ["list"], ["opaque", "a.B", "object", "", [0], [1], 1])
            )
        )
        for _ in range(2)
    )
    assert isinstance(first, Opaque)
    assert first != second
    assert {first: 1}[first] == 1
    assert (first.name, first.what, first.state, first.items) == ("a.B", What.OBJECT, [], 1)
    assert repr(first) == "<Opaque object 'a.B'>"


def test_reading_takes_no_recursion() -> None:
    """What is as deep as may be is read where hardly any recursion is left."""
    found: list[object] = []

    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        else:
            found.append(read(nested(limits.MAX_ISOLATED_DEPTH - 1)))

    thread = threading.Thread(target=deep, args=(700,))
    thread.start()
    thread.join()
    assert len(found) == 1


def test_an_empty_value_comes_back() -> None:
    """None is a value, and no sign of a failure."""
    assert round_trip(None) is None
    assert held(told(None)).size
