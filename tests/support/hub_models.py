"""Tiny models of transformers and of the libraries like it, made on the spot from configurations."""

import importlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LIBRARIES = ("torch", "transformers", "sentence_transformers", "diffusers", "peft")
INSTALLED = all(importlib.util.find_spec(name) for name in LIBRARIES)

needs_libraries = [
    pytest.mark.torch,
    pytest.mark.skipif(not INSTALLED, reason="needs transformers and others: make test-torch"),
    # Warnings of the libraries about themselves and each other are not ours to answer for.
    pytest.mark.filterwarnings("ignore"),
]

MARKING = """
import pathlib

pathlib.Path({marker!r}).touch()

from transformers import BertConfig, BertModel


class MarkingConfig(BertConfig):
    model_type = "marking"


class MarkingModel(BertModel):
    config_class = MarkingConfig
"""
"""Code of a model: it leaves a mark when it is imported."""

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModels:
    """
    Files of tiny models, by path.

    Attributes:
        bert: A BERT with a tokenizer, as transformers saves it.
        sentences: A model of sentence-transformers: a BERT, pooling and a dense layer.
        pipeline: An unconditional pipeline of diffusers.
        adapter: A LoRA adapter for `bert`, which it calls `acme/model`.
    """

    bert: Files
    sentences: Files
    pipeline: Files
    adapter: Files


def library(name: str) -> Any:
    """Return the library *name*, of which nothing is known to the type checker."""
    return importlib.import_module(name)


def files_below(root: Path) -> Files:
    """Return every file below *root*."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write *files* below *root*, and return it."""
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return root


def edited(files: Files, path: str, **members: object) -> Files:
    """Return *files* with *members* set in the JSON object at *path*."""
    document = json.loads(files.get(path, b"{}"))
    return {**files, path: json.dumps(document | members).encode()}


def make_hub_models(place: Path) -> HubModels:
    """Make the models below *place*."""
    library("torch").manual_seed(7)
    with pytest.MonkeyPatch.context() as patch:
        # Libraries that save a model ask the hub about it, and long, where there is no network.
        patch.setattr(library("huggingface_hub.constants"), "HF_HUB_OFFLINE", True)
        bert = make_bert(place / "bert")
        return HubModels(
            bert=files_below(bert),
            sentences=_sentences(bert, place / "sentences"),
            pipeline=_pipeline(place / "pipeline"),
            adapter=_adapter(bert, place / "adapter"),
        )


def make_bert(place: Path, **members: int) -> Path:
    """Save a BERT with a tokenizer at *place*, and return that; *members* are of its config."""
    transformers = library("transformers")
    config = transformers.BertConfig(
        **{
            "vocab_size": 40,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 32,
        }
        | members
    )
    transformers.BertModel(config).save_pretrained(place)
    tokenizers = library("tokenizers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    inner = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]")
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    special = {
        f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")
    }
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **special).save_pretrained(place)
    return place


def _sentences(bert: Path, place: Path) -> Files:
    sentence_transformers = library("sentence_transformers")
    parts = library("sentence_transformers.sentence_transformer.modules")
    base = library("sentence_transformers.base.modules")
    modules = [base.Transformer(str(bert)), parts.Pooling(16), base.Dense(16, 8)]
    sentence_transformers.SentenceTransformer(modules=modules, device="cpu").save(str(place))
    return files_below(place)


def make_pipeline() -> Any:
    """Return an unconditional pipeline of diffusers."""
    diffusers = library("diffusers")
    unet = diffusers.UNet2DModel(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    return diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler(num_train_timesteps=10))


def _pipeline(place: Path) -> Files:
    make_pipeline().save_pretrained(place)
    return files_below(place)


def _adapter(bert: Path, place: Path) -> Files:
    peft = library("peft")
    base = library("transformers").AutoModel.from_pretrained(bert)
    config = peft.LoraConfig(r=2, target_modules=["query"], init_lora_weights=False)
    peft.get_peft_model(base, config).save_pretrained(place)
    return edited(files_below(place), "adapter_config.json", base_model_name_or_path="acme/model")


def state_of(model: Any) -> dict[str, Any]:
    """Return the tensors of a module of PyTorch by name."""
    state: dict[str, Any] = model.state_dict()
    return state


def same_state(one: Any, other: Any) -> bool:
    """Tell whether two modules of PyTorch have the same tensors under the same names."""
    torch = library("torch")
    mine, theirs = state_of(one), state_of(other)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)
