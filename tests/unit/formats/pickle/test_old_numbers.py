"""Numbers of protocol 0 are what CPython's unpicklers read, also those that are read at once."""

import pickle

import pytest

from weighbridge.formats.pickle.machine import run

PLAIN = (
    b"1.5", b"-0.0", b"00012.5", b"7", b"1e22", b"1e-99", b"-2.5e+07", b"3.3333333333333335",
    b"12345678901234567890.12345678901234567890e99",
)  # fmt: skip
OTHER = (b"1e100", b"123456789012345678901", b"0." + b"1" * 40, b"+1.5", b"inf", b"1.")


@pytest.mark.parametrize("text", [*PLAIN, *OTHER])
def test_both_unpicklers_read_the_same(text: bytes) -> None:
    """A number that both read is the one that is pushed, to the last bit."""
    data = b"F" + text + b"\n."
    trace = run(data)
    assert trace.complete
    assert not list(trace.anomalies)
    assert repr(trace.result) == repr(pickle.loads(data)) == repr(float(text))


@pytest.mark.parametrize("text", [b"1e999", b"1_0.5", b" 1.5", b"1.5 ", b"1.5\0x"])
def test_what_one_of_them_refuses_is_noted(text: bytes) -> None:
    """A number that only one unpickler takes is no plain one, and a divergence."""
    assert list(run(b"F" + text + b"\n.").anomalies)


def test_a_number_without_an_end_breaks() -> None:
    """A number that the stream ends in is none."""
    assert not run(b"F1.5").complete


@pytest.mark.parametrize(
    "text",
    [b"0", b"7", b"-12", b"9" * 18, b"-" + b"9" * 18, b"9" * 19, b"-9223372036854775808"],
)
def test_whole_numbers(text: bytes) -> None:
    """A whole number that both read is the one that is pushed."""
    data = b"I" + text + b"\n."
    trace = run(data)
    assert not list(trace.anomalies)
    assert repr(trace.result) == repr(pickle.loads(data)) == repr(int(text))


@pytest.mark.parametrize(("text", "value"), [(b"00", False), (b"01", True)])
def test_truth_values(text: bytes, *, value: bool) -> None:
    """Two digits that begin with a zero are a truth value, and no number."""
    assert run(b"I" + text + b"\n.").result is value is pickle.loads(b"I" + text + b"\n.")


@pytest.mark.parametrize("text", [b"-0", b"+1", b"0_1"])
def test_whole_numbers_that_are_read_in_two_ways(text: bytes) -> None:
    """What the C unpickler takes for a truth value, and what it refuses, is noted."""
    assert list(run(b"I" + text + b"\n.").anomalies)


def test_indexes_of_the_memo() -> None:
    """A value is under the index that it was put under, however many digits that has."""
    for index in (b"0", b"7", b"123456789", b"1234567890"):
        assert run(b"I5\np" + index + b"\n0g" + index + b"\n.").result == 5


def test_an_index_beyond_any_pickler_is_noted() -> None:
    """An index that fills the memory of an unpickler is an anomaly when it is read at once too."""
    assert list(run(b"I5\np900000000\n.").anomalies)
