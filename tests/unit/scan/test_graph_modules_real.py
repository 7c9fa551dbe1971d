"""Graph modules that torch itself makes pass; attacks that torch really executes are found."""

import importlib
import importlib.util
import inspect
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.graphs import ATTACKS, IMPORTED_ATTACKS, IMPORTS, attack
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding
from weighbridge.scan import pickle_graphs
from weighbridge.scan.allowlist import Arguments, Entry, Kind, load_packs
from weighbridge.scan.fx_names import FUNCTIONS, METHODS, SHADOWED

HERE = importlib.util.find_spec("torch") is not None
torch: Any = importlib.import_module("torch") if HERE else None
fx: Any = importlib.import_module("torch.fx") if HERE else None
graph_module: Any = importlib.import_module("torch.fx.graph_module") if HERE else None
functional: Any = importlib.import_module("torch.nn.functional") if HERE else None
nn: Any = torch.nn if HERE else SimpleNamespace(Module=object)

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not HERE, reason="needs PyTorch: make test-torch"),
]


def traced(forward: Callable[..., object], **parts: object) -> Any:
    """Return the graph module of a module with *parts*, of which *forward* is the function."""
    root = nn.Module()
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            root.add_module(name, part)
        elif isinstance(part, nn.Parameter):
            root.register_parameter(name, part)
        else:
            root.register_buffer(name, part)
    kind = type("Root", (nn.Module,), {"forward": forward})
    root.__class__ = kind
    return fx.symbolic_trace(root)


def saved(module: object, **options: object) -> bytes:
    """Return what torch.save writes of a whole module."""
    file = io.BytesIO()
    torch.save(module, file, **options)
    return file.getvalue()


def findings(data: bytes, format: FileFormat) -> list[Finding]:  # noqa: A002  the domain's word
    """Return what is found in *data*."""
    evidence = examined(data, format=format)
    assert evidence or format
    return [each for each in evidence if isinstance(each, Finding)]


class Attention(nn.Module):  # type: ignore[misc]
    """Attention, as people write it."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.1))
        self.norm = nn.LayerNorm(8)
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("mask", torch.ones(1, 4, 4).tril())

    def forward(self, x: Any, k: int = 2) -> Any:
        """Attend."""
        batch, length = x.size(0), x.shape[1]
        q, key, v = torch.split(self.qkv(self.norm(x)), 8, dim=-1)
        weights = q @ key.transpose(-2, -1) * self.scale / k
        weights = weights.masked_fill(self.mask == 0, float("-inf"))
        weights = functional.softmax(weights, dim=-1)
        return x + self.out((weights @ v).view(batch, length, -1).contiguous())


class Network(nn.Module):  # type: ignore[misc]
    """A network of images, with what its blocks hold."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.blocks = nn.ModuleList([nn.Conv2d(4, 4, 1) for _ in range(2)])
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 2)})
        self.constant = torch.arange(4.0).view(1, 4, 1, 1)

    def forward(self, x: Any) -> Any:
        """Classify."""
        x = self.stem(x)
        for block in self.blocks:
            x = functional.gelu(block(x)) + self.constant
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        x = functional.pad(x, (1, 1, 1, 1), value=float("-inf"))
        x = functional.adaptive_avg_pool2d(functional.max_pool2d(x, 2), 1).flatten(1)
        best = torch.max(x, dim=1, keepdim=True)
        x = torch.cat([x[:, :2], best.values, x[..., -1].unsqueeze(-1)], dim=1)
        weight = self.heads["a"].weight
        return {"a": self.heads["a"](x) * weight.mean(), "b": [self.heads["b"](x), None]}


def _named() -> Any:
    """Return modules under names that are no identifiers."""
    root = nn.Sequential()
    root.add_module("a/b", nn.Linear(8, 8))
    root.add_module("c-d:0", nn.Sequential(nn.ReLU()))
    return root


MODULES: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "attention": (Attention, (2, 4, 8)),
    "network": (Network, (1, 3, 8, 8)),
    "transformer": (lambda: nn.Sequential(nn.TransformerEncoderLayer(8, 2, 8)), (4, 1, 8)),
    "sequential": (lambda: nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Tanh())), (1, 8)),
    "recurrent": (lambda: nn.Sequential(nn.LSTM(8, 8, 2, bidirectional=True)), (3, 2, 8)),
    "named": (_named, (1, 8)),
    "twice": (lambda: fx.symbolic_trace(Attention()), (2, 4, 8)),
    "within": (lambda: nn.Sequential(fx.symbolic_trace(Attention()), nn.ReLU()), (2, 4, 8)),
}


