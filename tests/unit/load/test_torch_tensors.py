"""PyTorch tensors: what PyTorch itself loads, on memory that nobody shares."""

import gc
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.holding import admit, hold
from support.signed_model import make_signed_model, safetensors_file
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError, OperationError, UsageError
from weighbridge.load.placement import Region, place

torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(torch is None, reason="needs PyTorch: make test-torch"),
]

VECTORS = Path(__file__).parents[2] / "vectors" / "torch"
FILES = ["plain.pt", "types.pt", "nested.pt", "list.pt", "legacy.pth", "legacy-nested.pth"]
LARGE = safetensors_file(a=[1.0] * 50_000, b=[2.0] * 50_000)


def flatten(value: object, prefix: str = "") -> dict[str, Any]:
    """Return the tensors of *value* by their flat names."""
    if isinstance(value, torch.Tensor):
        return {prefix.removesuffix("."): value}
    pairs: list[tuple[object, object]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list | tuple):
        pairs = list(enumerate(value))
    return {
        name: tensor
        for key, item in pairs
        for name, tensor in flatten(item, f"{prefix}{key}.").items()
    }


@pytest.mark.parametrize("name", FILES)
def test_same_as_pytorch(name: str) -> None:
    """Every tensor equals what `torch.load(weights_only=True)` gives, strides included."""
    expected = flatten(torch.load(VECTORS / name, weights_only=True))
    found = admit({name: (VECTORS / name).read_bytes()}).tensors("torch")
    assert list(found) == list(expected)
    for key, tensor in found.items():
        assert tensor.dtype == expected[key].dtype, key
        assert tensor.shape == expected[key].shape, key
        if tensor.numel():
            assert tensor.stride() == expected[key].stride(), key
            same = tensor.contiguous().view(torch.uint8) if tensor.dim() else tensor
            want = expected[key].detach().contiguous()
            assert torch.equal(same, want.view(torch.uint8) if tensor.dim() else want), key


def test_same_as_safetensors() -> None:
    """Tensors of a safetensors file equal those that the reference reader gives."""
    reader = pytest.importorskip("safetensors.torch")
    values = {
        "x": torch.arange(6.0).reshape(2, 3),
        "bf16": torch.tensor([1.0, -3.0]).to(torch.bfloat16),
        "e4m3": torch.tensor([1.0, 448.0]).to(torch.float8_e4m3fn),
        "scalar": torch.tensor(3, dtype=torch.int16),
        "empty": torch.zeros(0, 4),
    }
    data = reader.save(values)
    expected = reader.load(data)
    found = admit({"m.safetensors": data}).tensors("torch")
    assert set(found) == set(expected)
    for key, tensor in found.items():
        assert (tensor.dtype, tensor.shape) == (expected[key].dtype, expected[key].shape)
        assert tensor.tolist() == expected[key].tolist()


def test_pytorch_is_preferred() -> None:
    """Where PyTorch is installed, `auto` gives its tensors."""
    assert isinstance(admit({"m": LARGE}).tensors()["a"], torch.Tensor)


@pytest.mark.parametrize("data", [LARGE, safetensors_file(a=[1.0, 1.0], b=[2.0])])
def test_writes_stay_private(data: bytes) -> None:
    """A write changes neither the held bytes, nor other arrays, nor the next call's tensors."""
    artifact = admit({"m": data})
    arrays = artifact.tensors("numpy")
    first = artifact.tensors("torch")
    first["a"].zero_()
    assert first["a"].sum() == 0
    assert artifact.read("m") == data
    assert bool((arrays["a"] == 1).all())
    assert bool((artifact.tensors("torch")["a"] == 1).all())


def test_large_files_are_not_copied(tmp_path: Path) -> None:
    """Tensors of a load are the held memory; once written to, it counts as verified no more."""
    data = safetensors_file(a=[1.0] * 50_000)
    model = make_signed_model(tmp_path, {"m.safetensors": data, "n.txt": b"text"})
    with wb.load(model.root, policy=model.policy) as artifact:
        first, second = artifact.tensors("torch"), artifact.tensors("torch")
        first["a"].zero_()
        assert bool((second["a"] == 1).all())
        assert artifact.read("m.safetensors") == data
        third = artifact.tensors("torch")
        third["a"].zero_()
        with pytest.raises(ArtifactChangedError):
            artifact.tensors("torch")
        assert artifact.read("n.txt") == b"text"


