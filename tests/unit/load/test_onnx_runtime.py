"""Sessions of ONNX Runtime: on the verified model, with the verified data, and no other."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.holding import admit, hold_files
from support.protobuf import external, field, graph, graph_attribute, message, model, node, tensor
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    MissingExtraError,
    OperationError,
    UsageError,
)
from weighbridge.load.onnx_runtime import find_external_files

INSTALLED = importlib.util.find_spec("onnxruntime") is not None
needs_runtime = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not INSTALLED, reason="needs ONNX Runtime: make test-frameworks"),
]

OUTSIDE = tensor(2, extra=external(location="w.bin"))


def named(name: str, size: int) -> bytes:
    """Return the description of an input or output: a vector of floats."""
    shape = field(2, field(1, message((1, size))))
    return message((1, name)) + field(2, field(1, field(1, 1) + shape))


def runnable(*nodes: bytes, tensors: tuple[bytes, ...], size: int) -> bytes:
    """Return a model that turns `x` into `y`, both vectors of *size*."""
    inner = graph(*nodes, tensors=tensors)
    inner += field(11, named("x", size)) + field(12, named("y", size))
    return message((1, 8), (2, "test")) + field(7, inner) + field(8, field(2, 17))


def add(*inputs: str, output: str = "y") -> bytes:
    """Return a node that adds."""
    return b"".join(field(1, each) for each in inputs) + field(2, output) + node("Add", name=output)


def run(session: Any, values: np.ndarray[Any, Any]) -> list[float]:
    """Return what the model makes of *values*."""
    (result,) = session.run(None, {"x": values})
    found: list[float] = result.tolist()
    return found


def test_the_scan_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model with an operator of somebody's own is refused before the framework is imported."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    weights = tensor(2, raw=bytes(8))
    with pytest.raises(MissingExtraError):
        admit({"m.onnx": runnable(add("x", "w"), tensors=(weights,), size=2)}).as_("onnxruntime")
    foreign = add("x", "w") + field(7, "acme")
    with pytest.raises(ArtifactRefusedError) as caught:
        admit({"m.onnx": runnable(foreign, tensors=(weights,), size=2)}).as_("onnxruntime")
    assert (caught.value.code, caught.value.where) == (Code.LOAD_REFUSED, "m.onnx")


@pytest.mark.parametrize(
    ("location", "entries"),
    [
        ("*/_ORT_MEM_ADDR_/*", {"offset": "4096"}),
        ("w.bin", {"offset": "4096"}),
        ("w.bin", {"length": "4096"}),
        ("w.bin", {"offset": "-8"}),
    ],
    ids=["an address", "behind the file", "beyond the file", "before the file"],
)
def test_data_from_elsewhere_in_memory(
    location: str, entries: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data at an address, or outside of its file, is refused, also where a file has that name."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    def load(location: str, entries: dict[str, str]) -> None:
        outside = tensor(2, extra=external(location=location, **entries))
        data = runnable(add("x", "w"), tensors=(outside,), size=2)
        admit({"m.onnx": data, location: bytes(8)}).as_("onnxruntime")

    with pytest.raises(MissingExtraError):
        load("w.bin", {"offset": "0", "length": "8"})
    with pytest.raises(ArtifactRefusedError):
        load(location, entries)


class TestExternalData:
    """Where a model's data may come from; ONNX Runtime is not needed to tell."""

    def files(self, data: bytes, *, folder: str = "m/") -> dict[str, bytes]:
        """Return a model beside which lie two files."""
        return {
            f"{folder}model.onnx": data,
            f"{folder}w.bin": bytes(8),
            f"{folder}sub/w.bin": bytes(8),
        }

    def find(self, data: bytes, *, folder: str = "m/") -> list[str]:
        """Return what the model refers to."""
        held = hold_files(self.files(data, folder=folder))
        return list(find_external_files(held, f"{folder}model.onnx", where="m"))

    @pytest.mark.parametrize("folder", ["", "m/"])
    def test_files_beside_the_model(self, folder: str) -> None:
        """Initializers of the main graph may lie in held files, each named once."""
        inside = tensor(2, extra=external(location="sub/w.bin"))
        data = model(tensors=(OUTSIDE, tensor(2, raw=bytes(8)), inside, OUTSIDE))
        assert self.find(data, folder=folder) == ["w.bin", "sub/w.bin"]
        assert self.find(model(tensors=(tensor(2, raw=bytes(8)),))) == []

    @pytest.mark.parametrize(
        "location",
        ["other.bin", "../w.bin", "/etc/hostname", "", "./w.bin", "sub/../w.bin", "../m/w.bin"],
    )
    def test_other_places(self, location: str) -> None:
        """Data in no held file, or in one that is named in another way, is refused."""
        with pytest.raises(ArtifactRefusedError) as caught:
            self.find(model(tensors=(tensor(2, extra=external(location=location)),)))
        assert caught.value.code is Code.LOAD_REFUSED

    @pytest.mark.parametrize(
        "data",
        [
            model(node("If", attributes=graph_attribute("then_branch", graph(tensors=(OUTSIDE,))))),
            model(node("Constant", attributes=field(5, message((1, "value"), (5, OUTSIDE))))),
        ],
        ids=["an inner graph", "a constant"],
    )
    def test_other_tensors(self, data: bytes) -> None:
        """Tensors for which ONNX Runtime would open a file are refused, held or not."""
        assert self.find(model(tensors=(OUTSIDE,))) == ["w.bin"]
        with pytest.raises(ArtifactRefusedError) as caught:
            self.find(data)
        assert caught.value.code is Code.LOAD_REFUSED

    def test_compiled_models(self) -> None:
        """The operator that names a compiled model in a file is refused; another is not."""
        assert self.find(model(node("Relu", domain="com.microsoft"))) == []
        with pytest.raises(ArtifactRefusedError):
            self.find(model(node("EPContext", domain="com.microsoft")))


