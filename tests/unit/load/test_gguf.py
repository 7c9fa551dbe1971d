"""Tensors of GGUF files: the same as the reference reader's, on the held bytes."""

import importlib.util
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from support.gguf import Tensor, build_gguf
from support.holding import admit
from weighbridge.core.errors import MalformedContentError

SIX = np.arange(6, dtype="<f4")


def padded(data: bytes) -> bytes:
    """Return *data* up to the alignment."""
    return data + bytes(-len(data) % 32)


def test_shapes_are_those_of_numpy() -> None:
    """The file's first dimension varies fastest, and so it is the array's last."""
    data = build_gguf(tensors=[Tensor(shape=(3, 2))], data=padded(SIX.tobytes()))
    found = admit({"m.gguf": data}).tensors("numpy")["t"]
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not found.flags.writeable
    assert not found.flags.owndata


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (0, "f4"),
        (1, "f2"),
        (24, "i1"),
        (25, "i2"),
        (26, "i4"),
        (27, "i8"),
        (28, "f8"),
        (30, ml_dtypes.bfloat16),
    ],
)
def test_types_that_are_not_quantised(kind: int, dtype: str) -> None:
    """Each becomes the type of the same name, value for value."""
    values = np.arange(8).astype(dtype)
    data = build_gguf(tensors=[Tensor(kind=kind)], data=padded(values.tobytes()))
    found = admit({"m.gguf": data}).tensors("numpy")["t"]
    assert found.dtype == values.dtype
    assert found.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("kind", "shape", "size", "expected"),
    [
        (8, (64, 3), 34 * 6, (3, 68)),
        (2, (32,), 18, (18,)),
        (14, (256, 2, 2), 210 * 4, (2, 2, 210)),
        (12, (0, 5), 0, (5, 0)),
    ],
    ids=["Q8_0", "Q4_0", "Q6_K", "empty"],
)
def test_quantised_tensors_are_their_blocks(
    kind: int, shape: tuple[int, ...], size: int, expected: tuple[int, ...]
) -> None:
    """They are bytes as they are in the file, a row of blocks in each row."""
    blocks = bytes(range(256)) * 4
    data = build_gguf(tensors=[Tensor(kind=kind, shape=shape)], data=padded(blocks[:size]))
    found = admit({"m.gguf": data}).tensors("numpy")["t"]
    assert (found.dtype, found.shape) == (np.dtype("u1"), expected)
    assert found.tobytes() == blocks[:size]


def test_scalars() -> None:
    """A tensor without dimensions is a scalar."""
    data = build_gguf(tensors=[Tensor(shape=())], data=padded(struct.pack("<f", 2.5)))
    assert admit({"m.gguf": data}).tensors("numpy")["t"].tolist() == 2.5


def test_several_tensors_are_views() -> None:
    """Tensors lie in one mapping, at the distance that they have in the file."""
    large = np.arange(40_000, dtype="<f4").tobytes()
    tensors = [
        Tensor(name="a", shape=(40_000,)),
        Tensor(name="b", shape=(40_000,), offset=160_000),
    ]
    found = admit({"m.gguf": build_gguf(tensors=tensors, data=large * 2)}).tensors("numpy")
    assert found["b"].ctypes.data - found["a"].ctypes.data == 160_000


def test_broken_files() -> None:
    """A file that lost its last bytes is refused."""
    data = build_gguf(tensors=[Tensor(shape=(6,))], data=SIX.tobytes())
    assert list(admit({"m.gguf": data}).tensors("numpy")) == ["t"]
    with pytest.raises(MalformedContentError):
        admit({"m.gguf": data[:-1]}).tensors("numpy")


@pytest.mark.frameworks
@pytest.mark.skipif(
    importlib.util.find_spec("gguf") is None, reason="needs gguf: make test-frameworks"
)
def test_same_as_the_reference_reader(tmp_path: Path) -> None:
    """Each tensor is what `gguf.GGUFReader` gives; blocks are what its `dequantize` takes."""
    import gguf  # noqa: PLC0415  optional

    values = np.linspace(-1, 1, 3 * 256, dtype="f4").reshape(3, 256)
    place = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(str(place), "llama")
    writer.add_tensor("plain", values)
    writer.add_tensor("half", values.astype("f2"))
    for kind in (gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0):
        writer.add_tensor(kind.name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = admit({"m.gguf": place.read_bytes()}).tensors("numpy")
    expected = {tensor.name: tensor for tensor in gguf.GGUFReader(place).tensors}
    assert found.keys() == expected.keys()
    for name, array in found.items():
        assert array.dtype == expected[name].data.dtype, name
        assert np.array_equal(array, expected[name].data), name
    blocks = gguf.quants.dequantize(found["Q8_0"].astype("u1"), gguf.GGMLQuantizationType.Q8_0)
    assert np.allclose(blocks, values, atol=0.01)
