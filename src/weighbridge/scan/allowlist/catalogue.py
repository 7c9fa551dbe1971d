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
        "array": "python",
        "backports": "python",
        "builtins": "python",
        "catboost": "catboost",
        "category_encoders": "category_encoders",
        "chemprop": "chemprop",
        "chicksexer": "chicksexer",
        "collections": "python",
        "copyreg": "python",
        "datetime": "python",
        "dateutil": "python",
        "decimal": "python",
        "einops": "einops",
        "facenet_pytorch": "facenet_pytorch",
        "fairseq": "fairseq",
        "feature_engine": "feature_engine",
        "fractions": "python",
        "functools": "python",
        "gensim": "gensim",
        "gplearn": "gplearn",
        "gpytorch": "gpytorch",
        "gssc": "gssc",
        "hdbscan": "hdbscan",
        "hmmlearn": "hmmlearn",
        "http": "python",
        "imblearn": "imblearn",
        "implicit": "implicit",
        "ipaddress": "python",
        "joblib": "joblib",
        "keras": "keras",
        "keras_preprocessing": "keras",
        "kornia": "kornia",
        "lifelines": "lifelines",
        "lightgbm": "lightgbm",
        "lightning": "lightning",
        "lightning_fabric": "lightning",
        "logging": "python",
        "math": "python",
        "mlxtend": "mlxtend",
        "monai": "monai",
        "networkx": "networkx",
        "nltk": "nltk",
        "numpy": "numpy",
        "omegaconf": "omegaconf",
        "onnx2torch": "onnx2torch",
        "open_clip": "open_clip",
        "operator": "python",
        "pandas": "pandas",
        "pathlib": "python",
        "patsy": "patsy",
        "peft": "peft",
        "pmdarima": "pmdarima",
        "pyannote": "pyannote",
        "pyarrow": "pyarrow",
        "pycrfsuite": "sklearn_crfsuite",
        "pynndescent": "umap",
        "pyod": "pyod",
        "pytorch_lightning": "lightning",
        "pytorch_tabnet": "pytorch_tabnet",
        "pytz": "python",
        "random": "python",
        "rdkit": "rdkit",
        "re": "python",
        "regex": "python",
        "river": "river",
        "sadedegel": "sadedegel",
        "scipy": "scipy",
        "segmentation_models_pytorch": "segmentation_models_pytorch",
        "sentence_transformers": "sentence_transformers",
        "skbase": "sktime",
        "sklearn": "sklearn",
        "sklearn_crfsuite": "sklearn_crfsuite",
        "sksurv": "sksurv",
        "sktime": "sktime",
        "speechbrain": "speechbrain",
        "stable_baselines3": "stable_baselines3",
        "statistics": "python",
        "statsmodels": "statsmodels",
        "string": "python",
        "surprise": "surprise",
        "timm": "timm",
        "tokenizers": "tokenizers",
        "torch": "torch",
        "torch_geometric": "torch_geometric",
        "torchaudio": "torchaudio",
        "torchmetrics": "torchmetrics",
        "torchvision": "torchvision",
        "transformers": "transformers",
        "tslearn": "tslearn",
        "types": "python",
        "typing": "python",
        "ultralytics": "ultralytics",
        "umap": "umap",
        "uuid": "python",
        "whisper": "whisper",
        "xarray": "xarray",
        "xgboost": "xgboost",
        "zoneinfo": "python",
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
