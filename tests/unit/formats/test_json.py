"""The strict JSON reader takes RFC 8259 and nothing that two readers may read differently."""

import json

import pytest

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_JSON_DEPTH, MAX_JSON_NUMBER_CHARS
from weighbridge.formats.json import document, parse_json


def test_reads_every_kind_of_value() -> None:
    """A document with every kind of value comes back as Python values in their order."""
    data = b' {"a": [1, -2.5, 3e2, true, false, null], "b": {"c": "\\u00e9\\ud83d\\ude00"}} \n'
    value = parse_json(data, what="test")
    assert value == {"a": [1, -2.5, 300.0, True, False, None], "b": {"c": "é😀"}}
    assert isinstance(value, dict)
    assert list(value) == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"a":1,"a":1}', "'a' twice"),
        (b'[{"x":{"a":1,"b":2,"\\u0061":3}}]', "'a' twice"),
        (b"[NaN]", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e999]", "1e999"),
        (b"[-1e999]", "-1e999"),
        (b"\xef\xbb\xbf[]", "one at the start"),
        (b'["\xff"]', "byte 2"),
        (b'["\xed\xa0\x80"]', "byte 2"),
        (b'["\\ud800"]', "ud800"),
        (b'{"\\udc00": 1}', "udc00"),
        (b'{"a": ["\\ud800\\ud800"]}', "ud800"),
        (b'["' + b"\x01" + b'"]', "control character"),
        (b"[1]]", "line 1"),
        (b"[1] [2]", "line 1"),
        (b"[1,]", "line 1"),
        (b"[1}", "line 1"),
        (b"[01]", "line 1"),
        (b"['a']", "line 1"),
        (b"", "line 1"),
        (b"[1", "line 1"),
        (b'["a', "line 1"),
        (b'["\\', "line 1"),
        (b"\\", "line 1"),
        (b"[1] // x", "line 1"),
        (b"\x0c[1]", "line 1"),
        (b"[" + b"9" * (MAX_JSON_NUMBER_CHARS + 1) + b"]", "one of"),
    ],
)
def test_refuses_what_readers_may_differ_on(data: bytes, found: str) -> None:
    """Documents that are broken or ambiguous are refused, and the error says what was found."""
    with pytest.raises(MalformedContentError) as caught:
        parse_json(data, what="config.json")
    assert caught.value.where == "config.json"
    assert found.lower() in str(caught.value).lower()


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"A":1}',
        b'[{"a":1},{"a":1}]',
        b"[1e308]",
        b'["NaN"]',
        b'["\\ud83d\\ude00"]',
        b'["\\\\ud800"]',
        b"[" + b"9" * MAX_JSON_NUMBER_CHARS + b"]",
        b'"x"',
        b"0",
        b"[1] \r\n\t",
    ],
)
def test_takes_the_nearest_valid_document(data: bytes) -> None:
    """The valid neighbours of the refused documents mean what Python's reader says they mean."""
    assert parse_json(data, what="test") == json.loads(data)


@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"]":', b"}]")]
)
def test_bounds_nesting(opening: bytes, closing: bytes) -> None:
    """The deepest nesting that is allowed parses; one level more is refused."""
    per = opening.count(b"[") + opening.count(b"{")
    depth = MAX_JSON_DEPTH // per
    parse_json(opening * depth + b"0" + closing * depth, what="test")
    with pytest.raises(LimitExceededError):
        parse_json(opening * (depth + 1) + b"0" + closing * (depth + 1), what="test")


@pytest.mark.parametrize(
    "data",
    [b"[" * 1_000_000, b'{"a":' * 500_000, b"[" * 200_000 + b"]" * 200_000, b'["",' * 300_000],
)
def test_deep_nesting_never_recurses(data: bytes) -> None:
    """A million levels are refused like sixty-five."""
    with pytest.raises(LimitExceededError):
        parse_json(data, what="test")


@pytest.mark.parametrize(
    ("fits", "exceeds"),
    [
        (b"[0,0,0]", b"[0,0,0,0]"),
        (b"[[],0]", b"[[],{}]"),
        (b'{"a":{"b":0}}', b'{"a":{"b":0,"c":[]}}'),
        (b'"' + rb"\"" * 14 + b'"', b'"' + rb"\"" * 18 + b'"'),
    ],
)
def test_bounds_the_number_of_values(
    monkeypatch: pytest.MonkeyPatch, fits: bytes, exceeds: bytes
) -> None:
    """More values than the limit are refused before the decoder makes any."""
    monkeypatch.setattr(document, "MAX_JSON_VALUES", 4)
    parse_json(fits, what="test")
    with pytest.raises(LimitExceededError) as caught:
        parse_json(exceeds, what="test")
    assert caught.value.where == "test"


@pytest.mark.parametrize(
    "text", ["[" * 1000, "{" * 1000, '"[' * 1000, '\\"[' * 1000, "\\", "\\\\", '"', "[]" * 100]
)
def test_brackets_in_strings_do_not_nest(text: str) -> None:
    """Brackets, quotes and backslashes inside strings count for nothing."""
    document = [text, {text: [text]}, text]
    for ascii_only in (True, False):
        data = json.dumps(document, ensure_ascii=ascii_only).encode()
        assert parse_json(data, what="test") == document
