"""
All packs as one table; a pack is read when the first name of its framework is looked up.

The packs are written by `tools/allowlist/generate.py`.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from weighbridge.scan.allowlist.schema import Entry, Pack, parse_pack

PACKAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "_codecs": "python",
        "_loss": "sklearn",
        "_operator": "python",
        "accelerate": "accelerate",
        "argparse": "python",
        "builtins": "python",
        "catboost": "catboost",
        "category_encoders": "category_encoders",
        "collections": "python",
        "copyreg": "python",
        "datetime": "python",
        "dateutil": "python",
        "decimal": "python",
        "fractions": "python",
        "functools": "python",
        "gensim": "gensim",
        "hdbscan": "hdbscan",
        "imblearn": "imblearn",
        "joblib": "joblib",
        "lightgbm": "lightgbm",
        "lightning": "lightning",
        "lightning_fabric": "lightning",
        "logging": "python",
        "monai": "monai",
        "nltk": "nltk",
        "numpy": "numpy",
        "omegaconf": "omegaconf",
        "operator": "python",
        "pandas": "pandas",
        "pathlib": "python",
        "patsy": "patsy",
        "pyannote": "pyannote",
        "pynndescent": "umap",
        "pytorch_lightning": "lightning",
        "pytz": "python",
        "random": "python",
        "re": "python",
        "regex": "python",
        "scipy": "scipy",
        "sentence_transformers": "sentence_transformers",
        "sklearn": "sklearn",
        "statsmodels": "statsmodels",
        "timm": "timm",
        "tokenizers": "tokenizers",
        "torch": "torch",
        "torchaudio": "torchaudio",
        "torchmetrics": "torchmetrics",
        "torchvision": "torchvision",
        "transformers": "transformers",
        "types": "python",
        "typing": "python",
        "ultralytics": "ultralytics",
        "umap": "umap",
        "uuid": "python",
        "xgboost": "xgboost",
    }
)
"""First part of a name to the pack that has its entries."""


@cache
def load_pack(name: str) -> Pack:
    """
    Return the pack *name*.

    Raises:
        ValueError: Its file does not follow the form; a bug of ours.
    """
    file = files("weighbridge.scan.allowlist").joinpath(f"{name}.toml")
    return parse_pack(file.read_text("utf-8"), source=f"{name}.toml")


def load_packs() -> tuple[Pack, ...]:
    """Return every pack."""
    return tuple(load_pack(name) for name in dict.fromkeys(PACKAGES.values()))


@cache
def _table(pack: str) -> Mapping[str, Entry]:
    """Return the entries of *pack* by name; a name that occurs twice is a bug of ours."""
    table: dict[str, Entry] = {}
    for entry in load_pack(pack).entries:
        if entry.name in table:
            message = f"{entry.name} is listed twice"
            raise ValueError(message)
        table[entry.name] = entry
    return MappingProxyType(table)


def find_entry(name: str) -> Entry | None:
    """Return the entry of *name* (`module.qualname`), or None: unknown, and so denied."""
    pack = PACKAGES.get(name.partition(".")[0])
    return None if pack is None else _table(pack).get(name)
