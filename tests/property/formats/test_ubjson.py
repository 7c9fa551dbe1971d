"""The walk through UBJSON ends well or in one of its two errors, whatever it is given."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.ubjson import check_ubjson

DATA = (
    b"{i\x01a[$d#U\x02" + bytes(8) + b"i\x01b[#i\x02U\x01Si\x01xi\x01c[ZTFi\x01I\x00\x01l\x00\x00\x00\x01]"
    b"i\x01d{$i#i\x01i\x01e\x05i\x01fD" + bytes(8) + b"i\x01gHi\x011i\x01hCxi\x01jL" + bytes(8) + b"}"
)  # fmt: skip


def holds(data: bytes) -> bool:
    """Tell whether *data* is one value; any other error than the two fails the test."""
    try:
        check_ubjson(BytesSource(data))
    except (MalformedContentError, LimitExceededError):
        return False
    return True


def test_the_value_holds() -> None:
    """The value that the others are made from is one value, and not one more byte."""
    assert holds(DATA)
    assert not holds(DATA + b"Z")


@pytest.mark.parametrize("count", [1, 100_000])
def test_large_arrays_are_stepped_over(count: int) -> None:
    """An array of numbers of any size is stepped over, and has to lie in the file."""
    data = b"[$d#l" + struct.pack(">i", count)
    assert holds(data + bytes(4 * count))
    assert not holds(data + bytes(4 * count - 1))


@given(st.binary())
@example(b"[" * 1000)
@example(b"[$Z#L\x7f" + b"\xff" * 7)
@example(b"[$[#L\x7f" + b"\xff" * 7)
@example(b"[#L\x80" + bytes(7))
@example(b"{$i]")
def test_any_bytes(data: bytes) -> None:
    """Any bytes hold or are refused."""
    holds(data)


@given(st.integers(0, len(DATA)), st.integers(0, 4), st.binary(max_size=4))
def test_mutations(at: int, cut: int, piece: bytes) -> None:
    """A value that differs in one place holds or is refused."""
    holds(DATA[:at] + piece + DATA[at + cut :])


@given(st.integers(0, len(DATA) - 1))
def test_beginnings(at: int) -> None:
    """A value that was cut is refused."""
    assert not holds(DATA[:at])
