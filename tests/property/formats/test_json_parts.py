"""A document read in parts is the document that the strict reader reads, less what nobody wants."""

import json
from collections.abc import Iterator

from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.formats.json.parts import Wanted, read_wanted

_WANTED = Wanted(keys=frozenset({"want", "wänt", 'w"}'}))
_KEYS = st.sampled_from(
    ["want", "wänt", 'w"}', "a", "b", "c", "\\", "{", "long key " * 4]
) | st.text(alphabet='"\\[]{},:a', max_size=6)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet='"\\[]{},: aä€😀\n', max_size=30)
)
_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(_KEYS, inner, max_size=8),
    max_leaves=40,
)
_WINDOWS = st.integers(1, 80)


def _read(data: bytes, window: int, wanted: Wanted = _WANTED) -> JsonValue:
    return read_wanted(BytesSource(data), what="test", wanted=wanted, window=window)


def _members(
    value: JsonValue, where: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every member of every object, with its place, as text that tells 1 from 1.0."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _members(item, (*where, str(index)))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _WANTED.keys:
                yield (*where, key), json.dumps(item)
            yield from _members(item, (*where, key))


@given(
    value=_VALUES, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 3), window=_WINDOWS
)
@example(value={"a": [1], "want": [[2]], "b": {}}, ascii_only=True, indent=None, window=1)
def test_what_is_wanted_is_there_and_where_it_was(
    value: JsonValue, *, ascii_only: bool, indent: int | None, window: int
) -> None:
    """Every wanted member stands where it stood with the value that it had, for any window."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, allow_nan=False)
    found = set(_members(_read(text.encode(), window)))
    assert found == set(_members(value))


@given(value=_VALUES, window=_WINDOWS)
def test_nothing_is_invented(value: JsonValue, *, window: int) -> None:
    """What is read in parts is the document itself with items that became None and lost members."""
    read = _read(json.dumps(value).encode(), window)
    assert _is_part_of(read, value)


def _is_part_of(part: JsonValue, whole: JsonValue) -> bool:
    """Tell whether *part* is *whole* less members and with None for items."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(k in whole and _is_part_of(v, whole[k]) for k, v in part.items())
    if isinstance(part, list) and isinstance(whole, list) and len(part) == len(whole):
        return all(p is None or _is_part_of(p, w) for p, w in zip(part, whole, strict=True))
    return json.dumps(part) == json.dumps(whole)


_EDITS = st.tuples(
    st.integers(0, 400), st.integers(0, 2), st.sampled_from(list('{}[],:"\\0-+.eE \nauD8tfn\x00é€'))
)


@given(value=_VALUES, edits=st.lists(_EDITS, min_size=1, max_size=3), window=_WINDOWS)
@example(value=[1, 2], edits=[(3, 0, ",")], window=1)
@example(value=[[1], [2]], edits=[(4, 0, ",")], window=1)
@example(value=[[1], [2]], edits=[(4, 1, "")], window=1)
@example(value=[[1]], edits=[(1, 0, "-")], window=1)
@example(value={"a": {"b": 1}}, edits=[(5, 0, "-")], window=1)
@example(value={"a": {"b": 1}}, edits=[(4, 1, ",")], window=1)
@example(value=[[1, 2], [3]], edits=[(7, 1, " ")], window=1)
@example(value=[[1, 2], [3]], edits=[(6, 0, "}"), (7, 1, "")], window=1)
@example(value={"a": [1], "b": [2]}, edits=[(11, 1, "a")], window=1)
def test_both_readers_refuse_the_same(
    value: JsonValue, *, edits: list[tuple[int, int, str]], window: int
) -> None:
    """A damaged document is refused in parts exactly when it is refused as a whole."""
    text = json.dumps(value, ensure_ascii=False)
    for at, length, new in edits:
        place = at % (len(text) + 1)
        text = text[:place] + new + text[place + length :]
    data = text.encode()
    assert _outcome_whole(data) == _outcome_in_parts(data, window)


@given(
    data=st.binary(max_size=60)
    | st.text(alphabet='[]{}",:\\u0d8e1 \n', max_size=120).map(str.encode),
    window=_WINDOWS,
)
def test_arbitrary_bytes_are_refused_alike(data: bytes, *, window: int) -> None:
    """Bytes of any kind are read in parts exactly when they are read as a whole."""
    assert _outcome_whole(data) == _outcome_in_parts(data, window)


def _outcome_whole(data: bytes) -> set[tuple[tuple[str, ...], str]] | None:
    try:
        return set(_members(parse_json(data, what="test")))
    except (MalformedContentError, LimitExceededError):
        return None


def _outcome_in_parts(data: bytes, window: int) -> set[tuple[tuple[str, ...], str]] | None:
    try:
        return set(_members(_read(data, window)))
    except (MalformedContentError, LimitExceededError):
        return None
