"""`llama_cpp`: the functions of the native library that take the path of a model."""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from weighbridge.load.guard.entries.paths import is_path, sealed
from weighbridge.load.guard.entries.replacing import replace
from weighbridge.load.guard.watch import guard

_FIRST = ("llama_load_model_from_file", "llama_model_load_from_file")
_SECOND = ("llama_adapter_lora_init", "llama_lora_adapter_init")
_SPLIT = ("llama_model_load_from_splits",)


def install(module: ModuleType) -> None:
    """Guard `llama_cpp.llama_cpp`."""
    for name in _FIRST:
        replace(module, name, partial(_reading, name, 0))
    for name in _SECOND:
        replace(module, name, partial(_reading, name, 1))
    for name in _SPLIT:
        replace(module, name, partial(_refusing, name))


def _reading(entry: str, position: int, original: Callable[..., Any]) -> Callable[..., Any]:
    def read(*args: Any) -> Any:
        given = args[position]
        if is_path(given):
            given = sealed(given, entry=entry).encode()
        return original(*args[:position], given, *args[position + 1 :])

    return read


def _refusing(entry: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*args: Any) -> Any:
        guard().refuse(entry, "a model in several files, which are opened by names of its own")
        return original(*args)

    return refuse
