"""JSON with repeated keys is read both ways, and is held to all else."""

import pytest

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.json.repeated import TwoReadings, read_both_ways


def _read(data: bytes) -> TwoReadings:
    return read_both_ways(BytesSource(data), what="test")


def test_both_readings_are_made() -> None:
    """The first and the last value of a key are what the two readings have, at each level."""
    readings = _read(b'{"a": 1, "b": {"c": 1, "c": 2, "c": 3}, "a": 2}')
    assert readings.first == {"a": 1, "b": {"c": 1}}
    assert readings.last == {"a": 2, "b": {"c": 3}}
    assert isinstance(readings.last, dict)
    assert readings.repeated == {
        id(readings.last): {"a": [1, 2]},
        id(readings.last["b"]): {"c": [1, 2, 3]},
    }


def test_what_one_reading_drops_is_in_the_other() -> None:
    """An object under a repeated key is in the reading that keeps it, with its own keys."""
    readings = _read(b'{"a": {"b": 1, "b": 2}, "a": 3}')
    assert readings.first == {"a": {"b": 1}}
    assert readings.last == {"a": 3}
    assert list(readings.repeated.values()) == [{"b": [1, 2]}, {"a": [{"b": 2}, 3]}]


def test_strict_json_has_one_reading() -> None:
    """A document without a repeated key is the same both ways."""
    readings = _read(b'[{"a": NaN}, 1e3]')
    assert repr(readings.first) == repr(readings.last)
    assert readings.repeated == {}


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf{}", b"{}{}", b"{", b'["\xff"]', b"[1e999]"])
def test_all_else_is_strict(data: bytes) -> None:
    """Whatever else readers differ about is refused."""
    with pytest.raises(MalformedContentError):
        _read(data)


def test_nesting_is_bounded() -> None:
    """Nesting is measured before anything recurses."""
    with pytest.raises(LimitExceededError):
        _read(b"[" * 100_000)
