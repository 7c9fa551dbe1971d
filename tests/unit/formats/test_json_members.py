"""Reading untrusted JSON objects member by member."""

import pytest

from support.signatures import refused
from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError, SignatureRejectedError
from weighbridge.formats.json import JsonValue
from weighbridge.formats.json.members import Members, kind


def members(value: JsonValue) -> Members[SignatureRejectedError]:
    """Return *value* as members of an object."""
    return Members(
        value,
        at="thing",
        where="model.sig",
        raises=SignatureRejectedError,
        code=Code.STATEMENT_MALFORMED,
    )


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_each_json_type_has_its_name(value: JsonValue, name: str) -> None:
    """A message names the type that was found in JSON's words."""
    assert kind(value) == name


@pytest.mark.parametrize("value", [None, True, 1, "x", []])
def test_only_an_object_has_members(value: JsonValue) -> None:
    """Anything but an object is refused with the place and the type."""
    with refused(
        Code.STATEMENT_MALFORMED, text=f"thing: wrong type: expected an object, found {kind(value)}"
    ):
        members(value)


def test_a_member_of_another_type_is_refused_with_its_name() -> None:
    """Each reader takes its own type only; a boolean is no number and a number no boolean."""
    thing = members({"text": 1, "flag": 0, "items": {}, "texts": [None]})
    for read in (thing.text, thing.flag, thing.items, thing.texts):
        name = read.__name__
        with refused(Code.STATEMENT_MALFORMED, text=f"thing: {name} has the wrong type"):
            read(name)


def test_a_long_value_is_shown_in_part() -> None:
    """What a message shows of hostile text is bounded."""
    thing = members({"sig": "!" * 5000, "x" * 5000: 1})
    with refused(Code.STATEMENT_MALFORMED, text=f"'{'!' * 60}...'"):
        thing.binary("sig", limit=10_000)
    with refused(Code.STATEMENT_MALFORMED, text=f"'{'x' * 60}'"):
        thing.allow({"sig"})


def test_errors_are_of_the_class_that_the_reader_asked_for() -> None:
    """Objects within raise what the outermost was made with, not a signature's error."""
    thing = Members(
        {"inner": {"list": [{}]}},
        at="thing",
        where="model.claims.jsonl",
        raises=MalformedContentError,
        code=Code.SCAN_MALFORMED,
    )
    (inmost,) = thing.object("inner").objects("list", limit=1)
    with pytest.raises(
        MalformedContentError, match=r"thing\.inner\.list\[0\]: a member is missing"
    ):
        inmost.text("name")
