"""What the strict JSON reader takes, and how it refuses."""

import json

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_JSON_DEPTH
from weighbridge.formats.json import JsonValue, parse_json

_TEXT = st.text(st.characters(codec="utf-8")) | st.text(alphabet='"\\[]{}a', max_size=20)
_SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
)
_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    _SCALAR, lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner), max_leaves=20
)


@given(value=_VALUES, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 3))
def test_round_trip(value: JsonValue, *, ascii_only: bool, indent: int | None) -> None:
    """Whatever Python's writer writes without its extensions is read back as it was."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, allow_nan=False)
    assert parse_json(text.encode(), what="test") == value


@given(data=st.binary() | st.text(alphabet='[]{}",:\\u0d8e1 \n', max_size=300).map(str.encode))
def test_refuses_in_its_own_words(data: bytes) -> None:
    """Arbitrary bytes give a value that Python's reader agrees with, or an error of our own."""
    try:
        value = parse_json(data, what="test")
    except (MalformedContentError, LimitExceededError):
        return
    assert value == json.loads(data)


@given(st.lists(st.sampled_from([b"[", b'{"k":', b'["[",']), min_size=1, max_size=200))
def test_depth_is_exact(openings: list[bytes]) -> None:
    """A document of any shape is refused for its depth exactly when it is too deep."""
    closings = [b"]" if opening.startswith(b"[") else b"}" for opening in reversed(openings)]
    data = b"".join(openings) + b"0" + b"".join(closings)
    try:
        parse_json(data, what="test")
    except LimitExceededError:
        assert len(openings) > MAX_JSON_DEPTH
    else:
        assert len(openings) <= MAX_JSON_DEPTH
