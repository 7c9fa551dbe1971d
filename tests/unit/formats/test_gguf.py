"""GGUF headers are read as the reference reader should read them."""

import struct

import pytest

from support.gguf import Tensor, array, build_gguf, pair, text
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import (
    MAX_GGUF_ARRAY_ITEMS,
    MAX_GGUF_KEYS,
    MAX_GGUF_STRING_BYTES,
    MAX_TENSOR_NAME_BYTES,
    MAX_TENSORS,
)
from weighbridge.formats.gguf import (
    TENSOR_TYPES,
    GgufArray,
    GgufHeader,
    GgufType,
    parse_header,
)


def parse(data: bytes) -> GgufHeader:
    """Parse *data*."""
    return parse_header(BytesSource(data))


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (0, b"\xff", 255),
        (1, b"\xff", -1),
        (2, b"\xff\xff", 65535),
        (3, b"\xff\xff", -1),
        (4, b"\xff\xff\xff\xff", 2**32 - 1),
        (5, b"\xff\xff\xff\xff", -1),
        (6, struct.pack("<f", 1.5), 1.5),
        (7, b"\x01", True),
        (7, b"\x00", False),
        (8, text("{{ x }}"), "{{ x }}"),
        (8, text(""), ""),
        (10, b"\xff" * 8, 2**64 - 1),
        (11, b"\xff" * 8, -1),
        (12, struct.pack("<d", 1.5), 1.5),
        (9, array(4, 2, bytes(8)), GgufArray(item_type=GgufType.UINT32, count=2)),
        (9, array(8, 2, text("a") + text("bc")), GgufArray(item_type=GgufType.STRING, count=2)),
        (9, array(8, 0, b""), GgufArray(item_type=GgufType.STRING, count=0)),
        (9, array(9, 2, array(0, 1, b"x") * 2), GgufArray(item_type=GgufType.ARRAY, count=2)),
    ],
)
def test_reads_every_type(kind: int, raw: bytes, value: object) -> None:
    """Each type of metadata has its value, and what follows is read from the right place."""
    header = parse(build_gguf([pair("k", kind, raw), pair("after", 0, b"\x07")]))
    assert header.metadata == (("k", value), ("after", 7))
    assert type(header.metadata[0][1]) is type(value)


@pytest.mark.parametrize("version", [2, 3])
def test_reads_tensors(version: int) -> None:
    """Tensors have their types, their shapes and their places in the file."""
    tensors = [Tensor(name="b", offset=32, shape=(3, 2), kind=1), Tensor(name="a", shape=(8,))]
    data = build_gguf([], tensors, data=bytes(32 + 12), version=version)
    header = parse(data)
    assert header.version == version
    assert header.alignment == 32
    first, second = header.tensors
    assert (first.name, first.type, first.shape) == ("a", "F32", (8,))
    assert (second.name, second.type, second.shape) == ("b", "F16", (3, 2))
    assert (first.start, first.end) == (header.data_offset, header.data_offset + 32)
    assert (second.start, second.end) == (header.data_offset + 32, len(data))


def test_text_finds_strings_only() -> None:
    """A chat template is found under its key; a number or a missing key is no text."""
    header = parse(build_gguf([pair("a", 8, text("x")), pair("n", 0, b"\x01")]))
    assert header.text("a") == "x"
    assert header.text("n") is None
    assert header.text("b") is None


@pytest.mark.parametrize("number", sorted(TENSOR_TYPES))
def test_knows_the_size_of_every_tensor_type(number: int) -> None:
    """A tensor of one block fits exactly as many bytes as the type's block has."""
    kind = TENSOR_TYPES[number]
    tensor = Tensor(shape=(kind.block,), kind=number)
    assert parse(build_gguf([], [tensor], data=bytes(kind.size))).tensors[0].type == kind.name
    with pytest.raises(MalformedContentError):
        parse(build_gguf([], [tensor], data=bytes(kind.size - 1)))


def test_alignment_is_the_files() -> None:
    """The alignment comes from the metadata, and offsets have to keep it."""
    pairs = [pair("general.alignment", 4, struct.pack("<I", 64))]
    tensors = [Tensor(name="a"), Tensor(name="b", offset=64)]
    header = parse(build_gguf(pairs, tensors, data=bytes(96), alignment=64))
    assert header.alignment == 64
    assert header.data_offset % 64 == 0
    tensors = [Tensor(name="a"), Tensor(name="b", offset=32)]
    with pytest.raises(MalformedContentError):
        parse(build_gguf(pairs, tensors, data=bytes(64), alignment=64))


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (4, struct.pack("<I", 0)),
        (4, struct.pack("<I", 24)),
        (4, struct.pack("<I", 1 << 21)),
        (5, struct.pack("<i", -32)),
        (6, struct.pack("<f", 32)),
        (7, b"\x01"),
        (8, text("32")),
    ],
)
def test_refuses_odd_alignments(kind: int, raw: bytes) -> None:
    """An alignment is a power of two, and a number."""
    with pytest.raises(MalformedContentError):
        parse(build_gguf([pair("general.alignment", kind, raw)]))


@pytest.mark.parametrize("padding", [0, 1, 20])
def test_takes_padding_behind_the_last_tensor(padding: int) -> None:
    """Up to the alignment the file may be padded; one byte more is no padding."""
    tensor = Tensor(shape=(3,))
    parse(build_gguf([], [tensor], data=bytes(12 + padding)))
    with pytest.raises(MalformedContentError):
        parse(build_gguf([], [tensor], data=bytes(33)))


