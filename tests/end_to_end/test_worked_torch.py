"""The worked pipeline with a training by PyTorch, and tensors that stay what PyTorch made."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.worked_pipeline import STEPS, Claims, Workshop, git, make_workshop
from weighbridge.core.verdict import Decision
from weighbridge.pipeline.check import check
from weighbridge.policy.schema import Policy

torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(torch is None, reason="needs PyTorch: make test-torch"),
]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Run the pipeline with a training by PyTorch."""
    made = make_workshop(tmp_path_factory.mktemp("workshop") / "w")
    program = made.path("train/train.py")
    program.write_text((STEPS / "train_torch.py").read_text())
    git(made.path("train"), "commit", "-q", "-a", "-m", "train with PyTorch")
    made.train()
    made.convert()
    made.quantize()
    made.sign("models/served", "release")
    return made


def test_allowed(workshop: Workshop) -> None:
    """What PyTorch trained and saved goes the whole way."""
    policy = Policy.from_file(workshop.path("weighbridge.toml"))
    verdict = check(workshop.path("models/served"), policy=policy, boundary="deploy")
    assert verdict.decision is Decision.ALLOW, verdict.reasons
    assert verdict.lineage is not None
    assert len(verdict.lineage.nodes) == 5


def test_tensors_are_the_same(workshop: Workshop) -> None:
    """The converted tensors are bit for bit those that PyTorch loads of its checkpoint."""
    safetensors: Any = importlib.import_module("safetensors.torch")
    saved = torch.load(workshop.path("models/tuned/pytorch_model.bin"), weights_only=True)
    made = safetensors.load_file(workshop.path("models/converted/model.safetensors"))
    assert saved.keys() == made.keys()
    for name, tensor in saved.items():
        assert torch.equal(tensor.view(torch.int32), made[name].view(torch.int32))


def test_without_the_base(workshop: Workshop, tmp_path: Path) -> None:
    """The same model without the signature of its base is denied."""
    copy = Workshop(Path(shutil.copytree(workshop.root, tmp_path / "w", symlinks=True)))
    claims = Claims(copy.path("models/served"))
    del claims.lines[claims.find("base")]
    claims.save()
    policy = Policy.from_file(copy.path("weighbridge.toml"))
    verdict = check(copy.path("models/served"), policy=policy, boundary="deploy")
    assert verdict.decision is Decision.DENY
    assert "lineage-signer" in {reason.code for reason in verdict.reasons if reason.blocking}
