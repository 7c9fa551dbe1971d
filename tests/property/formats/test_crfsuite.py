"""The check of a CRFsuite model ends well or in its error, whatever it is given."""

import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_CRFSUITE_LABELS
from weighbridge.formats.crfsuite import check_crfsuite

MODEL = Path(__file__).parents[2].joinpath("vectors", "crfsuite", "model.crfsuite").read_bytes()
"""Written by CRFsuite itself."""
LABEL_COUNT, ATTRIBUTE_COUNT = struct.unpack_from("<2I", MODEL, 20)
FEATURES, LABELS, ATTRIBUTES, BY_LABEL, BY_ATTRIBUTE = struct.unpack_from("<5I", MODEL, 28)
FEATURE_COUNT = int.from_bytes(MODEL[FEATURES + 8 : FEATURES + 12], "little")


def holds(data: bytes) -> bool:
    """Tell whether *data* holds together; any error but the one fails the test."""
    try:
        check_crfsuite(BytesSource(data), between=lambda: None)
    except (MalformedContentError, LimitExceededError):
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


FIRST_FEATURE = FEATURES + 12
FIRST_LIST = BY_ATTRIBUTE + 12 + 4 * ATTRIBUTE_COUNT
LINKS = ATTRIBUTES + number_at(ATTRIBUTES + 20)
FIRST_NAME = ATTRIBUTES + number_at(LINKS)
TABLE = next(
    (ATTRIBUTES + where, buckets)
    for where, buckets in struct.iter_unpack("<II", MODEL[ATTRIBUTES + 24 : ATTRIBUTES + 24 + 2048])
    if buckets
)


@pytest.mark.parametrize(
    ("what", "at", "number"),
    [
        ("a feature of a third kind", FIRST_FEATURE, 2),
        ("a feature of an attribute that there is not", FIRST_FEATURE + 4, ATTRIBUTE_COUNT),
        ("a feature to a label behind the scores", FIRST_FEATURE + 8, LABEL_COUNT),
        ("a feature to a label before the scores", FIRST_FEATURE + 8, 2**32 - 1),
        ("a weight that is no number", FIRST_FEATURE + 16, 0x7FF80000),
        ("a weight without end", FIRST_FEATURE + 16, 0x7FF00000),
        ("a weight that adds up to one without end", FIRST_FEATURE + 16, 0x7FE00000),
        ("a list of a feature that there is not", FIRST_LIST + 4, FEATURE_COUNT),
        ("a list beyond the chunk", FIRST_LIST, 2**31 - 1),
        ("a list that is shorter", FIRST_LIST, number_at(FIRST_LIST) - 1),
        ("a label without a list", BY_LABEL + 12, 0),
        ("an attribute without a list", BY_ATTRIBUTE + 12, 0),
        ("a list that two share", BY_ATTRIBUTE + 16, FIRST_LIST),
        ("a list of a label that there is not", BY_LABEL + 12 + 4 * LABEL_COUNT, 48),
        ("more labels than names", 20, LABEL_COUNT + 1),
        ("less labels than names", 20, LABEL_COUNT - 1),
        ("no label", 20, 0),
        ("more labels than memory", 20, MAX_CRFSUITE_LABELS + 1),
        ("more attributes than names", 24, ATTRIBUTE_COUNT + 1),
        ("a name that is not there", LINKS, 0),
        ("a name beyond the chunk", LINKS, 2**32 - 4),
        ("a name with another number", FIRST_NAME, ATTRIBUTE_COUNT),
        ("a name of no length", FIRST_NAME + 4, 0),
        ("a name without an end", FIRST_NAME + 4, 2**31),
        ("a name without a zero", FIRST_NAME + 4, number_at(FIRST_NAME + 4) - 1),
        ("less names in the list", ATTRIBUTES + 16, ATTRIBUTE_COUNT - 1),
    ],
)
def test_what_leads_elsewhere(what: str, at: int, number: int) -> None:
    """A number is refused with which CRFsuite would read or write what is not the model's."""
    assert not holds(changed(at, number)), what


def test_a_search_in_a_table_ends() -> None:
    """A hash table without an empty place is refused: CRFsuite would go round in it for ever."""
    at, buckets = TABLE
    name = number_at(LINKS)
    full = struct.pack("<II", 0, name) * buckets
    assert not holds(MODEL[:at] + full + MODEL[at + len(full) :])
    half = full[:-8] + bytes(8)
    assert holds(MODEL[:at] + half + MODEL[at + len(half) :])


def test_a_table_leads_to_names() -> None:
    """A place in a hash table that leads to no name of the list is refused."""
    at, buckets = TABLE
    other = struct.pack("<II", 0, number_at(LINKS) + 1) + bytes(8 * (buckets - 1))
    assert not holds(MODEL[:at] + other + MODEL[at + len(other) :])


def test_the_largest_models_are_refused_before_they_are_read() -> None:
    """A model of more bytes than any is a limit, and no failure of memory."""
    with pytest.raises(LimitExceededError, match="too large"):
        check_crfsuite(_Sparse(), between=lambda: None)


class _Sparse:
    """A model of 1 GiB that nobody may read but for its head."""

    size = 2**30

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the head of a model that says how large it is."""
        assert (offset, length) == (0, 48)
        return MODEL[:4] + struct.pack("<I", self.size) + MODEL[8:48]


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
