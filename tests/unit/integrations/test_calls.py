"""What drop-ins hand to a library: a stand-in tells what it was called with and what it saw."""

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import weighbridge as wb
from support.hub_models import files_below
from support.signed_model import SignedModel, make_signed_model, safetensors_file
from weighbridge.core.errors import (
    ArtifactChangedError,
    OperationError,
    PolicyDeniedError,
    UsageError,
)
from weighbridge.integrations import transformers as verified

FILES = {
    "config.json": b'{"a": 1}',
    "model.safetensors": safetensors_file(weight=[1.0, 2.0]),
    "sub/model.safetensors": safetensors_file(weight=[3.0]),
    "README.md": b"# A model\n",
}


class PreTrainedModel:
    """Tells what it is made of."""

    def __init__(self, path: str, *rest: object, **named: object) -> None:
        self.path = path
        self.rest = rest
        self.named = named
        self.files = files_below(Path(path))
        self.environment = os.environ.get("HF_HUB_OFFLINE")

    @classmethod
    def from_pretrained(cls, path: str, *rest: object, **named: object) -> "PreTrainedModel":
        """Return a model of the directory at *path*."""
        if named.get("fail"):
            raise OSError("no such thing")
        if named.get("tamper"):
            Path(path).chmod(0o700)
            (Path(path) / "config.json").unlink()
        return cls(path, *rest, **named)


class AutoModel(PreTrainedModel):
    """The same."""


class AutoTokenizer:
    """No model."""

    from_pretrained = AutoModel.from_pretrained


@pytest.fixture(autouse=True)
def _library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a stand-in in the place of transformers."""
    module = ModuleType("transformers")
    vars(module).update(
        AutoModel=AutoModel,
        AutoTokenizer=AutoTokenizer,
        PreTrainedModel=PreTrainedModel,
        pipeline=lambda task, **named: (task, PreTrainedModel(named["model"]), named),
        Other=object,
    )
    for name in [each for each in sys.modules if each.partition(".")[0] == "transformers"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "transformers", module)


@pytest.fixture
def signed(tmp_path: Path) -> SignedModel:
    """Return a signed model."""
    return make_signed_model(tmp_path, FILES)


def test_the_library_sees_the_verified_files(signed: SignedModel) -> None:
    """The directory has the signed files and no signature, by either way to say it."""
    for made in (
        verified.from_pretrained(signed.root, "extra", policy=signed.policy, dtype="x"),
        verified.AutoModel.from_pretrained(signed.root, "extra", policy=signed.policy, dtype="x"),
    ):
        assert isinstance(made, AutoModel)
        assert made.files == FILES
        assert made.rest == ("extra",)
        assert made.named == {
            "dtype": "x",
            "local_files_only": True,
            "trust_remote_code": False,
            "use_safetensors": True,
            "weights_only": True,
        }
        assert made.environment == "1"
        assert not Path(made.path).exists()


def test_what_is_no_model_gets_no_arguments_of_models(signed: SignedModel) -> None:
    """A tokenizer is not told about weights, and a class that is no auto class not about code."""
    tokenizer: Any = verified.AutoTokenizer.from_pretrained(signed.root, policy=signed.policy)
    assert tokenizer.named == {"local_files_only": True, "trust_remote_code": False}
    model: Any = verified.PreTrainedModel.from_pretrained(signed.root, policy=signed.policy)
    assert "trust_remote_code" not in model.named


def test_pipelines_get_the_directory(signed: SignedModel) -> None:
    """A pipeline gets the task, the directory, and arguments for its model."""
    made: Any = verified.pipeline("fill-mask", signed.root, policy=signed.policy, device="cpu")
    task, model, named = made
    assert task == "fill-mask"
    assert model.files == FILES
    assert named["model_kwargs"] == {"use_safetensors": True, "weights_only": True}
    with pytest.raises(UsageError, match="model_kwargs"):
        verified.pipeline("x", signed.root, policy=signed.policy, model_kwargs="y")


def test_artifacts_stay_open(signed: SignedModel) -> None:
    """A verified artifact is used as it is, and the caller closes it."""
    with wb.load(signed.root, policy=signed.policy) as artifact:
        first: Any = verified.AutoModel.from_pretrained(artifact)
        second: Any = verified.pipeline("x", artifact)
        assert first.files == second[1].files == FILES
    with pytest.raises(UsageError, match="closed"):
        verified.AutoModel.from_pretrained(artifact)


def test_folders_choose_the_weights(signed: SignedModel) -> None:
    """Whether weights are safetensors is told from the folder that is meant."""
    inner: Any = verified.AutoModel.from_pretrained(
        signed.root, policy=signed.policy, subfolder="sub"
    )
    assert inner.named["use_safetensors"] is True
    outer: Any = verified.AutoModel.from_pretrained(
        signed.root, policy=signed.policy, subfolder="other"
    )
    assert outer.named["use_safetensors"] is False


def test_errors_of_the_library_are_ours(signed: SignedModel) -> None:
    """What the library raises is an error that names it."""
    with pytest.raises(OperationError, match=r"transformers does not take.*no such thing"):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy, fail=True)


@pytest.mark.skipif(sys.platform != "linux", reason="links to memory are Linux's")
def test_a_changed_directory_is_an_error(signed: SignedModel) -> None:
    """What a library made of a directory that somebody changed is not given out."""
    with pytest.raises(ArtifactChangedError):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy, tamper=True)


def test_denied_models_do_not_reach_the_library(signed: SignedModel) -> None:
    """A model that the policy denies is not shown; nor at a boundary that no rule is for."""
    with pytest.raises(PolicyDeniedError):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy, boundary="deploy")
    (signed.root / "config.json").write_bytes(b'{"a": 2}')
    with pytest.raises(PolicyDeniedError):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)


def test_classes_that_cannot_be_loaded(signed: SignedModel) -> None:
    """A name that the library lacks, or that has no from_pretrained, is refused."""
    for name in ("Missing", "Other", "_Private"):
        with pytest.raises(UsageError, match="no such class"):
            verified.from_pretrained(signed.root, policy=signed.policy, auto=name)
    with pytest.raises(AttributeError, match="logging"):
        verified.logging  # noqa: B018  the access is what is tested