def _flat(value: object) -> Iterator[Any]:
    """Yield the tensors in *value*."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    elif value is not None:
        yield value


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("legacy", [False, True])
def test_graph_modules_pass_and_load(name: str, *, legacy: bool) -> None:
    """What torch traces and saves is nothing to report, and torch loads the same function."""
    make, shape = MODULES[name]
    torch.manual_seed(0)
    graph = fx.symbolic_trace(make()).eval()
    data = saved(graph, _use_new_zipfile_serialization=not legacy)
    format = FileFormat.TORCH_LEGACY if legacy else FileFormat.TORCH_ZIP  # noqa: A001  as above
    assert findings(data, format) == []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch.load(io.BytesIO(data), weights_only=False)
    given = torch.rand(shape)
    for expected, found in zip(_flat(graph(given)), _flat(loaded(given)), strict=True):
        assert torch.equal(expected, found)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_graph_modules_in_every_protocol_pass(protocol: int) -> None:
    """Protocols from 2 on, which torch itself writes or may write, are nothing to report."""
    data = saved(fx.symbolic_trace(Attention()), pickle_protocol=protocol)
    assert findings(data, FileFormat.TORCH_ZIP) == []


def test_functions_that_are_wrapped_pass() -> None:
    """Functions of math are kept in a graph as they are, and imported anew."""
    import math  # noqa: PLC0415  torch looks for it among the globals of the function

    space = {"math": math, "torch": torch}
    exec("def forward(self, x):\n    return torch.abs(x) / math.sqrt(x.size(-1))", space)
    graph = traced(space["forward"])
    assert "math_sqrt" in graph.code
    assert findings(saved(graph), FileFormat.TORCH_ZIP) == []


class Reduced:
    """What is unpickled as a graph module with a source of one's own."""

    def __init__(self, code: str, imports: str = IMPORTS, **more: object) -> None:
        self.code = code
        self.imports = imports
        self.more = more

    def __reduce__(self) -> tuple[object, ...]:
        """Return what torch has for a graph module."""
        body = dict(vars(nn.Module()))
        body = {key: value for key, value in body.items() if key in {*TABLES, "training"}}
        body |= {"_code": self.code, "_tracer_cls": fx.Tracer, **self.more}
        return graph_module.reduce_graph_module, (body, self.imports)


TABLES = ("_parameters", "_buffers", "_modules")
GOOD = "\n\n\ndef forward(self, x):\n    relu = torch.relu(x);  x = None\n    return relu\n    "
NEVER = {"annotated-attribute", "annotated-in-brackets"}
"""Annotations in a function, which no release of Python executes."""


