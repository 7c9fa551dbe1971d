"""The check of THULAC's models ends well or in its error, whatever it is given."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import MalformedContentError
from weighbridge.formats.thulac import check_thulac, is_thulac

WEIGHTS = struct.pack("<ii", 2, 3) + bytes(4 * 2 * (2 + 3))
TRIE = bytes(8) + struct.pack("<iiii", 1, 0, -3, 2)


def holds(data: bytes) -> bool:
    """Tell whether *data* holds together; any error but the one fails the test."""
    try:
        check_thulac(BytesSource(data), between=lambda: None)
    except MalformedContentError:
        return False
    return True


def test_models_hold() -> None:
    """Both files hold, and do not with a byte more or less."""
    for data in (WEIGHTS, TRIE):
        assert holds(data)
        assert not holds(data + b"\0")
        assert not holds(data[:-1])


@pytest.mark.parametrize("number", [3, -4, 2**31 - 1])
def test_a_number_of_no_pair(number: int) -> None:
    """A number that is none of a pair of the trie is refused, and the file not told as one."""
    other = TRIE[:8] + struct.pack("<i", number) + TRIE[12:]
    assert not holds(other)
    assert is_thulac(TRIE, len(TRIE), "cws_dat.bin")
    assert not is_thulac(other, len(other), "cws_dat.bin")


@pytest.mark.parametrize(
    ("data", "name", "told"),
    [
        (WEIGHTS, "cws_model.bin", True),
        (WEIGHTS, "pytorch_model.bin", True),
        (WEIGHTS, "cws_dat.bin", False),
        (WEIGHTS, "weights.bin", False),
        (WEIGHTS + b"\0", "cws_model.bin", False),
        (TRIE, "cws_model.bin", False),
        (TRIE, "model.bin", False),
        (struct.pack("<ii", 0, 0), "cws_model.bin", False),
        (b"", "cws_model.bin", False),
        (b"", "cws_dat.bin", False),
    ],
)
def test_names_and_sizes_tell(data: bytes, name: str, told: bool) -> None:
    """Such files have no mark, so that it takes a usual name and a size that fits."""
    assert is_thulac(data, len(data), name) is told


def test_long_tries_ask_whether_to_go_on() -> None:
    """The reader asks between pieces of a trie, and ends when the answer is an error."""

    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        check_thulac(BytesSource(TRIE), between=stop)


@given(st.binary(max_size=64))
@example(b"")
@example(bytes(8))
def test_any_bytes(data: bytes) -> None:
    """Whatever the bytes are, they hold or are refused; a trie of others is none."""
    holds(data)
    numbers = struct.iter_unpack("<i", data) if len(data) % 8 == 0 else ()
    within = all(-1 - len(data) // 8 <= n <= 1 + len(data) // 8 for (n,) in numbers)
    assert holds(TRIE[:8] + data) <= within
