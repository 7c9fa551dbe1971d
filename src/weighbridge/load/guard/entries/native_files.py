"""
Native readers of files that are parts of models, and can express no code.

| entry point | which files |
|---|---|
| `tokenizers.Tokenizer.from_file`, `from_pretrained`, and the vocabularies | all |
| `sentencepiece.SentencePieceProcessor` | all |
| `pyarrow`: Parquet, Feather, `memory_map`, `OSFile` | files of verified or signed models |

Arrow's formats hold data sets more often than parts of models. Those belong to no policy about
models, and are left alone.
"""

import os
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

from weighbridge.load.guard import watch
from weighbridge.load.guard.entries.paths import is_path, sealed
from weighbridge.load.guard.entries.replacing import put, replace, replace_method

_VOCABULARIES: Final = ("BPE", "WordLevel", "WordPiece")
_ARROW: Final = {
    "pyarrow.parquet.core": ("read_table", "read_metadata", "read_schema"),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.lib": ("memory_map",),
}


def install(module: ModuleType) -> None:
    """Guard one of the libraries' modules."""
    match module.__name__:
        case "tokenizers.tokenizers":
            _install_tokenizers(module)
        case "sentencepiece":
            replace_method(
                module.SentencePieceProcessor, "LoadFromFile", partial(_method, "sentencepiece")
            )
        case name:
            for function in _ARROW[name]:
                replace(module, function, partial(_of_models, f"pyarrow.{function}"))
            if name == "pyarrow.parquet.core":
                replace_method(
                    module.ParquetFile, "__init__", partial(_method_of_models, "ParquetFile")
                )
            elif name == "pyarrow.lib":
                _replace_file(module)


def _install_tokenizers(module: ModuleType) -> None:
    tokenizer = module.Tokenizer
    if "_weighbridge" in vars(tokenizer):
        return
    tokenizer._weighbridge = True
    original = tokenizer.from_file

    def from_file(path: Any) -> Any:
        return original(sealed(path, entry="tokenizers.Tokenizer.from_file"))

    def from_pretrained(identifier: str, revision: str = "main", token: str | None = None) -> Any:
        import huggingface_hub  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415  as the original does

        found = huggingface_hub.hf_hub_download(
            identifier, "tokenizer.json", revision=revision, token=token
        )
        return from_file(found)

    tokenizer.from_file = staticmethod(from_file)
    tokenizer.from_pretrained = staticmethod(from_pretrained)
    for name in _VOCABULARIES:
        kind = getattr(module.models, name)
        for function in ("from_file", "read_file"):
            guarded = _vocabulary(getattr(kind, function), f"tokenizers.models.{name}.{function}")
            setattr(kind, function, staticmethod(guarded))


def _vocabulary(original: Callable[..., Any], entry: str) -> Callable[..., Any]:
    def read(*paths: Any, **options: Any) -> Any:
        named = {
            key: sealed(value, entry=entry) if key in {"vocab", "merges"} else value
            for key, value in options.items()
        }
        return original(*(sealed(path, entry=entry) for path in paths), **named)

    return read


def _method(entry: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard a method whose first argument is a path."""

    def read(self: Any, path: Any, *args: Any, **options: Any) -> Any:
        given = sealed(path, entry=entry) if is_path(path) else path
        return original(self, given, *args, **options)

    return read


def _served(given: Any, entry: str) -> Any:
    """Return the sealed bytes of a model's file, and everything else as it is."""
    if is_path(given):
        path = os.fsdecode(given)
        if "://" not in path and os.path.isfile(path) and watch.is_of_signed(path):
            return sealed(path, entry=entry)
    return given


def _of_models(entry: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def read(source: Any, *args: Any, **options: Any) -> Any:
        return original(_served(source, entry), *args, **options)

    return read


def _method_of_models(entry: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def read(self: Any, source: Any, *args: Any, **options: Any) -> Any:
        return original(self, _served(source, entry), *args, **options)

    return read


def _replace_file(module: ModuleType) -> None:
    """Guard Arrow's file, which stays a class."""
    original = module.OSFile
    if "_weighbridge" in vars(original):
        return

    class OSFile(original):  # type: ignore[misc, valid-type]  # the native class
        _weighbridge = True

        def __new__(cls, path: Any, mode: str = "r", *args: Any) -> Any:
            given = _served(path, "pyarrow.OSFile") if mode in {"r", "rb"} else path
            return super().__new__(cls, given, mode, *args)

    OSFile.__module__ = original.__module__
    OSFile.__qualname__ = original.__qualname__
    put(module, "OSFile", original, OSFile)
