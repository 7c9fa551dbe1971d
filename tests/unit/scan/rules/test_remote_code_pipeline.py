"""Rule `remote-code-pipeline`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "remote-code-pipeline"


def test_vector() -> None:
    """A component of the repository is found, one of diffusers is not."""
    assert_vector_holds(RULE)


def _found(document: object, *, path: str = "config.json") -> list[Finding]:
    data = json.dumps(document).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path=path))


@pytest.mark.parametrize(
    "component",
    [["diffusers", "X"], ["transformers", "X"], ["stable_diffusion", "X"], [None, None]],
)
def test_known_libraries(component: object) -> None:
    """Components of the libraries that diffusers knows are not found."""
    assert not _found({"_diffusers_version": "0", "unet": component})


@pytest.mark.parametrize(
    "members",
    [{"_class_name": ["pipeline", "Mine"]}, {"unet": ["unet_x", "X"]}, {"a": ["os", "X"]}],
)
def test_unknown_modules(members: dict[str, object]) -> None:
    """Any other module is found, also as the pipeline's own class."""
    assert _found({"_diffusers_version": "0"} | members)


def test_only_in_pipelines() -> None:
    """Lists of strings in other configurations are not components."""
    assert not _found({"architectures": ["my_bert", "X"]})
    assert _found({"unet": ["my_bert", "X"]}, path="model_index.json")


def test_blocks_of_a_part_are_no_components() -> None:
    """The configuration of a part lists its blocks, which are no classes to load."""
    blocks = {"down_block_types": ["DownBlock2D", "DownBlock2D"], "_diffusers_version": "0"}
    assert not _found(blocks | {"_class_name": "UNet2DModel"})
    assert _found(blocks | {"_class_name": "UNet2DModel"}, path="model_index.json")
    assert _found(blocks | {"_class_name": "DDPMPipeline"})
    assert _found(blocks | {"_class_name": "a/b--UNet2DModel"})


def test_no_pipeline() -> None:
    """A model_index.json that is no object is nothing."""
    assert not _found([1], path="model_index.json")


def test_type_hints_of_modular_pipelines() -> None:
    """A component of a modular pipeline names its class in a type hint."""
    component = [None, None, {"type_hint": ["evil", "X"], "repo": "a/b"}]
    assert _found({"_diffusers_version": "0", "unet": component})
    component[2] = {"type_hint": ["diffusers", "X"]}
    assert not _found({"_diffusers_version": "0", "unet": component})


def test_classes_of_other_places() -> None:
    """A pipeline whose class is no plain name is found."""
    assert _found({"_diffusers_version": "0", "_class_name": "evil/repo--Mine"})
    assert not _found({"_diffusers_version": "0", "_class_name": "StableDiffusionPipeline"})
