"""What is converted loads to what PyTorch itself loads, bit for bit."""

import importlib
import importlib.util
import json
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.converting import convert_here
from weighbridge.convert.plan import SharedTensors
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.pipeline.conversion.convert import Conversion, convert

torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(torch is None, reason="needs PyTorch: make test-torch"),
]

VECTORS = Path(__file__).parents[2] / "vectors" / "torch"
CARRIED = [
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float4_e2m1fn_x2",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint64",
    "uint32",
    "uint16",
    "uint8",
    "bool",
    "complex64",
]
REFUSED = [
    "complex128",
    "complex32",
    "bits8",
    "bits16",
    "bits1x8",
    "bits2x4",
    "bits4x2",
    "qint8",
    "quint8",
    "qint32",
    "quint4x2",
    "quint2x4",
]
UNSAVED = [
    "int1",
    "int2",
    "int3",
    "int4",
    "int5",
    "int6",
    "int7",
    "uint1",
    "uint2",
    "uint3",
    "uint4",
    "uint5",
    "uint6",
    "uint7",
]
"""Types that `torch.save` cannot write (PyTorch 2.13)."""

MIXED = [name for name in CARRIED if name != "float4_e2m1fn_x2"]
"""Types of which all views can be made."""

OLD = [name for name in MIXED if "8_e" not in name and name not in {"uint64", "uint32", "uint16"}]
"""Types that checkpoints of five pickles can have."""

SEEDS = 120


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert in this process, which takes less: what is written is the same."""
    convert_here(monkeypatch)


def noise(numbers: random.Random, name: str, count: int) -> Any:
    """Return *count* elements of the type *name* with random bits, so NaNs of any payload too."""
    dtype = getattr(torch, name)
    data = bytearray(numbers.randbytes(max(1, count) * dtype.itemsize))
    if name == "bool":
        data = bytearray(byte & 1 for byte in data)
    return torch.frombuffer(data, dtype=dtype)[:count].clone()


def bits(tensor: Any) -> Any:
    """Return the elements of *tensor* in order, as bytes."""
    plain = tensor.detach()
    if plain.dtype is getattr(torch, "float4_e2m1fn_x2", None):
        plain = plain.view(torch.uint8)
    # What is contiguous already can have odd strides where a dimension is one.
    return plain.clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


def flatten(value: object, prefix: str = "") -> dict[str, Any]:
    """Return the tensors of *value* by their flat names."""
    if isinstance(value, torch.Tensor):
        return {prefix.removesuffix(".") or "tensor": value}
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


def reader() -> Callable[[Path], dict[str, Any]]:
    """Return the reference reader."""
    loaded: Callable[[Path], dict[str, Any]] = importlib.import_module(
        "safetensors.torch"
    ).load_file
    return loaded


def require_same(checkpoint: Path, result: Path) -> None:
    """Compare names, types, shapes and bits of all tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The files are the tests' own, and of protocols that `weights_only` does not read.
        expected = flatten(torch.load(checkpoint, weights_only=False))
    found = reader()(result)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        assert torch.equal(bits(found[name]), bits(tensor)), name


def shuffled(numbers: random.Random, tensor: Any) -> Any:
    """Return a view of *tensor*: some dimensions cut, stepped over, swapped, added or expanded."""
    for _ in range(numbers.randint(0, 4)):
        ways = ["flat", "unsqueeze"]
        if tensor.dim():
            ways += ["narrow", "step", "swap", "select", "expand"]
        way = numbers.choice(ways)
        axis = numbers.randrange(tensor.dim()) if tensor.dim() else 0
        length = tensor.shape[axis] if tensor.dim() else 1
        if way == "narrow" and length:
            start = numbers.randrange(length)
            tensor = tensor.narrow(axis, start, numbers.randint(0, length - start))
        elif way == "step" and length:
            tensor = tensor[(slice(None),) * axis + (slice(None, None, numbers.randint(1, 3)),)]
        elif way == "swap":
            tensor = tensor.transpose(axis, numbers.randrange(tensor.dim()))
        elif way == "select" and length:
            tensor = tensor.select(axis, numbers.randrange(length))
        elif way == "unsqueeze":
            tensor = tensor.unsqueeze(axis)
        elif way == "expand" and length == 1:
            sizes = list(tensor.shape)
            sizes[axis] = numbers.randint(0, 3)
            tensor = tensor.expand(*sizes)
    return tensor


