"""The check of a language model of PocketSphinx ends well or in its errors."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.sphinx_lm import check_sphinx_lm

TABLE = bytes(4 * (1 << 16))
"""Weights that rows refer to by sixteen bits."""


def model(
    *counts: int,
    kind: int = 1,
    places: tuple[int, ...] | None = None,
    packed: int = 0,
    names: bytes | None = None,
) -> bytes:
    """Return a model with *counts* rows of each length and *packed* bytes of longer rows."""
    head = b"Trie Language Model" + bytes([len(counts)]) + struct.pack(f"<{len(counts)}I", *counts)
    rows = len(counts) - 1
    tables = struct.pack("<i", kind) + TABLE * (2 * rows - 1) if rows else b""
    leads = places if places is not None else (0,) * counts[0] + counts[1:2] + (0,) * (not rows)
    words = b"".join(struct.pack("<ffI", -1.0, 0.0, place) for place in leads)
    text = b"".join(b"w%d\0" % n for n in range(counts[0])) if names is None else names
    return head + tables + words + bytes(packed) + struct.pack("<i", len(text)) + text


def holds(data: bytes) -> bool:
    """Tell whether *data* holds together; any error but the two fails the test."""
    try:
        check_sphinx_lm(BytesSource(data))
    except (MalformedContentError, LimitExceededError):
        return False
    return True


PAIRS = model(3, 5, packed=22)
"""Three words and five pairs: six rows of 2 and 16 bits, and eight bytes behind them."""
TRIPLES = model(3, 5, 7, packed=36 + 26)
"""Six rows of 2, 32 and 3 bits, eight of 2 and 16, and eight bytes behind each."""


@pytest.mark.parametrize("data", [model(3), PAIRS, TRIPLES], ids=["words", "pairs", "triples"])
def test_a_model_holds(data: bytes) -> None:
    """A model of the size that its counts give holds, and none with a byte more or less."""
    assert holds(data)
    assert not holds(data + b"\0")
    assert not holds(data[:-1])
    assert not holds(data[: len(data) // 2])


@pytest.mark.parametrize(
    "data",
    [
        b"Trie Language Model",
        b"Trie Language Model\0" + bytes(100),
        b"Trie Language Model\6" + bytes(100),
        b"Trie language Model\1" + model(3)[20:],
        model(0, names=b""),
        model(3, 0, packed=16),
        model(3, 5, packed=21),
        model(3, 5, packed=22, kind=0),
        model(3, 5, packed=22, places=(0, 2, 1, 5)),
        model(3, 5, packed=22, places=(0, 1, 2, 6)),
        model(3, names=b"a\0b\0c"),
        model(3, names=b"a\0b\0"),
        model(3, names=b"a\0b\0c\0d\0"),
    ],
)
def test_what_does_not_fit(data: bytes) -> None:
    """A mark, a count, a table or a list of words that does not fit is refused."""
    assert not holds(data)


def test_more_words_than_any_model_has() -> None:
    """A count beyond the bound is a limit, before anything of that size is read."""
    data = model(3).replace(struct.pack("<I", 3), struct.pack("<I", 2**31), 1)
    with pytest.raises(LimitExceededError, match="too many words"):
        check_sphinx_lm(BytesSource(data))


@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    """Whatever follows the mark, the check ends."""
    holds(b"Trie Language Model" + data)


@given(st.integers(0, len(model(3)) - 1), st.integers(0, 255))
def test_mutations(at: int, byte: int) -> None:
    """A model that differs in one byte holds or is refused."""
    data = model(3)
    holds(data[:at] + bytes([byte]) + data[at + 1 :])
