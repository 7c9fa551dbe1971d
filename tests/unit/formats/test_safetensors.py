"""Safetensors headers are held to the format in full."""

import json
import struct
from typing import Any

import numpy as np
import pytest
import safetensors
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import (
    MAX_SAFETENSORS_HEADER_BYTES,
    MAX_TENSOR_NAME_BYTES,
    MAX_TENSOR_RANK,
)
from weighbridge.formats.safetensors import (
    DTYPE_BITS,
    SafetensorsHeader,
    TensorInfo,
    parse_header,
)


def build(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    """Return a file with *header*, which may be text that is no JSON."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def tensor(
    dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)
) -> dict[str, object]:
    """Return a tensor's entry."""
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def reference(data: bytes) -> None:
    """Let the reference reader read *data*."""
    safetensors.deserialize(data)  # type: ignore[no-untyped-call]


def parse(data: bytes) -> SafetensorsHeader:
    """Parse *data*."""
    return parse_header(BytesSource(data))


def test_reads_what_the_reference_writes() -> None:
    """Names, types, shapes and places are those that the reference writer gave."""
    arrays: dict[str, NDArray[Any]] = {
        "b": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a": np.array(7, dtype=np.int64),
    }
    data = save(arrays, {"format": "np"})
    header = parse(data)
    assert header.metadata == (("format", "np"),)
    assert {t.name for t in header.tensors} == {"a", "b"}
    for info in header.tensors:
        array = arrays[info.name]
        assert info.shape == array.shape
        assert data[info.start : info.end] == array.tobytes()
    assert header.tensors[0].start == header.data_offset


@pytest.mark.parametrize("dtype", sorted(DTYPE_BITS))
def test_agrees_with_the_reference_on_every_dtype(dtype: str) -> None:
    """A tensor of eight elements has the size that the reference reader demands, and no other."""
    size = DTYPE_BITS[dtype]
    good = build({"t": tensor(dtype, [8], [0, size])}, bytes(size))
    reference(good)
    assert parse(good).tensors[0].dtype == dtype
    bad = build({"t": tensor(dtype, [8], [0, size + 1])}, bytes(size + 1))
    with pytest.raises(SafetensorError):
        reference(bad)
    with pytest.raises(MalformedContentError):
        parse(bad)


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({}, b""),
        ({"__metadata__": {}}, b""),
        ({"__metadata__": {"a": "b"}}, b""),
        ({"t": tensor()}, bytes(8)),
        ({"t": tensor("U8", [], [0, 1])}, b"x"),
        ({"t": tensor("U8", [0], [0, 0])}, b""),
        (
            {"a": tensor("U8", [0], [8, 8]), "b": tensor(), "c": tensor("U8", [5, 0], [0, 0])},
            bytes(8),
        ),
        ({"b": tensor("U8", [1], [8, 9]), "a": tensor()}, bytes(9)),
        ({"t": tensor("F4", [2], [0, 1])}, b"x"),
        ({"": tensor("U8", [1], [0, 1])}, b"x"),
        (b'{"t":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}}   ', b"x"),
        (b'{"\\u00e9":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}}\n', b"x"),
    ],
)
def test_takes_what_the_reference_takes(header: object, data: bytes) -> None:
    """Empty files, scalars, empty tensors, any order and padding are well-formed."""
    reference(build(header, data))
    parse(build(header, data))


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({"a": tensor(), "b": tensor(offsets=[9, 17])}, bytes(17)),
        ({"a": tensor(), "b": tensor(offsets=[4, 12])}, bytes(12)),
        ({"a": tensor(), "b": tensor(offsets=[0, 8])}, bytes(8)),
        ({"a": tensor(offsets=[1, 9])}, bytes(9)),
        ({"a": tensor()}, bytes(7)),
        ({"a": tensor()}, bytes(9)),
        ({"a": tensor(offsets=[0, 4])}, bytes(4)),
        ({"a": tensor(offsets=[8, 0])}, bytes(8)),
        ({"a": tensor("F4", [1], [0, 1])}, b"x"),
        ({"a": tensor("F4", [3], [0, 1])}, b"x"),
        ({"a": tensor("f32")}, bytes(8)),
        ({"a": tensor("F31")}, bytes(8)),
        ({"a": tensor(None)}, bytes(8)),
        ({"a": tensor(["F32"])}, bytes(8)),
        ({"a": tensor(shape=[-2])}, bytes(8)),
        ({"a": tensor(shape=[2.0])}, bytes(8)),
        ({"a": tensor(shape="2")}, bytes(8)),
        ({"a": tensor("U8", [True], [0, 1])}, b"x"),
        ({"a": tensor("U8", [1], [False, True])}, b"x"),
        ({"a": tensor(offsets=[0])}, bytes(8)),
        ({"a": tensor(offsets=[0, 4, 8])}, bytes(8)),
        ({"a": tensor(offsets=None)}, bytes(8)),
        ({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)),
        ({"a": None}, b""),
        ({"a": []}, b""),
        ({"__metadata__": {"a": 1}}, b""),
        ({"__metadata__": {"a": None}}, b""),
        ({"__metadata__": []}, b""),
        ({"a": tensor(shape=[2**64, 2**64], offsets=[0, 2**130])}, b""),
        (b'{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', b"x"),
        (b"[]", b""),
        (b"", b""),
        (b"{", b""),
        (b"{}x", b""),
        (b'{"\xff":{}}', b""),
    ],
)
def test_refuses_what_the_reference_refuses(header: object, data: bytes) -> None:
    """Holes, overlaps, cut or trailing bytes, wrong sizes and wrong kinds are malformed."""
    with pytest.raises(SafetensorError):
        reference(build(header, data))
    with pytest.raises(MalformedContentError):
        parse(build(header, data))


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({"a": {**tensor(), "more": 1}}, bytes(8)),
        ({"__metadata__": None}, b""),
        (b'{"__metadata__":{"a":"1","a":"2"}}', b""),
        (b" {}", b""),
        (
            b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
            b"x",
        ),
    ],
)
def test_refuses_more_than_the_reference(header: object, data: bytes) -> None:
    """Unknown fields, names that occur twice and a late start are refused on top."""
    reference(build(header, data))
    with pytest.raises(MalformedContentError):
        parse(build(header, data))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x02", build({}, length=3), build({}, length=2**64 - 1), build({}, length=2**63)],
)
def test_refuses_lengths_that_do_not_fit(data: bytes) -> None:
    """A header that is longer than its file is malformed."""
    with pytest.raises(MalformedContentError):
        parse(data)


