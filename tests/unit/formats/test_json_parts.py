"""Large documents are read in parts, as strictly as small ones, and without what nobody wants."""

import json
import re
import tracemalloc

import pytest

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_JSON_DEPTH
from weighbridge.formats.json import JsonValue, document
from weighbridge.formats.json.parts import Wanted, read_wanted

_WANTED = Wanted(keys=frozenset({"want"}))


def _read(text: str, *, window: int = 8, wanted: Wanted = _WANTED) -> JsonValue:
    return read_wanted(BytesSource(text.encode()), what="test", wanted=wanted, window=window)


def test_a_small_document_is_whole() -> None:
    """A document that fits into the window keeps what nobody asked for."""
    assert _read('{"a": 1}') == {"a": 1}


def test_a_large_document_keeps_what_is_wanted() -> None:
    """Of a large object only the wanted member is left."""
    assert _read('{"a": 1, "want": [1, 2], "b": "c"}') == {"want": [1, 2]}


def test_a_wanted_container_is_whole() -> None:
    """A wanted value is whole, whatever its size and whatever is in it."""
    value: dict[str, JsonValue] = {"want": {"x": [list(range(50)), {"y": "z" * 100}], "": {}}}
    assert _read(json.dumps(value)) == value


def test_items_keep_their_places() -> None:
    """An array has None for the items that are gone, so that the others keep their indexes."""
    read = _read(json.dumps([*range(30), {"want": 1}, 31]))
    assert read == [*[None] * 30, {"want": 1}, None]


def test_arrays_on_top_are_kept_where_asked() -> None:
    """The outermost object keeps the first items of its arrays where that is asked for."""
    long = list(range(30))
    text = json.dumps({"a": ["x", "y"], "b": {"c": ["z"], "d": long}, "e": "f", "g": long})
    wanted = Wanted(keys=frozenset(), arrays_on_top=True)
    read = _read(text, wanted=wanted, window=20)
    gone = [None] * 30
    assert read == {"a": ["x", "y"], "b": {"d": gone}, "g": [*range(8), *gone[8:]]}
    assert _read(text, wanted=_WANTED, window=20) == {"b": {"d": gone}, "g": gone}


@pytest.mark.parametrize(
    "text",
    [
        '{"aaaa": 1, "b": 2, "aaaa": 3}',
        '{"aaaa": [1, 2, 3, 4, 5], "b": 2, "aaaa": 3}',
        '{"aaaa": 3, "b": 2, "aaaa": [1, 2, 3, 4, 5]}',
        '{"aaaa": 3, "b": 2, "\\u0061aaa": [1, 2, 3, 4, 5]}',
    ],
)
def test_a_key_that_is_twice_is_refused_across_parts(text: str) -> None:
    """A key that occurs in two parts of one object is refused."""
    with pytest.raises(MalformedContentError, match="every key once"):
        _read(text)
    _read(text.replace("1, 2, 3", "1").replace("aaaa", "c", 1).replace("\\u0061", "a"))


def test_keys_that_python_hashes_alike_are_two() -> None:
    """Keys of different alphabets with the same bytes in Python's memory are not taken for one."""
    assert hash("bk") == hash("\u6b62")
    assert _read('{"bk": 1, "aaaa": 2, "\u6b62": 3, "want": 4}') == {"want": 4}


