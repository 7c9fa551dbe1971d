"""The check of a CRFsuite model ends well or in its error, whatever it is given."""

import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import MalformedContentError
from weighbridge.formats.crfsuite import check_crfsuite

MODEL = Path(__file__).parents[2].joinpath("vectors", "crfsuite", "model.crfsuite").read_bytes()
"""Written by CRFsuite itself."""
FEATURES, LABELS, ATTRIBUTES, BY_LABEL, BY_ATTRIBUTE = struct.unpack_from("<5I", MODEL, 28)


def holds(data: bytes) -> bool:
    """Tell whether *data* holds together; any error but the one fails the test."""
    try:
        check_crfsuite(BytesSource(data), between=lambda: None)
    except MalformedContentError:
        return False
    return True


def changed(at: int, number: int) -> bytes:
    """Return the model with another 32-bit number at *at*."""
    return MODEL[:at] + struct.pack("<I", number) + MODEL[at + 4 :]


def number_at(at: int) -> int:
    """Return the 32-bit number of the model at *at*."""
    return int.from_bytes(MODEL[at : at + 4], "little")


def test_the_model_holds() -> None:
    """What CRFsuite wrote holds, and does not with a byte more or less."""
    assert holds(MODEL)
    assert not holds(MODEL + b"\x00")
    assert not holds(MODEL[:-1])


@pytest.mark.parametrize(
    ("what", "at", "number"),
    [
        ("a size beyond the file", 4, len(MODEL) + 1),
        ("a size before its end", 4, len(MODEL) - 4),
        ("another kind", 8, 0),
        ("another version", 12, 101),
        ("bytes behind the header", 28, FEATURES + 4),
        ("features behind the labels", 28, LABELS + 4),
        ("labels at the attributes", 32, ATTRIBUTES),
        ("a chunk beyond the file", 44, len(MODEL) + 4),
        ("a chunk at the end of the file", 44, len(MODEL)),
        ("another tag", FEATURES, 0),
        ("a chunk smaller than its head", FEATURES + 4, 11),
        ("a chunk into the next one", LABELS + 4, number_at(LABELS + 4) + 4),
        ("a chunk with room behind it", BY_ATTRIBUTE + 4, number_at(BY_ATTRIBUTE + 4) - 4),
        ("more features", FEATURES + 8, number_at(FEATURES + 8) + 1),
        ("less features", FEATURES + 8, number_at(FEATURES + 8) - 1),
        ("another byte order", LABELS + 12, 0x71534462),
        ("more names", LABELS + 16, number_at(LABELS + 4)),
        ("names beyond the chunk", LABELS + 20, number_at(LABELS + 4)),
        ("a table beyond the chunk", ATTRIBUTES + 24, number_at(ATTRIBUTES + 4) + 1),
        ("buckets beyond the chunk", ATTRIBUTES + 28, 2**32 - 1),
        ("more offsets", BY_LABEL + 8, 2**32 - 1),
        ("an offset before its chunk", BY_LABEL + 12, 1),
        ("an offset into the table", BY_ATTRIBUTE + 12, BY_ATTRIBUTE + 12),
        ("an offset to the end", BY_ATTRIBUTE + 12, len(MODEL)),
    ],
)
def test_what_does_not_fit(what: str, at: int, number: int) -> None:
    """A size, an offset or a count that does not fit is refused."""
    assert holds(changed(at, number_at(at))), what
    assert not holds(changed(at, number)), what


def test_padding_is_zeros() -> None:
    """Up to three zeros fill a chunk up, and nothing else: there is no room for other content."""
    padded = ATTRIBUTES + number_at(ATTRIBUTES + 4)
    assert 0 < BY_LABEL - padded < 4
    assert not holds(MODEL[:padded] + b"\x01" + MODEL[padded + 1 :])


def test_a_name_table_has_room_for_its_tables() -> None:
    """A table of names that is too small for its hash tables is refused before it is read."""
    cut = MODEL[: LABELS + 100] + MODEL[ATTRIBUTES:]
    less = ATTRIBUTES - LABELS - 100
    starts = struct.pack(
        "<5I", FEATURES, LABELS, *(at - less for at in (ATTRIBUTES, BY_LABEL, BY_ATTRIBUTE))
    )
    head = cut[:4] + struct.pack("<I", len(cut)) + cut[8:28] + starts
    body = cut[48 : LABELS + 4] + struct.pack("<I", 100) + cut[LABELS + 8 :]
    assert not holds(head + body)


def test_long_tables_ask_whether_to_go_on() -> None:
    """The reader asks between pieces of a table, and ends when the answer is an error."""

    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        check_crfsuite(BytesSource(MODEL), between=stop)


@given(st.binary(max_size=200))
@example(b"")
@example(MODEL[:48])
def test_any_bytes(data: bytes) -> None:
    """Bytes that CRFsuite did not write are refused, with its header or without."""
    assert not holds(data)
    holds(MODEL[:48] + data)


@given(st.integers(0, len(MODEL)), st.integers(0, 4), st.binary(max_size=4))
def test_mutations(at: int, cut: int, piece: bytes) -> None:
    """A model that differs in one place holds or is refused, and has to be as long as it says."""
    mutated = MODEL[:at] + piece + MODEL[at + cut :]
    if holds(mutated):
        assert len(mutated) == len(MODEL)
