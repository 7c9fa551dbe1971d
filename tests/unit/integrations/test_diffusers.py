"""diffusers with verified bytes: the same pipelines, of classes of diffusers and transformers."""

from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.holding import admit
from support.hub_models import HubModels, edited, library, needs_libraries, same_state
from support.signed_model import make_signed_model
from weighbridge.core.errors import (
    ArtifactRefusedError,
    OperationError,
    PolicyDeniedError,
    UsageError,
)
from weighbridge.integrations import diffusers as verified

pytestmark = needs_libraries

INDEX = "model_index.json"


def image(pipeline: Any) -> Any:
    """Return what *pipeline* makes of a fixed seed."""
    torch: Any = library("torch")
    pipeline.set_progress_bar_config(disable=True)
    seed = torch.Generator().manual_seed(3)
    return pipeline(num_inference_steps=2, generator=seed, output_type="np").images


def test_pipelines_are_the_same(models: HubModels, tmp_path: Path) -> None:
    """A pipeline makes the image that a plain load of the same files makes."""
    signed = make_signed_model(tmp_path, models.pipeline)
    plain = library("diffusers").DiffusionPipeline.from_pretrained(signed.root)
    made: Any = wb.load(signed.root, policy=signed.policy, as_="diffusers")
    again: Any = verified.DiffusionPipeline.from_pretrained(signed.root, policy=signed.policy)
    for each in (made, again):
        assert type(each) is type(plain)
        assert same_state(each.unet, plain.unet)
        assert (image(each) == image(plain)).all()


def test_parts_load_alone(models: HubModels, tmp_path: Path) -> None:
    """A part of a pipeline loads from its folder, and from no folder outside."""
    signed = make_signed_model(tmp_path, models.pipeline)
    unet: Any = verified.UNet2DModel.from_pretrained(
        signed.root, policy=signed.policy, subfolder="unet"
    )
    plain = library("diffusers").UNet2DModel.from_pretrained(signed.root, subfolder="unet")
    assert same_state(unet, plain)
    for folder in ("../model/unet", "/unet", "unet/.."):
        with pytest.raises(UsageError, match="subfolder"):
            verified.UNet2DModel.from_pretrained(
                signed.root, policy=signed.policy, subfolder=folder
            )


@pytest.mark.parametrize(
    "members",
    [
        {"unet": ["os", "UNet2DModel"]},
        {"unet": ["unet", "MyUNet"]},
        {"unet": ["diffusers.utils", "UNet2DModel"]},
        {"unet": ["logging", "UNet2DModel"]},
        {"unet": ["diffusers", "os"]},
        {"../unet": ["diffusers", "UNet2DModel"]},
        {"_class_name": ["pipeline", "Mine"]},
        {"_class_name": "Missing"},
        {"_class_name": "UNet2DModel"},
        {"_class_name": None},
    ],
    ids=str,
)
def test_an_index_that_leads_elsewhere_is_refused(
    models: HubModels, members: dict[str, object]
) -> None:
    """Only folders of the artifact and classes of the two libraries may be named."""
    with pytest.raises(ArtifactRefusedError, match="not verified"):
        admit(edited(models.pipeline, INDEX, **members)).pretrained("diffusers")


def test_parts_that_are_none_are_accepted(models: HubModels) -> None:
    """A part that a pipeline leaves out, and plain settings, lead nowhere."""
    files = edited(models.pipeline, INDEX, safety_checker=[None, None], requires=True)
    assert admit(files).pretrained("diffusers") is not None


def test_code_beside_the_weights_does_not_run(models: HubModels, tmp_path: Path) -> None:
    """A pipeline in a file of the model is denied, and not imported where a policy allows it."""
    marker = tmp_path / "marker"
    code = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n".encode()
    files = edited(models.pipeline, INDEX, _class_name=["pipeline", "Mine"]) | {
        "pipeline.py": code,
        "unet/diffusion.py": code,
    }
    signed = make_signed_model(tmp_path, files)
    with pytest.raises(PolicyDeniedError):
        verified.DiffusionPipeline.from_pretrained(signed.root, policy=signed.policy)
    with pytest.raises(ArtifactRefusedError):
        admit(files).pretrained("diffusers")
    plain = dict(models.pipeline) | {"pipeline.py": code}
    assert admit(plain).pretrained("diffusers") is not None
    assert not marker.exists()


def test_a_modular_pipeline_is_refused(models: HubModels) -> None:
    """Pipelines whose parts come from several repositories are not loaded."""
    files = {**models.pipeline, "modular_model_index.json": b"{}"}
    with pytest.raises(ArtifactRefusedError, match="modular"):
        admit(files).pretrained("diffusers")


@pytest.mark.parametrize(
    "arguments",
    [
        {"custom_pipeline": "other/repo"},
        {"custom_revision": "main"},
        {"trust_remote_code": True},
        {"load_connected_pipeline": True},
        {"use_safetensors": False},
        {"use_onnx": True},
        {"cache_dir": "elsewhere"},
        {"revision": "main"},
        {"local_files_only": False},
        {"force_download": True},
        {"provider": "CPUExecutionProvider"},
    ],
    ids=str,
)
def test_arguments_that_loosen_are_refused(models: HubModels, arguments: dict[str, object]) -> None:
    """An argument by which other bytes or code would be used is refused by its name."""
    files = {p.removeprefix("unet/"): d for p, d in models.pipeline.items() if "unet/" in p}
    with pytest.raises(UsageError, match=next(iter(arguments))):
        admit(files).pretrained("diffusers", "UNet2DModel", **arguments)


@pytest.mark.parametrize("target", ["utils", "Missing", "OnnxRuntimeModel", "FlaxModelMixin"])
def test_what_is_no_class_to_load_is_refused(models: HubModels, target: str) -> None:
    """Only classes with from_pretrained that read these formats can be asked for."""
    with pytest.raises(UsageError, match="no such class"):
        admit(models.pipeline).pretrained("diffusers", target)


def test_a_broken_pipeline_is_an_error(models: HubModels) -> None:
    """A pipeline that lacks weights does not load."""
    files = {p: d for p, d in models.pipeline.items() if not p.endswith(".safetensors")}
    with pytest.raises(OperationError, match="does not take"):
        admit(files).pretrained("diffusers")
