"""Libraries that take a model's directory, while somebody changes the model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.hub_models import edited, files_below, library, make_bert, needs_libraries, state_of
from support.raced_models import BASIC, Files, Raced
from support.races import Outcome, quick_loads, race
from weighbridge.core.codes import Code
from weighbridge.load.artifact import VerifiedArtifact

pytestmark = needs_libraries

ATTEMPTS = 30
SEED = 20318
FORMATS = (*BASIC, "safetensors", "tokenizer", "text", "yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Raced):
    """A model that is a whole directory, with a large file in a folder beside it."""

    def files(self, number: int) -> Files:
        """Return the files of one of its models."""
        large = Raced.files(self, number)["sub/large.npy"]
        return {**self.build(number), "sub/large.npy": large}


def filled(model: Any, number: int) -> Any:
    """Return *model* with *number* everywhere."""
    for tensor in state_of(model).values():
        tensor.fill_(number)
    return model


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Let confined workers serve all loads of this module."""
    with quick_loads():
        yield


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Files]:
    """Return what makes the files of a BERT whose weights are a number."""
    root = make_bert(tmp_path_factory.mktemp("bert"))
    model = library("transformers").AutoModel.from_pretrained(root)

    def build(number: int) -> Files:
        filled(model, number).save_pretrained(root)
        return files_below(root)

    return build


def values(model: Any) -> object:
    """Return every number of *model*."""
    return {name: np.asarray(tensor).tolist() for name, tensor in state_of(model).items()}


def go_on(outcome: Outcome) -> bool:
    """Tell whether to go on: the time limit of all tests ends a race that never met a load."""
    return outcome.attempts < ATTEMPTS or not outcome.met


def _transformers(artifact: VerifiedArtifact) -> object:
    tokenizer: Any = artifact.pretrained("transformers", "AutoTokenizer")
    return values(artifact.pretrained("transformers")), tokenizer.get_vocab()


def test_transformers(bert: Callable[[int], Files], tmp_path: Path) -> None:
    """A model and its tokenizer are those that were signed, whatever happens meanwhile."""
    raced = Whole(name="transformers", build=bert, use=_transformers, formats=FORMATS)
    outcome = race(raced, tmp_path, seed=SEED, go_on=go_on)
    assert outcome.loaded
    assert Code.INTERNAL not in outcome.refused


def test_diffusers(tmp_path: Path) -> None:
    """A pipeline is the one that was signed, whatever happens meanwhile."""
    diffusers = library("diffusers")
    unet = diffusers.UNet2DModel(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(4, 4),
        norm_num_groups=2,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )

    def build(number: int) -> Files:
        pipeline = diffusers.DDPMPipeline(filled(unet, number), diffusers.DDPMScheduler())
        pipeline.save_pretrained(tmp_path / "saved")
        return files_below(tmp_path / "saved")

    def use(artifact: VerifiedArtifact) -> object:
        pipeline: Any = artifact.pretrained("diffusers")
        return values(pipeline.unet)

    raced = Whole(name="diffusers", build=build, use=use, formats=FORMATS)
    outcome = race(raced, tmp_path, seed=SEED, go_on=go_on)
    assert outcome.loaded
    assert Code.INTERNAL not in outcome.refused


def test_sentence_transformers(bert: Callable[[int], Files], tmp_path: Path) -> None:
    """A model of sentence-transformers gives the vectors of the one that was signed."""
    pooling = edited({}, "1_Pooling/config.json", embedding_dimension=16, pooling_mode="mean")
    modules = (
        b'[{"idx": 0, "name": "0", "path": "", "type":'
        b' "sentence_transformers.base.modules.transformer.Transformer"},'
        b' {"idx": 1, "name": "1", "path": "1_Pooling", "type":'
        b' "sentence_transformers.sentence_transformer.modules.pooling.Pooling"}]'
    )

    def use(artifact: VerifiedArtifact) -> object:
        return values(artifact.pretrained("sentence-transformers", None, device="cpu"))

    raced = Whole(
        name="sentence-transformers",
        build=lambda number: {**bert(number), **pooling, "modules.json": modules},
        use=use,
        formats=FORMATS,
    )
    outcome = race(raced, tmp_path, seed=SEED, go_on=go_on)
    assert outcome.loaded
    assert Code.INTERNAL not in outcome.refused
