"""
What converted files are called.

The names are those by which libraries look for weights: `pytorch_model.bin` and its shards become
`model.safetensors` and its shards, other files keep their stem.
"""

import re
from posixpath import basename, dirname, join
from typing import Final

SUFFIX: Final = ".safetensors"

_CHECKPOINT_SUFFIXES: Final = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl", ".th", ".tar"})
_INDEX: Final = re.compile(r"(?P<stem>.+)\.bin\.index(?P<variant>(?:\.[\w-]+)?)\.json", re.ASCII)
_OLD_STEM: Final = re.compile(r"\Apytorch_model(?=$|[.-])")


def is_index(path: str, /) -> bool:
    """Tell whether the file at *path* is called like the index of a sharded checkpoint."""
    return _INDEX.fullmatch(basename(path)) is not None


def target_of(path: str, /) -> str:
    """Return the path of what the checkpoint at *path* becomes."""
    name = basename(path)
    stem, dot, last = name.rpartition(".")
    known = bool(stem) and dot + last.lower() in _CHECKPOINT_SUFFIXES
    return join(dirname(path), _OLD_STEM.sub("model", stem if known else name) + SUFFIX)


def index_target_of(path: str, /) -> str:
    """Return the path of what the index at *path*, which `is_index`, becomes."""
    found = _INDEX.fullmatch(basename(path))
    if found is None:
        raise ValueError("not the name of an index")
    stem = _OLD_STEM.sub("model", found["stem"])
    return join(dirname(path), f"{stem}{SUFFIX}.index{found['variant']}.json")