def generated(seed: int) -> tuple[object, dict[str, object]]:
    """Return an object to save, and how to save it."""
    numbers = random.Random(seed)
    zipped = numbers.random() < 0.7
    made: list[Any] = []
    for _ in range(numbers.randint(1, 8)):
        name = numbers.choice(MIXED if zipped else OLD)
        shape = [numbers.choice((0, 1, 2, 3, 5, 8)) for _ in range(numbers.randint(0, 4))]
        count = 1
        for length in shape:
            count *= length
        base = noise(numbers, name, count).reshape(shape)
        made.append(base)
        made.extend(shuffled(numbers, base) for _ in range(numbers.randint(0, 3)))
        if numbers.random() < 0.2:
            made.append(base)
        if numbers.random() < 0.2 and (base.is_floating_point() or base.is_complex()):
            made.append(torch.nn.Parameter(base, requires_grad=numbers.random() < 0.5))
    numbers.shuffle(made)
    state: object = {f"layer.{at}.weight": tensor for at, tensor in enumerate(made)}
    if numbers.random() < 0.3:
        state = {"model": state, "more": made[:2], "pair": (made[0], [made[-1]])}
    return state, {
        "_use_new_zipfile_serialization": zipped,
        "pickle_protocol": numbers.choice((2, 3, 4, 5)),
    }


@pytest.mark.parametrize("seed", range(SEEDS))
def test_generated_checkpoints(seed: int, tmp_path: Path) -> None:
    """Every tensor of a generated checkpoint has the name, type, shape and bits that PyTorch gives."""
    value, how = generated(seed)
    checkpoint, result = tmp_path / "model.bin", tmp_path / "model.safetensors"
    torch.save(value, checkpoint, **how)
    convert(checkpoint, result)
    require_same(checkpoint, result)


@pytest.mark.parametrize(
    ("name", "zipped"), [*((name, True) for name in CARRIED), *((name, False) for name in OLD)]
)
def test_carried_types(name: str, zipped: bool, tmp_path: Path) -> None:
    """Each type that safetensors has is carried, contiguous and not."""
    tensor = noise(random.Random(name), name, 24).reshape(2, 3, 4)
    value = {"plain": tensor, "cut": tensor[:, 1:], "swapped": tensor.transpose(0, 1)}
    checkpoint, result = tmp_path / "model.bin", tmp_path / "model.safetensors"
    torch.save(value, checkpoint, _use_new_zipfile_serialization=zipped)
    convert(checkpoint, result)
    require_same(checkpoint, result)


def of_type(name: str) -> Any:
    """Return a tensor of a type that safetensors lacks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name.startswith("q"):
            return torch.quantize_per_tensor(torch.ones(4), 0.5, 0, getattr(torch, name))
        return torch.empty(4, dtype=getattr(torch, name))


@pytest.mark.parametrize("name", REFUSED)
def test_refused_types(name: str, tmp_path: Path) -> None:
    """Each type that safetensors lacks is refused with the name of the tensor, and nothing is there."""
    try:
        odd = of_type(name)
    except (RuntimeError, TypeError):
        pytest.skip("this PyTorch makes no tensor of it")
    checkpoint, result = tmp_path / "model.bin", tmp_path / "model.safetensors"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save({"fine": torch.ones(2), "odd.one": odd}, checkpoint)
    with pytest.raises(ArtifactRefusedError, match=r"odd\.one: a ") as caught:
        convert(checkpoint, result)
    assert caught.value.code is Code.CONVERT_REFUSED
    assert "fine" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.bin"]


def test_every_type_is_accounted_for() -> None:
    """There is no type of PyTorch's that is neither carried nor refused nor impossible to save."""
    types = {str(v).removeprefix("torch.") for v in vars(torch).values() if type(v) is torch.dtype}
    assert types - {*CARRIED, *REFUSED, *UNSAVED} == set()


