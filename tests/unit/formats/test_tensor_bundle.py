"""The index of a TensorFlow checkpoint, and the files beside it."""

import struct

import pytest

from support.protobuf import field, message, varint
from support.scanning import rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import MalformedContentError
from weighbridge.formats.protobuf import load_schema
from weighbridge.formats.sniff import sniff
from weighbridge.formats.tensor_bundle import BundleEntry, read_index
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject

MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
HEADER = (b"", field(1, 1))


def block(*entries: tuple[bytes, bytes]) -> bytes:
    """Return a block; keys share nothing."""
    data = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries
    )
    return data + struct.pack("<II", 0, 1)


def index(*entries: tuple[bytes, bytes], compression: int = 0) -> bytes:
    """Return a table with one block of *entries*."""
    trailer = bytes([compression]) + bytes(4)
    body = block(*entries)
    data = body + trailer
    meta_at = len(data)
    data += block() + trailer
    top_at = len(data)
    top = block((b"\xff", varint(0) + varint(len(body))))
    data += top + trailer
    handles = varint(meta_at) + varint(8) + varint(top_at) + varint(len(top))
    return data + handles.ljust(40, b"\0") + MAGIC


def tensor(offset: int, size: int) -> bytes:
    """Return the entry of a tensor."""
    return message((1, 1), (4, offset), (5, size))


def read(data: bytes) -> list[BundleEntry]:
    """Return the entries of *data*."""
    return list(read_index(BytesSource(data), schema=load_schema("tensorflow")))


def test_entries() -> None:
    """Tensors are read with the place that they have."""
    found = read(index(HEADER, (b"w", tensor(8, 16))))
    assert [(entry.name, entry.shard, entry.end) for entry in found] == [("", 0, 0), ("w", 0, 24)]


def test_sniffed() -> None:
    """A table is told by its end, and something else at the end is not one."""
    data = index(HEADER)
    assert sniff(BytesSource(data), name="x.index").format is FileFormat.TF_CHECKPOINT
    assert sniff(BytesSource(data[:-1]), name="x.index").format is FileFormat.UNKNOWN


@pytest.mark.parametrize(
    "data",
    [
        b"",
        index(HEADER)[1:],
        index(HEADER)[:-1] + b"\0",
        index(HEADER, compression=1),
        index((b"w", b"\xff")),
        bytes(40) + MAGIC,
        b"\xff" * 40 + MAGIC,
    ],
)
def test_malformed(data: bytes) -> None:
    """A table that is cut, moved, compressed or filled with something else is refused."""
    with pytest.raises(MalformedContentError):
        read(data)


def examined(path: str, data: bytes, sizes: dict[str, int]) -> set[str]:
    """Return what the scan says of a file beside others."""
    sniffed = sniff(BytesSource(data), name=path)
    subject = Subject(
        path=path,
        format=sniffed.format,
        source=BytesSource(data),
        siblings=frozenset(sizes),
        sizes=sizes,
    )
    return rules_of(examine(subject))


@pytest.mark.parametrize(("size", "expected"), [(24, set()), (23, {"scan-malformed"})])
def test_against_the_data(size: int, expected: set[str]) -> None:
    """A tensor ends within the file of data that is beside the index."""
    data = index(HEADER, (b"w", tensor(8, 16)))
    sizes = {"v/variables.data-00000-of-00001": size}
    assert examined("v/variables.index", data, sizes) == expected


@pytest.mark.parametrize(
    ("path", "beside", "clean"),
    [
        ("v/x.data-00000-of-00001", "v/x.index", True),
        ("v/x.data-00000-of-00001", "v/y.index", False),
        ("v/x.data-00000-of-00001", "x.index", False),
        ("model.onnx_data", "model.onnx", True),
        ("model.onnx.data", "model.onnx", True),
        ("sub/model.onnx.data", "model.onnx", False),
        ("model.onnx.data", "model.h5", False),
    ],
)
def test_data_belongs_to_a_model(path: str, beside: str, clean: bool) -> None:
    """Bytes without a header pass beside the file that says what they are, and only there."""
    found = examined(path, b"\x00\x01\x02\xff" * 8, {path: 32, beside: 1})
    assert found == (set() if clean else {"scan-unsupported"})


def test_pickles_under_the_name_of_data() -> None:
    """A pickle that is called as raw data are is a pickle."""
    found = examined("x.data-00000-of-00001", b"\x80\x04cos\nsystem\n.", {"x.index": 1})
    assert "pickle-dangerous-global" in found
