"""Rule `keras-config-ambiguous`."""

import json

import pytest

from support.keras import examined_configuration, layer, sequential
from support.rule_vectors import assert_vector_holds
from support.scanning import rules_of
from weighbridge.core.evidence import Gap

RULE = "keras-config-ambiguous"
_MODEL = json.dumps(sequential(layer("Dense", {"units": 1})))


def test_vector() -> None:
    """A key that occurs twice is found, one that occurs once is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_encodings(encoding: str) -> None:
    """Encodings that Keras takes and others do not are found, and what they hold is examined."""
    evil = json.dumps(sequential(layer("Lambda"))).encode(encoding)
    assert {RULE, "keras-lambda-layer"} <= rules_of(examined_configuration(evil))


@pytest.mark.parametrize(
    "twice",
    [
        '"class_name": "Lambda", "class_name": "Dense"',
        '"class_name": "Dense", "class_name": "Lambda"',
        '"class_name": "Dense", "\\u0063lass_name": "\\u004cambda"',
    ],
)
def test_either_value_counts(twice: str) -> None:
    """Of two equal keys, both values are examined, whatever their order and escapes."""
    text = _MODEL.replace('"class_name": "Dense"', twice)
    assert {RULE, "keras-lambda-layer"} <= rules_of(examined_configuration(text.encode()))


def test_escapes_are_resolved() -> None:
    """An escaped name is the name, and nothing ambiguous."""
    text = json.dumps(sequential(layer("Lambda"))).replace("Lambda", "\\u004cambda")
    assert rules_of(examined_configuration(text.encode())) == {"keras-lambda-layer"}


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_python_numbers(number: str) -> None:
    """Numbers that Keras writes and JSON does not have are nothing to disagree about."""
    text = _MODEL.replace('"units": 1', f'"units": {number}')
    assert examined_configuration(text.encode()) == ()


def test_surrogates() -> None:
    """Half a surrogate pair is found: not every reader takes it."""
    text = _MODEL.replace("model", "\\ud800")
    assert rules_of(examined_configuration(text.encode())) == {RULE}


@pytest.mark.parametrize("data", [b'{"class_name": ', b"\xff\xfe\xff", b"{}{}", b""])
def test_unreadable(data: bytes) -> None:
    """A configuration that Keras does not read either is a gap."""
    evidence = examined_configuration(data)
    assert [type(each) for each in evidence] == [Gap]
