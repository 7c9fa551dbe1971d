"""Runs of numbers are passed over in a page at a time, to where a walk of all fields comes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.protobuf import field
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.formats.protobuf import message as reader

ONNX = load_schema("onnx")
FLOAT = b"\x3d" + struct.pack("<f", 1.5)
"""An element of `AttributeProto.floats`, unpacked."""
SINGLE = b"\x15" + struct.pack("<f", 1.5)
"""`AttributeProto.f`, which occurs once."""

Walked = list[tuple[int, str, int, int]]


def walk(data: bytes, *, runs: bool) -> tuple[Walked, int, bool]:
    """Return the fields of an attribute, how many oddities it has, and whether it breaks."""
    document = Document(BytesSource(data), schema=ONNX)
    found: Walked = []
    try:
        for each in document.root("AttributeProto").fields(runs=runs):
            found.append((each.number, each.name, each.at, each.end))
    except MalformedContentError:
        return found, document.odd_count, True
    return found, document.odd_count, False


def first_of_runs(found: Walked) -> Walked:
    """Return *found* without the numbers that follow another of the same kind."""
    return [
        each
        for before, each in zip([(0, "", 0, 0), *found], found, strict=False)
        if not (each[1] == before[1] == "floats")
    ]


pieces = st.sampled_from(
    [FLOAT, FLOAT * 3, SINGLE, field(8, 5), field(1, "name"), field(9, b"\x3d" * 7), b"\x3d\0"]
)


@given(st.lists(pieces, max_size=12), st.integers(0, 9))
def test_both_walks_come_to_the_same_end(parts: list[bytes], cut: int) -> None:
    """A walk that passes over runs sees all else, and breaks where the other one breaks."""
    data = b"".join(parts)
    data = data[: max(0, len(data) - cut)]
    every, odd, broken = walk(data, runs=True)
    assert walk(data, runs=False) == (first_of_runs(every), odd, broken)


@pytest.mark.parametrize("count", [1, 13_000, 13_108, 40_000])
def test_a_run_of_many_pages(count: int) -> None:
    """A run that goes over pages is passed over to its end, wherever in a page that is."""
    found, odd, broken = walk(FLOAT * count + field(1, "name"), runs=False)
    assert [each[1] for each in found] == ["floats", "name"]
    assert (found[-1][3], odd, broken) == (count * 5 + 6, 0, False)


def test_a_page_of_a_run_counts_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Millions of numbers in a row are not millions of fields; one by one they are."""
    monkeypatch.setattr(reader, "MAX_PROTOBUF_FIELDS", 8192)
    data = FLOAT * 20_000
    assert len(walk(data, runs=False)[0]) == 1
    with pytest.raises(LimitExceededError, match="too many fields"):
        walk(data, runs=True)


def test_a_run_ends_with_its_message() -> None:
    """A run is not followed out of the message that it is in."""
    inner = field(5, FLOAT * 2)  # an attribute within a node
    data = inner + FLOAT * 2
    document = Document(BytesSource(data), schema=ONNX)
    (attribute, *others) = document.root("NodeProto").fields(runs=False)
    assert [each.end for each in attribute.message.fields(runs=False)] == [7]
    assert len(others) == 2
