"""Parameters of a build by dotted names."""

import pytest

from weighbridge.core.errors import LimitExceededError, UsageError
from weighbridge.formats.json import JsonValue
from weighbridge.provenance import parameters
from weighbridge.provenance.parameters import (
    canonical,
    collapsed,
    parameters_of,
    render_parameters,
    segments,
)


def test_objects_are_taken_apart_and_arrays_are_not() -> None:
    """A parameter is a value that is no object; names are joined by dots, and sorted."""
    found = parameters_of({"params": {"lr": 0.1, "epochs": "3"}, "command": ["a", {"b": 1}]})
    assert found == (
        ("command", '["a",{"b":1}]'),
        ("params.epochs", '"3"'),
        ("params.lr", "0.1"),
    )


@pytest.mark.parametrize("value", [None, {}, [], {"x": None}, {"x": {}}])
def test_what_is_empty_is_as_good_as_unset(value: JsonValue) -> None:
    """Null, and arrays and objects without anything in them, are no parameters (SLSA)."""
    assert parameters_of({"a": value}) == ()


@pytest.mark.parametrize("value", ["", 0, False, [None], [[]]])
def test_what_a_caller_could_choose_is_a_parameter(value: JsonValue) -> None:
    """An empty string is chosen in the place of a default: a policy has to expect it."""
    assert parameters_of({"a": value}) == (("a", canonical(value)),)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"a": {"b": 1}}, "a.b"),
        ({"a.b": 1}, '"a.b"'),
        ({"": 1}, '""'),
        ({'"': 1}, '"\\""'),
        ({"a b": 1}, '"a b"'),
        ({"é/-_": 1}, "é/-_"),
    ],
)
def test_a_name_stands_for_one_place(values: dict[str, JsonValue], name: str) -> None:
    """A key with a dot is not two keys."""
    assert parameters_of(values) == ((name, "1"),)
    assert render_parameters(parameters_of(values)) == values


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", '"a', 'a"b', '"a"b', "a b", '"\\x"'])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    """A name that leads nowhere has no keys, and is not written."""
    with pytest.raises(ValueError, match=r"."):
        segments(name)
    with pytest.raises(UsageError):
        render_parameters([(name, "1")])


@pytest.mark.parametrize(
    "pairs",
    [
        [("a", "1"), ("a", "1")],
        [("a", "1"), ("a.b", "1")],
        [("a.b", "1"), ("a", "1")],
        [("a", "{}")],
        [("a", '{"b":1}')],
        [("a", "null")],
        [("a", "[1, 2]")],
        [("a", "nonsense")],
        [('"a"', "1")],
    ],
)
def test_pairs_of_no_object_are_not_written(pairs: list[tuple[str, str]]) -> None:
    """What would be read as other parameters is not signed."""
    with pytest.raises(UsageError):
        render_parameters(pairs)


def test_parameters_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their number counts objects as well, and a name has a greatest length."""
    monkeypatch.setattr(parameters, "MAX_STATEMENT_PARAMETERS", 3)
    assert len(parameters_of({"a": {"b": 1, "c": 2}})) == 2
    with pytest.raises(LimitExceededError):
        parameters_of({"a": {"b": 1, "c": {}, "d": 2}})
    monkeypatch.setattr(parameters, "MAX_STATEMENT_NAME_CHARS", 4)
    parameters_of({"a": {"b": 1}})
    with pytest.raises(LimitExceededError):
        parameters_of({"a": {"b": 1, "c": 1}})
    monkeypatch.setattr(parameters, "MAX_STATEMENT_TEXT_CHARS", 3)
    parameters_of({"a": {"b": 1}})
    with pytest.raises(LimitExceededError):
        parameters_of({"a": {"bb": 1}})


def test_an_object_of_unknown_names_is_one_parameter() -> None:
    """What nobody could list by name stands in one value, and an empty object in none."""
    assert collapsed("variables", {"B": "", "A": "1"}) == (("variables", '{"A":"1","B":""}'),)
    assert collapsed("variables", {}) == ()
    assert collapsed("variables", None) == ()