def test_needs_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ONNX Runtime, or with one that cannot take data from memory, the extra is named."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    artifact = admit({"m.onnx": model(node("Relu"))})
    with pytest.raises(MissingExtraError, match=r"weighbridge\[onnx\]"):
        artifact.as_("onnxruntime")

    class Old:
        SessionOptions = object

    monkeypatch.setitem(sys.modules, "onnxruntime", Old)
    files = {"m.onnx": model(node("Relu"), tensors=(OUTSIDE,)), "w.bin": bytes(8)}
    with pytest.raises(MissingExtraError, match=r"weighbridge\[onnx\]"):
        admit(files).as_("onnxruntime")


def test_only_sessions_have_providers() -> None:
    """Providers for another kind of object are wrong use."""
    with pytest.raises(UsageError, match="no providers"):
        admit({"m.pkl": b"\x80\x04]."}).as_("pickle", providers=["x"])  # type: ignore[call-overload]


class TestSessions:
    """What ONNX Runtime makes of the held bytes."""

    pytestmark = needs_runtime

    def test_a_model_in_one_file(self) -> None:
        """The session computes with the tensors of the file."""
        data = runnable(
            add("x", "w"), tensors=(tensor(2, raw=np.array([1, 2], "f4").tobytes()),), size=2
        )
        session = admit({"m.onnx": data}).as_("onnxruntime")
        assert run(session, np.array([10, 20], "f4")) == [11, 22]
        assert session.get_providers() == ["CPUExecutionProvider"]
        named = admit({"m.onnx": data}).as_("onnxruntime", providers=["CPUExecutionProvider"])
        assert run(named, np.zeros(2, "f4")) == [1, 2]

    def test_external_data_comes_from_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Files of the same names in the working directory are not used, the held ones are."""
        size = 40_000
        good = {
            name: np.full(size, value, "f4") for name, value in (("w.bin", 1), ("sub/w.bin", 2))
        }
        weights = [
            tensor(size, name=name, extra=external(location=name, offset="0", length=str(size * 4)))
            for name in good
        ]
        nodes = (add("x", "w.bin", output="z"), add("z", "sub/w.bin"))
        data = runnable(*nodes, tensors=tuple(weights), size=size)
        (tmp_path / "sub").mkdir()
        for name in good:
            (tmp_path / name).write_bytes(np.full(size, 666, "f4").tobytes())
        monkeypatch.chdir(tmp_path)
        files = {"m.onnx": data} | {name: array.tobytes() for name, array in good.items()}
        with admit(files) as artifact:
            session = artifact.as_("onnxruntime")
        assert set(run(session, np.zeros(size, "f4"))) == {3.0}
        # Made anew of the same options, after the artifact was closed.
        session.set_providers(["CPUExecutionProvider"])
        assert set(run(session, np.zeros(size, "f4"))) == {3.0}

    def test_what_onnx_runtime_does_not_take(self) -> None:
        """A model whose numbers are no input for its operator is an error with the reason."""
        good = runnable(add("x", "x"), tensors=(), size=2)
        assert admit({"m.onnx": good}).as_("onnxruntime")
        with pytest.raises(OperationError) as caught:
            admit({"m.onnx": good.replace(b"Add", b"And")}).as_("onnxruntime")
        assert (caught.value.code, caught.value.where) == (Code.LOAD_FORMAT, "m.onnx")