def test_a_key_that_is_twice_is_refused_in_a_very_large_object() -> None:
    """Of more keys than are compared at once, two that are equal are found."""
    keys = [f'"{number}":0' for number in range(300_000)]
    read_wanted(BytesSource(("{" + ",".join(keys) + "}").encode()), what="test", wanted=_WANTED)
    keys.append('"7":0')
    with pytest.raises(MalformedContentError, match="every key once"):
        read_wanted(BytesSource(("{" + ",".join(keys) + "}").encode()), what="test", wanted=_WANTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff[1, 2, 3, 4]", "no byte order mark"),
        ("[[1, 2, 3, 4], 2] 1", "nothing behind the document"),
        ("[[1, 2, 3, 4], 2", "no end of the last container"),
        ("[[1, 2, 3, 4, 5", "no end of the last container"),
        ('{"a": [1, 2, 3}', "] at the end of the container"),
        ("[[1, 2, 3, 4, 5] 2]", "a comma or the container's end"),
        ("[[1, 2, 3, 4, 5],]", "a value"),
        ("[[1, 2, 3, 4, 5],,1]", "Expecting value"),
        ("[,[1, 2, 3, 4, 5]]", "a value"),
        ("[,1, 2, 3, 4, 5]", "Expecting value"),
        ("[1 [1, 2, 3, 4, 5]]", "a comma between values"),
        ('{"a" [1, 2, 3, 4, 5]}', "a colon behind the key"),
        ('{[1, 2, 3, 4, 5]: "a"}', "a colon behind the key"),
        ('["a" "b" "c" "d" "e"', "a comma or a colon between strings"),
        ('{"a": 1, "b": nan, "c": 2}', "one JSON document"),
        ('{"a": 1, "b": 1e999, "c": 2}', "finite numbers"),
        ('{"a": 1, "b": "\\ud800", "c": 2}', "whole surrogate pairs"),
        ('"a string longer than the window', "one JSON document"),
    ],
)
def test_damage_is_refused_in_parts_too(text: str, expected: str) -> None:
    """What is wrong with a large document is refused, in words that say what was expected."""
    with pytest.raises(MalformedContentError, match=re.escape(expected)):
        _read(text)


def test_a_message_says_where_the_part_is() -> None:
    """An error in a part names the byte at which the part starts."""
    with pytest.raises(MalformedContentError, match="in the part at byte 21"):
        _read("[1, 2, 3, 4, 5, 6, 7, nan, 8]")


@pytest.mark.parametrize("window", [1, 1000])
def test_what_python_writes_for_no_number_is_read(window: int) -> None:
    """NaN and the infinities, which training states have, are numbers here, in any part."""
    text = '{"want": [NaN, -Infinity, Infinity], "pad": "0123456789"}'
    read = _read(text, window=window)
    assert isinstance(read, dict)
    assert repr(read["want"]) == "[nan, -inf, inf]"


@pytest.mark.parametrize("window", [1, 7, 64, 200])
def test_depth_is_exact_across_parts(window: int) -> None:
    """Nesting is refused beyond the limit and not at it, wherever the parts are cut."""
    fits = '[0, {"k": ' * (MAX_JSON_DEPTH // 2) + "0" + "}]" * (MAX_JSON_DEPTH // 2)
    _read(fits, window=window)
    with pytest.raises(LimitExceededError, match="nested too deeply"):
        _read(f"[{fits}]", window=window)


def test_values_are_counted_across_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit on values is on the document and not on each part."""
    text = "[1, 2, 3, 4, 5, 6, 7, 8, 9]"
    _read(text)
    monkeypatch.setattr(document, "MAX_JSON_VALUES", 8)
    with pytest.raises(LimitExceededError, match="too many values"):
        _read(text)


def test_each_part_can_end_the_reading() -> None:
    """The caller is asked before each part, and ends the reading by raising."""
    asked: list[int] = []

    def ask() -> None:
        asked.append(len(asked))
        if len(asked) == 3:
            raise LimitExceededError("enough")

    data = json.dumps(list(range(100))).encode()
    with pytest.raises(LimitExceededError, match="enough"):
        read_wanted(BytesSource(data), what="test", wanted=_WANTED, window=8, between=ask)
    assert asked == [0, 1, 2]


def test_a_long_string_is_read_whole() -> None:
    """A string longer than the window is read all the same."""
    assert _read(json.dumps({"want": "x" * 1000, "a": "y" * 1000})) == {"want": "x" * 1000}


def test_what_nobody_wants_takes_no_memory() -> None:
    """A vocabulary of three megabytes takes a fraction of its size to read."""
    words = {f"word-{number}": number for number in range(100_000)}
    merges = [f"a{number} b{number}" for number in range(50_000)]
    text = json.dumps({"model": {"vocab": words, "merges": merges}, "want": 1}).encode()
    source = BytesSource(text)
    tracemalloc.start()
    read = read_wanted(source, what="test", wanted=_WANTED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(read, dict)
    assert read["want"] == 1
    # One part as values, and eight bytes of each key to the end of its object.
    assert peak < 6_000_000
