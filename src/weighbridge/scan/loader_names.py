"""
Names under which some loader looks for a file of settings.

A loader takes a file by its name, so that what a name is made of tells what is at stake: of a
`config.json` each key counts, of a list of words none. Names are taken apart into words, since
loaders put them together: `model.safetensors.index.fp16.json`, `2_Dense/config.json`.
"""

import re
from typing import Final

_WORD: Final = re.compile(r"[a-z]+")

_PARTS: Final = (
    # transformers, diffusers, sentence-transformers, PEFT, timm, open_clip, spaCy, fairseq
    "adapter", "added", "arg", "attn", "chat", "checkpoint", "ckpt", "component", "conf",
    "decoder", "embed", "encoder", "extractor", "feature", "generate", "generation", "hparam",
    "hyper", "index", "kernel", "language", "layer", "lora", "merge", "meta", "model", "module",
    "optim", "param", "peft", "pipeline", "pool", "process", "prompt", "quant", "recipe",
    "router", "scheduler", "setting", "shard", "special", "state", "tekken", "template",
    "token", "train", "vae", "vocab", "weight",
    # Keras, TensorFlow.js, SavedModel, TorchServe, ExecuTorch, exported programs, Paddle
    "arch", "export", "graph", "handler", "keras", "manifest", "network", "nn", "op", "program",
    "schema", "serv", "signature", "spec", "topology", "torch",
    # boosters, scikit-learn, skops, MLflow, BentoML, Triton, Hydra, Kedro
    "boost", "catalog", "catboost", "credential", "env", "estimator", "flow", "forest", "gbm",
    "ml", "option", "skops", "tree", "xgb",
    # Zarr, Core ML, GGUF, ONNX, OpenVINO, NNEF
    "coreml", "gguf", "onnx", "openvino", "zarr", "zattrs", "zgroup", "zmetadata",
    # editors, installers and programs that read a folder
    "account", "cmd", "code", "command", "compose", "container", "default", "depend", "deploy",
    "docker", "extension", "hook", "install", "launch", "lock", "main", "package", "path",
    "plugin", "pref", "profile", "project", "properties", "property", "rc", "registry",
    "requirement", "script", "service", "setup", "source", "task", "tool", "url", "version",
    "workspace",
)  # fmt: skip
"""
What a word of a name begins with where a loader, a server, an editor or an installer reads it.

From the files that this scan's rules, its analyzers (`skops`, `zarr`, `keras`, `torchserve`,
`exported_program`, `folder_programs`), the sniffers of containers and `load.pretrained` know, and
from what the libraries save. A word too many makes a file that is none be read strictly.
"""

_PLACES: Final = ("conf", "hydra", "setting")
"""What a folder's name begins with of which a loader takes every file (Hydra, Kedro)."""

_SHORT: Final = 2
_TABLE: Final = ".json"


def may_be_settings(name: str) -> bool:
    """
    Tell whether some loader may take a JSON file called *name* as settings.

    So may what has no name, is hidden, or is not called `.json`: nobody can tell who reads it.
    """
    lowered = name.lower()
    stem = lowered.removesuffix(_TABLE)
    if stem == lowered or not stem or stem.startswith(".") or not stem.isascii():
        return True
    words = _WORD.findall(stem)
    known = any(
        word == part if len(part) <= _SHORT else word.startswith(part) or word.endswith(part)
        for word in words
        for part in _PARTS
    )
    return known or not words


def is_place_of_settings(path: str) -> bool:
    """Tell whether *path* leads through a folder that is hidden, or is one of settings."""
    folders = path.lower().split("/")[:-1]
    return any(folder.startswith((".", *_PLACES)) for folder in folders)
