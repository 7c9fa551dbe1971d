"""The check of SentencePiece's compiled rules ends well or in its errors, whatever it is given."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_CHARSMAP_BYTES
from weighbridge.formats.charsmap import check_charsmap, is_charsmap

LEAF = 1 << 31
WIDE = 1 << 9
UNITS = 512
TEXTS = b"a\0\xc3\xa9\0"


def rules(units: dict[int, int], *, texts: bytes = TEXTS) -> bytes:
    """Return rules of two blocks with *units* at their numbers; the others lead nowhere."""
    table = [0] * UNITS
    for number, unit in units.items():
        table[number] = unit
    return struct.pack(f"<{1 + UNITS}I", 4 * UNITS, *table) + texts


RULES = rules({0: 256 << 10, 256 ^ ord("A"): LEAF | 2})
"""A step from the root into the second block, and a leaf there."""


def holds(data: bytes) -> bool:
    """Tell whether *data* holds together; any error but the one fails the test."""
    try:
        check_charsmap(BytesSource(data), between=lambda: None)
    except MalformedContentError:
        return False
    return True


def test_rules_hold() -> None:
    """Rules hold, with steps of both widths, and do not with texts cut or behind their end."""
    assert holds(RULES)
    assert holds(rules({0: (1 << 10) | WIDE}))
    assert not holds(RULES[:-1])
    assert not holds(RULES + b"x")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param({0: 256 << 10}, {0: 512 << 10}, id="a step out of the table"),
        pytest.param({300: 256 << 10}, {300: 768 << 10}, id="a step out of the table later on"),
        pytest.param({0: 1 << 10 | WIDE}, {0: 2 << 10 | WIDE}, id="a wide step out of it"),
        pytest.param({511: LEAF | 4}, {511: LEAF | 5}, id="a text that is not there"),
    ],
)
def test_units_that_lead_elsewhere(good: dict[int, int], bad: dict[int, int]) -> None:
    """A unit that leads out of the table or the texts is refused, and not even told as rules."""
    assert holds(rules(good))
    assert not holds(rules(bad))
    assert is_charsmap(rules(good), len(rules(good)))
    assert not is_charsmap(rules(bad), len(rules(bad)))


@pytest.mark.parametrize(
    ("size", "why"), [(0, "none"), (2044, "no whole block"), (4096, "beyond the file")]
)
def test_the_size_of_the_table(size: int, why: str) -> None:
    """A table of another size than whole blocks within the file is refused."""
    data = struct.pack("<I", size) + RULES[4:]
    assert not holds(data), why
    assert not is_charsmap(data, len(data)), why


def test_texts_are_utf8() -> None:
    """Texts in another encoding are refused."""
    assert not holds(rules({}, texts=b"caf\xe9\0"))


def test_large_rules_are_not_read() -> None:
    """Rules beyond the limit are refused before anything is read."""

    class Large:
        """A source that nobody may read."""

        size = MAX_CHARSMAP_BYTES + 1

        def read_at(self, offset: int, length: int, /) -> bytes:
            """Fail."""
            raise AssertionError(f"{length} bytes at {offset} were asked for")

    with pytest.raises(LimitExceededError):
        check_charsmap(Large(), between=lambda: None)


def test_a_file_that_shrinks_is_refused() -> None:
    """A table that ends before its size says is refused."""

    class Short(BytesSource):
        """A source that is shorter than it says."""

        @property
        def size(self) -> int:
            """Claim more than there is."""
            return len(RULES)

    with pytest.raises(MalformedContentError):
        check_charsmap(Short(RULES[:100]), between=lambda: None)


def test_long_tables_ask_whether_to_go_on() -> None:
    """The reader asks between pieces of a table, and ends when the answer is an error."""

    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        check_charsmap(BytesSource(RULES), between=stop)


@given(st.binary(max_size=200))
@example(b"")
@example(RULES[:4])
def test_any_bytes(data: bytes) -> None:
    """Bytes without a table are refused, and behind one they are texts or refused."""
    assert not holds(data)
    assert holds(RULES[: 4 + 4 * UNITS] + data) <= data.endswith(b"\0")


@given(st.integers(0, UNITS - 1), st.integers(0, 2**32 - 1))
def test_any_unit(number: int, unit: int) -> None:
    """A table of which every step is within the file holds, and no other does."""
    offset = (unit >> 10) << (8 if unit & WIDE else 0)
    within = unit ^ LEAF < 2 if unit & LEAF else (number ^ offset) < UNITS
    assert holds(rules({number: unit}, texts=b"a\0")) == within