def test_a_vocabulary_has_no_tensors() -> None:
    """A file without tensors may be padded or not, and hides nothing behind its header."""
    data = build_gguf([pair("a", 0, b"\x01")])
    assert parse(data).tensors == ()
    assert parse(data + bytes(-len(data) % 32)).tensors == ()
    with pytest.raises(MalformedContentError):
        parse(data + bytes(-len(data) % 32) + b"x")


@pytest.mark.parametrize(
    "tensors",
    [
        [Tensor(name="a"), Tensor(name="a", offset=32)],
        [Tensor(name="a"), Tensor(name="b", offset=0)],
        [Tensor(name="a", offset=32), Tensor(name="b", offset=64)],
        [Tensor(name="a"), Tensor(name="b", offset=64)],
        [Tensor(name="a", offset=8)],
        [Tensor(name="a", shape=(8, 1, 1, 1, 1))],
        [Tensor(name="a", shape=(2**62, 2**62))],
        [Tensor(name="a", shape=(2**64 - 1,))],
        [Tensor(name="a", kind=4)],
        [Tensor(name="a", kind=9999)],
        [Tensor(name="a", kind=2, shape=(31,))],
        [Tensor(name="a", kind=2, shape=(16, 2))],
        [Tensor(name=b"\xff")],
        [Tensor(name="a"), Tensor(name="b", offset=2**63)],
    ],
)
def test_refuses_tensors_that_do_not_fit(tensors: list[Tensor]) -> None:
    """Duplicate names, holes, overlaps, overflow, broken rows and unknown types are malformed."""
    with pytest.raises(MalformedContentError):
        parse(build_gguf([], tensors, data=bytes(96)))


def test_empty_tensors_take_no_room() -> None:
    """A tensor without elements lies where the next one starts."""
    tensors = [Tensor(name="a", shape=(0,)), Tensor(name="b")]
    assert len(parse(build_gguf([], tensors, data=bytes(32))).tensors) == 2


@pytest.mark.parametrize(
    "pairs",
    [
        [pair("a", 0, b"\x01"), pair("a", 0, b"\x01")],
        [pair("", 0, b"\x01")],
        [pair(b"\xff", 0, b"\x01")],
        [pair("a", 13, b"\x01")],
        [pair("a", 7, b"\x02")],
        [pair("a", 8, text(b"\xff"))],
        [pair("a", 9, array(13, 1, b"\x01"))],
        [pair("a", 8, struct.pack("<Q", 1000) + b"x")],
        [pair("a", 9, array(4, 1000, b"x"))],
        [pair("a", 9, array(8, 2, text("a")))],
        [pair("a", 4, b"\x01")],
    ],
)
def test_refuses_broken_metadata(pairs: list[bytes]) -> None:
    """Duplicate and empty keys, unknown types, bad text and cut values are malformed."""
    with pytest.raises(MalformedContentError):
        parse(build_gguf(pairs))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GGUF",
        build_gguf(magic=b"GGML"),
        build_gguf(version=0),
        build_gguf(version=1),
        build_gguf(version=4),
        build_gguf(key_count=1),
        build_gguf(tensor_count=1),
        build_gguf()[:-1],
        build_gguf(key_count=MAX_GGUF_KEYS),
        build_gguf(tensor_count=MAX_TENSORS),
    ],
)
def test_refuses_broken_headers(data: bytes) -> None:
    """Other magics and versions, and counts that the file cannot hold, are malformed."""
    with pytest.raises(MalformedContentError):
        parse(data)


def test_says_that_a_file_is_big_endian() -> None:
    """A file of the other byte order is refused for that reason."""
    with pytest.raises(MalformedContentError, match="big-endian"):
        parse(build_gguf(version=3 << 24))


DEEP = b"".join(struct.pack("<IQ", 9, 1) for _ in range(5)) + array(0, 0, b"")


@pytest.mark.parametrize(
    "data",
    [
        build_gguf(key_count=MAX_GGUF_KEYS + 1),
        build_gguf(tensor_count=MAX_TENSORS + 1),
        build_gguf(key_count=2**64 - 1),
        build_gguf(tensor_count=2**64 - 1),
        build_gguf([text("x" * 65_536)]),
        build_gguf([pair("a", 8, struct.pack("<Q", MAX_GGUF_STRING_BYTES + 1))]),
        build_gguf([pair("a", 9, array(0, MAX_GGUF_ARRAY_ITEMS + 1, b""))]),
        build_gguf([pair("a", 9, array(9, 2**64 - 1, b""))]),
        build_gguf([pair("a", 9, DEEP)]),
        build_gguf([], [Tensor(name="x" * (MAX_TENSOR_NAME_BYTES + 1))]),
    ],
)
def test_bounds_counts(data: bytes) -> None:
    """Counts, strings, arrays, their nesting and names are bounded."""
    with pytest.raises(LimitExceededError):
        parse(data)


def test_bounds_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header longer than the limit is refused where it crosses it."""
    data = build_gguf([pair("a", 9, array(0, 100, bytes(100)))])
    parse(data)
    monkeypatch.setattr("weighbridge.formats.gguf.reader.MAX_GGUF_HEADER_BYTES", len(data) - 1)
    with pytest.raises(LimitExceededError):
        parse(data)