@pytest.mark.parametrize("name", ["plain.pt", "legacy.pth"])
def test_shared_storages_are_shared(name: str) -> None:
    """A write to a tensor shows in its views, as in the program that saved them."""
    found = admit({name: (VECTORS / name).read_bytes()}).tensors("torch")
    assert found["matrix"].untyped_storage().data_ptr() == found["row"].untyped_storage().data_ptr()
    found["matrix"][1, 2] = 99.0
    assert found["row"][2] == found["transposed"][2, 1] == found["column"][1] == 99.0


def test_tensors_outlive_the_artifact() -> None:
    """Tensors stay valid, and writable, after `close`."""
    with admit({"m": LARGE}) as artifact:
        found = artifact.tensors("torch")
    del artifact
    gc.collect()
    found["a"].add_(1)
    assert bool((found["a"] == 2).all())
    assert bool((found["b"] == 2).all())


def test_tensors_of_files_that_were_left_where_they_are(tmp_path: Path) -> None:
    """Each look-up gives memory of its own, also by names; and never what the file has by now."""
    model = make_signed_model(tmp_path, {"m.safetensors": LARGE})
    with wb.load(model.root, policy=model.policy, hold="file") as artifact:
        tensors = artifact.tensors("torch")
        first, second = tensors["a"], tensors["a"]
        first.zero_()
        assert bool((second == 1).all())
        assert bool((tensors["a"] == 1).all())
        named = artifact.tensors("torch", names=["b", "a"])
        assert list(named) == ["b", "a"]
        assert bool((named["b"] == 2).all())
        (model.root / "m.safetensors").write_bytes(LARGE[:-1] + b"\0")
        assert bool((named["b"] == 2).all())
    named["b"].add_(1)
    assert bool((named["b"] == 3).all())
    with pytest.raises(UsageError):
        tensors["a"]


def test_a_large_tensor_is_read_into_its_own_memory(tmp_path: Path) -> None:
    """What was read for PyTorch is what PyTorch has: it is not copied again."""
    data = safetensors_file(a=[1.0] * 200_000, b=[2.0] * 3)
    model = make_signed_model(tmp_path, {"m.safetensors": data})
    with wb.load(model.root, policy=model.policy, hold="file") as artifact:
        a = artifact.tensors("torch")["a"]
        assert bool((a == 1).all())
        # Its part begins with the header, at the start of a page; a copy would not.
        assert a.data_ptr() % 4096 == len(data) - 4 * 200_003


def test_unaligned_elements() -> None:
    """Elements that the file does not align are the right ones, and aligned in memory."""
    from weighbridge.load.torch_tensors import build_tensors  # noqa: PLC0415  needs PyTorch

    data = b"x" + torch.tensor([1.5, -2.5]).numpy().tobytes()
    placed = place(Region(hold(data), 1, 2, "F32"), shape=(2,), where="t")
    tensor = build_tensors({"t": placed})["t"]
    assert tensor.tolist() == [1.5, -2.5]
    assert tensor.data_ptr() % 4 == 0


def refuse(*_: object, **__: object) -> None:
    """Refuse as PyTorch does."""
    raise RuntimeError("no")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda patch: patch.delattr(torch, "bfloat16"),
        lambda patch: patch.setattr(torch, "as_strided", refuse),
    ],
)
def test_refusals_name_the_tensor(
    spoil: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A type or shape that this PyTorch does not have is an error with the tensor's name."""
    from weighbridge.load.torch_tensors import build_tensors  # noqa: PLC0415  needs PyTorch

    placed = place(Region(hold(bytes(4)), 0, 2, "BF16"), shape=(2,), where="t")
    assert build_tensors({"t": placed})["t"].tolist() == [0, 0]
    with monkeypatch.context() as patch:
        spoil(patch)
        with pytest.raises(OperationError) as caught:
            build_tensors({"t": placed})
    assert (caught.value.code, caught.value.where) == (Code.LOAD_FORMAT, "t")