def unpickled(value: object) -> bytes:
    """Return the pickle of *value*, after it was really unpickled."""
    data = pickle.dumps(value, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pickle.loads(data)
        except Exception:  # noqa: BLE001  the attack does not have to end well
            return data
    return data


def test_the_twin_of_the_attacks_passes(tmp_path: Path) -> None:
    """The same pickle with a source that computes is nothing to report, and loads."""
    data = unpickled(Reduced(GOOD))
    assert findings(data, FileFormat.PICKLE) == []
    assert isinstance(pickle.loads(data), fx.GraphModule)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.filterwarnings("ignore")
def test_an_attack_that_executes_is_found(kind: str, tmp_path: Path) -> None:
    """A function that writes a file while torch loads it is found."""
    mark = tmp_path / "mark"
    data = unpickled(Reduced(attack(kind, str(mark))))
    assert mark.exists() is (kind not in NEVER), kind
    assert [each.rule for each in findings(data, FileFormat.PICKLE)] == ["pickle-argument"]


@pytest.mark.parametrize("kind", IMPORTED_ATTACKS)
@pytest.mark.filterwarnings("ignore")
def test_imports_that_execute_are_found(kind: str, tmp_path: Path) -> None:
    """Imports that write a file while torch loads them are found."""
    mark = tmp_path / "mark"
    imports = f"{IMPORTS}\n{IMPORTED_ATTACKS[kind].format(mark=mark)}"
    data = unpickled(Reduced(GOOD, imports))
    assert mark.exists()
    assert [each.rule for each in findings(data, FileFormat.PICKLE)] == ["pickle-argument"]


def test_a_name_that_torch_prints_as_code_is_found(tmp_path: Path) -> None:
    """A module's name with a quote in it is code of the source that torch prints again."""
    mark = tmp_path / "mark"
    opened = f'getattr(open("{mark}", "w"), "close")()'
    name = f'training") and {opened};  z = getattr(self, "training'
    module = nn.ReLU()
    # The source may name the module in a plain way: torch prints the first of its names.
    for call, modules in (
        (f"getattr(self, {name!r})", {name: module}),
        ("self.b", {name: module, "b": module}),
    ):
        code = f"\n\n\ndef forward(self, x):\n    y = {call}(x)\n    return y\n"
        data = pickle.dumps(Reduced(code, _modules=modules), 2)
        with pytest.raises(TypeError, match="not callable"):
            pickle.loads(data)(torch.ones(1))
        assert mark.exists()
        mark.unlink()
        assert "which is no plain name" in findings(data, FileFormat.PICKLE)[0].message


def test_a_method_that_an_attribute_replaces_is_found() -> None:
    """An attribute with the name of a method is called by torch while it loads the module."""
    data = pickle.dumps(Reduced(GOOD, named_modules=list), 2)
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        pickle.loads(data)
    (found,) = findings(data, FileFormat.PICKLE)
    assert "its attribute 'named_modules'" in found.message


def test_a_wrapped_hook_is_found() -> None:
    """A class that stands beside the modules, and calls what it holds, is no module."""
    hook: Any = importlib.import_module("torch.nn.modules.module")._WrappedHook
    code = "\n\n\ndef forward(self, x):\n    y = self.b(x)\n    return y\n"
    data = pickle.dumps(Reduced(code, _modules={"b": hook(torch.relu)}), 2)
    assert "it holds torch.nn.modules.module._WrappedHook" in "".join(
        each.message for each in findings(data, FileFormat.PICKLE)
    )


def _entries() -> Iterator[Entry]:
    """Yield the listed classes that count as modules here."""
    for pack in load_packs():
        for entry in pack.entries:
            if (
                entry.kind is Kind.CLASS
                and entry.args in {Arguments.NEW, Arguments.LATER}
                and entry.name not in pickle_graphs._NO_MODULES
                and entry.module.startswith(pickle_graphs._MODULES)
            ):
                yield entry


def test_what_counts_as_a_module_is_one() -> None:
    """Every class that a source may call is called, and looks names up, as torch.nn.Module does."""
    own = {"__call__", "__getattr__", "__getattribute__", "__eq__", "__hash__", "named_modules"}
    own |= {"named_parameters", "named_buffers", "named_children", "_named_members"}
    allowed = {"ParameterList", "ParameterDict"}  # their __call__ raises
    count = 0
    for entry in _entries():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                kind = getattr(importlib.import_module(entry.module), entry.qualname, None)
            except ImportError:
                continue
        if kind is None:
            continue
        count += 1
        assert issubclass(kind, nn.Module), entry.name
        for base in kind.__mro__:
            if base not in {nn.Module, object} and base.__name__ not in allowed:
                assert not own & set(vars(base)), (entry.name, base)
        if entry.module.startswith("torch.nn.modules."):
            pattern = pickle_graphs._LAYER_TENSOR
            assert not list(filter(pattern.fullmatch, dir(kind))), entry.name
    assert count > 100


def _is_of_torch(found: object) -> bool:
    """Tell whether a method or property was not added by somebody else."""
    module = getattr(found, "__module__", None) or "torch"
    return not isinstance(module, str) or module.partition(".")[0] in {"torch", "builtins"}


def test_every_method_of_a_container_is_known() -> None:
    """Names that containers have themselves are never looked up in their tables."""
    kinds = (nn.Module, nn.Sequential, nn.ModuleList, nn.ModuleDict, fx.GraphModule)
    for kind in kinds:
        for name in dir(kind):
            found = inspect.getattr_static(kind, name)
            if not _is_of_torch(found):
                continue  # another library of this process has added it
            if not name.startswith("__") and (callable(found) or hasattr(found, "__get__")):
                assert name in SHADOWED, (kind, name)


def test_every_listed_function_exists() -> None:
    """The lists have no name that torch does not have."""
    for name in FUNCTIONS:
        found: object = torch
        for part in name.split(".")[1:]:
            found = getattr(found, part, None)
        assert callable(found), name
    assert all(hasattr(torch.Tensor, name) for name in METHODS)