def test_bounds_the_header() -> None:
    """A header beyond the reference's limit is refused before it is read."""

    class Large(BytesSource):
        """A file that pretends to be large."""

        @property
        def size(self) -> int:
            """As large as its header claims."""
            return 2 * MAX_SAFETENSORS_HEADER_BYTES

    with pytest.raises(LimitExceededError):
        parse_header(Large(build(b"{}", length=MAX_SAFETENSORS_HEADER_BYTES + 1)))
    with pytest.raises(MalformedContentError, match="cut"):
        parse_header(Large(build(b"{}", length=MAX_SAFETENSORS_HEADER_BYTES)))


def test_bounds_names_and_ranks() -> None:
    """The longest name and the greatest rank are read; one more is refused."""
    for name in ("x" * MAX_TENSOR_NAME_BYTES, "é" * (MAX_TENSOR_NAME_BYTES // 2)):
        assert parse(build({name: tensor()}, bytes(8))).tensors[0].name == name
        with pytest.raises(LimitExceededError):
            parse(build({name + "x": tensor()}, bytes(8)))
    shape = [1] * MAX_TENSOR_RANK
    assert parse(build({"t": tensor("U8", shape, [0, 1])}, b"x")).tensors[0].shape == tuple(shape)
    with pytest.raises(LimitExceededError):
        parse(build({"t": tensor("U8", [*shape, 1], [0, 1])}, b"x"))


def test_bounds_the_number_of_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """More tensors than the limit are refused."""
    data = build({"a": tensor(), "b": tensor(offsets=[8, 16])}, bytes(16))
    assert len(parse(data).tensors) == 2
    monkeypatch.setattr("weighbridge.formats.safetensors.MAX_TENSORS", 1)
    with pytest.raises(LimitExceededError):
        parse(data)


def test_deep_headers_are_refused() -> None:
    """Nesting that would exhaust a recursive reader's stack is refused."""
    with pytest.raises(LimitExceededError):
        parse(build(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"))


def test_values_are_frozen() -> None:
    """Nothing that was parsed can be changed afterwards."""
    info = TensorInfo(name="a", dtype="F32", shape=(), start=0, end=4)
    with pytest.raises(AttributeError):
        info.start = 1  # type: ignore[misc]
