"""
A model for each library that takes a whole directory, whose numbers hang on a given one.

The same as `raced_models`, but for what is attacked: every file of the directory, and a large one in
a folder beside them.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from support.holding import hold_files, make_verdict
from support.hub_models import (
    LIBRARIES,
    edited,
    files_below,
    library,
    make_bert,
    make_pipeline,
    state_of,
)
from support.raced_models import BASIC, Files, Raced
from weighbridge.load.artifact import VerifiedArtifact

_FORMATS = (*BASIC, "safetensors", "tokenizer", "text", "yaml")
_BASE = "acme/model"
_MODULES = (
    b'[{"idx": 0, "name": "0", "path": "", "type":'
    b' "sentence_transformers.base.modules.transformer.Transformer"},'
    b' {"idx": 1, "name": "1", "path": "1_Pooling", "type":'
    b' "sentence_transformers.sentence_transformer.modules.pooling.Pooling"}]'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Raced):
    """A model that is a whole directory, with a large file in a folder beside it."""

    def files(self, number: int) -> Files:
        """Return the files of one of its models."""
        large = Raced.files(self, number)["sub/large.npy"]
        return {**self.build(number), "sub/large.npy": large}


def _saved(model: Any, number: int, *, named: str = "") -> Files:
    """Return *model*, with *number* in every tensor with *named* in its name, as it is saved."""
    with library("torch").no_grad():
        for name, tensor in state_of(getattr(model, "unet", model)).items():
            if named in name:
                tensor.fill_(number)
    with tempfile.TemporaryDirectory() as place:
        model.save_pretrained(place)
        return files_below(Path(place))


def _values(model: Any) -> object:
    """Return every number of *model*."""
    return {name: np.asarray(tensor).tolist() for name, tensor in state_of(model).items()}


@cache
def _empty_bert() -> tuple[Any, Files]:
    """Return a BERT, and the files of its tokenizer."""
    with tempfile.TemporaryDirectory() as place:
        root = make_bert(Path(place))
        return library("transformers").AutoModel.from_pretrained(root), files_below(root)


def _bert(number: int) -> Files:
    model, files = _empty_bert()
    return {**files, **_saved(model, number)}


def _use_transformers(artifact: VerifiedArtifact) -> object:
    tokenizer: Any = artifact.pretrained("transformers", "AutoTokenizer")
    return _values(artifact.pretrained("transformers")), tokenizer.get_vocab()


def _sentences(number: int) -> Files:
    pooling = edited({}, "1_Pooling/config.json", embedding_dimension=16, pooling_mode="mean")
    return {**_bert(number), **pooling, "modules.json": _MODULES}


def _use_sentences(artifact: VerifiedArtifact) -> object:
    return _values(artifact.pretrained("sentence-transformers", None, device="cpu"))


def _pipeline(number: int) -> Files:
    return _saved(make_pipeline(), number)


def _use_pipeline(artifact: VerifiedArtifact) -> object:
    pipeline: Any = artifact.pretrained("diffusers")
    return _values(pipeline.unet)


@cache
def _empty_adapter() -> Any:
    with tempfile.TemporaryDirectory() as place:
        base = library("transformers").AutoModel.from_pretrained(make_bert(Path(place)))
    peft = library("peft")
    return peft.get_peft_model(base, peft.LoraConfig(r=2, target_modules=["query"]))


def _adapter(number: int) -> Files:
    files = _saved(_empty_adapter(), number, named="lora")
    return edited(files, "adapter_config.json", base_model_name_or_path=_BASE)


@cache
def _base() -> VerifiedArtifact:
    """Return a base for the adapters that nobody attacks."""
    files = _bert(1)
    return VerifiedArtifact(make_verdict(*files), hold_files(files), reference=f"models/{_BASE}")


def _use_adapter(artifact: VerifiedArtifact) -> object:
    return _values(artifact.as_("peft", base=_base()))


def _whole(
    name: str, build: Callable[[int], Files], use: Callable[[VerifiedArtifact], object]
) -> Whole:
    return Whole(name=name, build=build, use=use, packages=LIBRARIES, formats=_FORMATS)


WHOLE = (
    _whole("transformers", _bert, _use_transformers),
    _whole("sentence-transformers", _sentences, _use_sentences),
    _whole("diffusers", _pipeline, _use_pipeline),
    _whole("peft", _adapter, _use_adapter),
)
"""Every library that takes a directory."""
