"""Real checkpoints of PyTorch, opened apart: the tensors are the same."""

import importlib
import importlib.util
import io
from typing import Any, cast

import pytest

from support.compared import same_arrays
from support.handed_back import imported_for, opened
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.load.isolated.plain import Opaque

PRESENT = importlib.util.find_spec("torch") is not None
torch = importlib.import_module("torch") if PRESENT else cast("Any", None)
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not PRESENT, reason="needs PyTorch"),
]

FORMATS = {FileFormat.TORCH_ZIP: True, FileFormat.TORCH_LEGACY: False}


def saved(value: object, file_format: FileFormat) -> bytes:
    """Return *value* as `torch.save` writes it."""
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=FORMATS[file_format])
    return file.getvalue()


def network() -> Any:
    """Return a small network with buffers."""
    layers = torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2)
    return torch.nn.Sequential(*layers)


def state() -> dict[str, Any]:
    """Return what a training program saves, and tensors of all kinds."""
    model = network()
    return {
        "state": model.state_dict(),
        "optimizer": torch.optim.Adam(model.parameters()).state_dict(),
        "epoch": 3,
        "half": torch.ones(3, dtype=torch.bfloat16),
        "turned": torch.arange(12).reshape(3, 4).t(),
        "part": torch.arange(100.0)[10:20:3],
        "empty": torch.empty(0, 3),
        "truths": torch.tensor([True, False]),
        "complex": torch.tensor([1j]),
        "one": torch.tensor(5),
    }


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_state(judged: bool, file_format: FileFormat) -> None:
    """Tensors, containers and constants come back as `torch.load` gives them."""
    real = state()
    found = opened(saved(real, file_format), judged=judged, file_format=file_format).value
    assert same_arrays(real, found) == 16
    assert isinstance(found, dict)
    assert found["half"].dtype == torch.bfloat16


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_whole_network(file_format: FileFormat) -> None:
    """A network that was saved whole is opened where anything is given, with its tensors."""
    real = network()
    data = saved(real, file_format)
    with pytest.raises(ArtifactRefusedError) as caught:
        opened(data, judged=True, file_format=file_format)
    assert caught.value.code is Code.LOAD_REFUSED
    found = opened(data, file_format=file_format).value
    assert isinstance(found, Opaque)
    assert found.name == "torch.nn.modules.container.Sequential"
    assert same_arrays(real, found) == 9


def test_tensors_that_are_not_dense() -> None:
    """A tensor that cannot come back as one is described; a parameter is a tensor."""
    real = {
        "sparse": torch.eye(3).to_sparse(),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "meta": torch.empty(2, device="meta"),
    }
    found = opened(saved(real, FileFormat.TORCH_ZIP), file_format=FileFormat.TORCH_ZIP).value
    assert isinstance(found, dict)
    assert found["parameter"].tolist() == [1.0, 1.0]
    assert not found["parameter"].requires_grad
    assert all("not dense" in found[name].note for name in ("sparse", "meta"))


def test_tensors_here_can_be_written_to() -> None:
    """Tensors that came back have memory of their own."""
    found = opened(torch.ones(3)).value
    again = opened(torch.ones(3)).value
    found += 1  # type: ignore[operator]
    assert (found.tolist(), again.tolist()) == ([2.0] * 3, [1.0] * 3)  # type: ignore[attr-defined]


def test_pytorch_is_not_imported_for_what_is_no_tensor() -> None:
    """A pickle that names PyTorch and holds no tensor imports none of it here."""
    data = b"\x80\x02ctorch.nn.modules.linear\nIdentity\n."
    assert imported_for(data, "anything", "torch", "numpy") == []
