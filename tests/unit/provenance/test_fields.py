"""Fields of statements, by in-toto's parsing rules."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from support.statements import WHERE, refused
from weighbridge.core.errors import LimitExceededError
from weighbridge.formats.json import JsonValue
from weighbridge.provenance import fields as module
from weighbridge.provenance.fields import (
    Fields,
    fields,
    optional_mapping,
    optional_object,
    optional_objects,
    optional_text,
    optional_texts,
    optional_time,
    render_time,
    required_text,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def thing(value: JsonValue) -> Fields:
    """Return an object with *value* as its member `x`."""
    return fields({"x": value}, at="thing", where=WHERE)


@pytest.mark.parametrize("members", [fields({}, at="thing", where=WHERE), thing(None)])
def test_unset_and_null_are_the_same(members: Fields) -> None:
    """A field that is null reads as one that is not there."""
    assert optional_text(members, "x") is None
    assert optional_time(members, "x") is None
    assert optional_texts(members, "x", limit=1) == ()
    assert optional_objects(members, "x", limit=1) == []
    assert optional_mapping(members, "x") == {}
    assert "y" not in optional_object(members, "x")


def test_an_empty_string_is_as_good_as_unset() -> None:
    """Where text is optional an empty one is none; where it is required it is refused."""
    assert optional_text(thing(""), "x") is None
    assert optional_time(thing(""), "x") is None
    with refused(text="x is empty"):
        required_text(thing(""), "x")


@pytest.mark.parametrize("value", [1, True, ["a"], {"a": 1}])
def test_a_value_of_another_type_is_refused(value: JsonValue) -> None:
    """No type is converted into another one."""
    with refused():
        optional_text(thing(value), "x")
    with refused():
        optional_texts(thing([value]), "x", limit=1)
    if not isinstance(value, dict):
        with refused():
            optional_mapping(thing(value), "x")
        with refused():
            optional_object(thing(value), "x")
        with refused():
            optional_objects(thing([value]), "x", limit=1)


def test_lists_are_bounded() -> None:
    """One more than the limit is beyond it."""
    assert optional_texts(thing(["a"]), "x", limit=1) == ("a",)
    assert len(optional_objects(thing([{}]), "x", limit=1)) == 1
    with pytest.raises(LimitExceededError):
        optional_texts(thing(["a", "b"]), "x", limit=1)
    with pytest.raises(LimitExceededError):
        optional_objects(thing([{}, {}]), "x", limit=1)


def test_text_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and URIs have a greatest length."""
    monkeypatch.setattr(module, "MAX_STATEMENT_TEXT_CHARS", 2)
    assert required_text(thing("ab"), "x") == "ab"
    assert optional_text(thing("ab"), "x") == "ab"
    assert optional_texts(thing(["ab"]), "x", limit=1) == ("ab",)
    with pytest.raises(LimitExceededError):
        required_text(thing("abc"), "x")
    with pytest.raises(LimitExceededError):
        optional_text(thing("abc"), "x")
    with pytest.raises(LimitExceededError):
        optional_texts(thing(["abc"]), "x", limit=1)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31t12:00:00z", NOON),
        ("2026-01-31T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-01-31T12:00:00.000000999Z", NOON),
        ("2026-01-31T13:30:00+01:30", NOON),
        ("2026-01-31T07:00:00-05:00", NOON),
    ],
)
def test_a_time_is_read_in_utc(text: str, time: datetime) -> None:
    """Any offset of RFC 3339 is taken; what is finer than a microsecond is cut off."""
    found = optional_time(thing(text), "x")
    assert found == time
    assert found is not None
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T12:00:00+24:00",
        "0001-01-01T00:00:00+01:00",
        "2026-01-31T12:00:00Z ",
        "٢٠٢٦-01-31T12:00:00Z",
        "yesterday",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """A time without a zone, or that no clock shows, is none."""
    with refused(text="x is no time"):
        optional_time(thing(text), "x")


def test_a_time_is_written_in_utc() -> None:
    """What is written ends in Z, and is read as the same instant."""
    time = datetime(2026, 1, 31, 13, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
    assert render_time(time) == "2026-01-31T12:00:00.250000Z"
    assert optional_time(thing(render_time(time)), "x") == time