def odd_tensors() -> dict[str, Any]:
    """Return tensors that no safetensors file can hold, by the words that refuse them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        complex_one = torch.ones(3, dtype=torch.complex64)
        parameter = torch.nn.Parameter(torch.ones(2))
        parameter.note = 1
        return {
            "a sparse tensor": torch.eye(3).to_sparse(),
            "a sparse tensor ": torch.eye(3).to_sparse_csr(),
            "a nested tensor": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
            "hooks or metadata": complex_one.conj(),
            "a tensor without elements": torch.empty(3, device="meta"),
            "attributes of its own": parameter,
        }


@pytest.mark.parametrize("words", list(odd_tensors()) if torch is not None else [])
def test_refused_tensors(words: str, tmp_path: Path) -> None:
    """Sparse and nested tensors, pending conjugations and the like are refused by name."""
    checkpoint = tmp_path / "model.bin"
    torch.save({"fine": torch.ones(2), "odd": odd_tensors()[words]}, checkpoint)
    with pytest.raises(ArtifactRefusedError, match=rf"odd: .*{words.strip()}") as caught:
        convert(checkpoint, tmp_path / "out", how=Conversion(tensors_only=True))
    assert caught.value.code is Code.CONVERT_REFUSED
    assert not (tmp_path / "out").exists()


def test_state_dict_of_a_module(tmp_path: Path) -> None:
    """A module takes what was converted of its state dict, tied weights and buffers included."""
    module = torch.nn.Sequential(
        torch.nn.Embedding(5, 3),
        torch.nn.Linear(3, 5, bias=False),
        torch.nn.BatchNorm1d(5),
        torch.nn.Conv2d(2, 4, 3).to(memory_format=torch.channels_last),
    )
    module[1].weight = module[0].weight
    torch.save(module.state_dict(), tmp_path / "model.bin")
    convert(tmp_path / "model.bin", tmp_path / "all")
    once = Conversion(shared=SharedTensors.ONCE)
    convert(tmp_path / "model.bin", tmp_path / "once", how=once)
    twin = torch.nn.Sequential(
        torch.nn.Embedding(5, 3),
        torch.nn.Linear(3, 5, bias=False),
        torch.nn.BatchNorm1d(5),
        torch.nn.Conv2d(2, 4, 3),
    )
    twin.load_state_dict(reader()(tmp_path / "all" / "model.safetensors"), strict=True)
    for name, tensor in module.state_dict().items():
        assert torch.equal(bits(twin.state_dict()[name]), bits(tensor)), name
    twin[1].weight = twin[0].weight
    load_model = importlib.import_module("safetensors.torch").load_model
    assert load_model(twin, tmp_path / "once" / "model.safetensors") == (set(), [])
    assert torch.equal(twin[1].weight, module[1].weight)


@pytest.mark.parametrize("shared", SharedTensors)
def test_transformers(shared: SharedTensors, tmp_path: Path) -> None:
    """transformers loads shards and their index, ties weights again, and computes the same."""
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("needs transformers: make test-torch")
    transformers = importlib.import_module("transformers")
    config = transformers.GPT2Config(
        n_layer=2, n_head=2, n_embd=16, vocab_size=50, bos_token_id=0, eos_token_id=0
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    source = tmp_path / "source"
    config.save_pretrained(source)
    state = model.state_dict()
    last = "transformer.ln_f.weight"
    shards = [{n: t for n, t in state.items() if n != last}, {last: state[last]}]
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = f"pytorch_model-{number:05d}-of-00002.bin"
        torch.save(shard, source / name)
        weight_map |= dict.fromkeys(shard, name)
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (source / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    result = convert(source, tmp_path / "out", how=Conversion(shared=shared))
    assert [pair for file in result.files for pair in file.aliases] == [
        ("lm_head.weight", "transformer.wte.weight")
    ]
    loaded = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "out", local_files_only=True
    ).eval()
    tokens = torch.arange(10)[None]
    assert torch.equal(loaded(tokens).logits, model(tokens).logits)
    assert loaded.lm_head.weight.data_ptr() == loaded.transformer.wte.weight.data_ptr()


def test_windows_of_large_tensors(tmp_path: Path) -> None:
    """Transposed, cut and permuted tensors of more than a window are those of PyTorch."""
    base = torch.arange(9_000_000, dtype=torch.int32)
    value = {
        "matrix.t": base.reshape(3000, 3000).t(),
        "columns": base.reshape(3000, 3000)[:, 7:2900],
        "steps": base[::3],
        "permuted": base.reshape(200, 300, 150).permute(1, 2, 0),
        "channels": base[:6_000_000]
        .reshape(10, 30, 100, 200)
        .to(memory_format=torch.channels_last),
        "expanded": base[:1000].reshape(1000, 1).expand(1000, 3000),
        "rows": base[:3000].expand(1000, 3000),
    }
    checkpoint, result = tmp_path / "model.bin", tmp_path / "model.safetensors"
    torch.save(value, checkpoint)
    convert(checkpoint, result)
    require_same(checkpoint, result)


@pytest.mark.parametrize("name", ["types.pt", "nested.pt", "list.pt", "legacy-nested.pth"])
def test_kept_checkpoints(name: str, tmp_path: Path) -> None:
    """Checkpoints that were saved by other versions are converted to what PyTorch loads of them."""
    convert(VECTORS / name, tmp_path / "o.safetensors", how=Conversion(tensors_only=True))
    require_same(VECTORS / name, tmp_path / "o.safetensors")
