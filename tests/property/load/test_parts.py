"""Files in parts: whatever the cuts are, every byte is in one, and none is given out unverified."""

import hashlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.digest import DigestPart, HashAlgorithm
from weighbridge.core.errors import ArtifactChangedError
from weighbridge.core.limits.loading import MIN_CUT_BYTES, PART_BYTES
from weighbridge.inventory.cutting import CuttingSink, cut
from weighbridge.load.checked import CheckedMemory, PartCache
from weighbridge.load.memfd import Descriptor

DATA = bytes(range(251)) * 4

ends = st.sets(st.integers(1, len(DATA) - 1), max_size=8).map(lambda s: (*sorted(s), len(DATA)))
spans = st.tuples(st.integers(0, len(DATA) + 10), st.integers(0, len(DATA) + 10))


def parts_of(data: bytes, borders: tuple[int, ...]) -> tuple[DigestPart, ...]:
    """Return the digests of the parts of *data* that end at *borders*."""
    starts = (0, *borders)
    return tuple(
        DigestPart(start, end, hashlib.sha256(data[start:end]).digest())
        for start, end in zip(starts, borders, strict=False)
    )


def checked(data: bytes, borders: tuple[int, ...], *, cache: int = 300) -> CheckedMemory:
    """Return *data* in a file, held to the digests of `DATA`."""
    descriptor, path = tempfile.mkstemp()
    os.write(descriptor, data)
    Path(path).unlink()
    return CheckedMemory(
        Descriptor(descriptor),
        parts_of(DATA, borders),
        algorithm=HashAlgorithm.SHA256,
        cache=PartCache(cache),
        path="f",
    )


@given(st.integers(0, 40 * MIN_CUT_BYTES) | st.integers(0, 5 * PART_BYTES), st.data())
def test_the_cuts_have_every_byte_once(size: int, data: st.DataObject) -> None:
    """Parts end in order, the last one at the end, none is empty or too large."""
    borders = data.draw(st.lists(st.integers(-5, size + 5), max_size=30))
    found = cut(size, borders)
    assert list(found) == sorted(set(found))
    assert found == () if size == 0 else found[-1] == size
    lengths = [end - start for start, end in zip((0, *found), found, strict=False)]
    assert all(0 < length <= PART_BYTES for length in lengths)
    # However many borders there are, small parts are no more than large ones, about.
    assert len(found) <= 4 + 3 * size // MIN_CUT_BYTES


@given(ends, st.lists(st.integers(1, 400), max_size=8))
def test_parts_are_digested_from_any_blocks(borders: tuple[int, ...], steps: list[int]) -> None:
    """However the reader cuts its blocks, the digests are those of the parts."""
    sink = CuttingSink({"f": borders}, kept=frozenset())
    writer = sink.open("f", len(DATA))
    at = 0
    for step in [*steps, len(DATA)]:
        writer.write_at(at, DATA[at : at + step])
        at = min(at + step, len(DATA))
    writer.seal()
    assert sink.parts == {"f": parts_of(DATA, borders)}


@given(ends, st.lists(spans, max_size=6))
def test_reads_are_those_of_the_bytes(
    borders: tuple[int, ...], reads: list[tuple[int, int]]
) -> None:
    """Any reads in any order give what slices of the bytes give."""
    memory = checked(DATA, borders)
    assert memory.size == len(DATA)
    for offset, length in reads:
        assert memory.read_at(offset, length) == DATA[offset : offset + length]
    assert bytes(memory.view()) == DATA


@given(ends, st.integers(0, len(DATA) - 1), spans)
def test_a_changed_byte_is_never_given_out(
    borders: tuple[int, ...], at: int, span: tuple[int, int]
) -> None:
    """A read that needs the changed byte's part fails; others give what was verified."""
    changed = bytearray(DATA)
    changed[at] ^= 1
    memory = checked(bytes(changed), borders)
    (bad,) = (p for p in parts_of(DATA, borders) if p.start <= at < p.end)
    offset, end = span[0], min(span[0] + span[1], len(DATA))
    if offset < bad.end and end > bad.start and offset < end:
        with pytest.raises(ArtifactChangedError, match="are not those that were verified"):
            memory.read_at(*span)
    else:
        assert memory.read_at(*span) == DATA[offset:end]
    with pytest.raises(ArtifactChangedError):
        memory.view()
