"""
Put the checks into vLLM: before it reads a configuration, weights, or an adapter.

1. Where vLLM gets its arguments and makes the configuration of a model (also of a draft model), the
   model, the tokenizer and the other places to read from become paths of verified copies. So
   everything that any process reads by them later was verified: configuration, tokenizer,
   processors, code.
2. Where weights are read, that process hashes the copy itself, right before, and looks afterwards
   whether it was touched meanwhile. Loaders that read in other ways are refused.
3. Where an adapter is read, at the start or later, that process verifies it by the policy, and
   reads it from sealed memory.
"""

import copy
import importlib
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError, OperationError
from weighbridge.integrations.vllm.gate import gate, recognise_copies
from weighbridge.integrations.vllm.seams import (
    ADAPTER,
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    CONFIGURED,
    CONFIGURING,
    LOADER,
    PREPARING,
    SEAMS,
    WEIGHTS,
)
from weighbridge.pipeline.copies import CheckedCopy

LOAD_FORMAT: Final = "weighbridge"
"""The load format that only a vLLM with this plugin knows."""

_FORMATS: Final = frozenset(
    ("auto", "hf", "safetensors", "mistral", "pt", "fastsafetensors", "instanttensor", LOAD_FORMAT)
)
"""Those of vLLM's own loader that read the files of a directory, and write nothing into it."""

_PLACES: Final = ("model", "tokenizer", "hf_config_path", "generation_config")
_NO_PLACES: Final = frozenset(("auto", "vllm"))
_Method = Callable[..., Any]

_reading: ContextVar[list[CheckedCopy] | None] = ContextVar("_reading", default=None)
"""The copies that the current load of weights reads from."""


def install() -> None:
    """
    Put the checks into the vLLM of this process; again is nothing.

    Raises:
        OperationError: This vLLM has not what they are put into.
    """
    if getattr(LOADER.find()[0], "_weighbridge", False):
        return
    for seam in SEAMS:
        seam.find()
    _stay_offline()
    recognise_copies()
    for seam, wrap in (
        (CONFIGURING, _configuring),
        (CONFIGURED, _configured),
        (LOADER, _constructing),
        (PREPARING, _preparing),
        (WEIGHTS, _loading_weights),
        (ADAPTER, _loading_adapter),
        (ADAPTER_CONFIG, _adapter_part),
        (ADAPTER_WEIGHTS, _adapter_part),
    ):
        seam.replace(wrap)
    _register_format()
    LOADER.find()[0]._weighbridge = True  # type: ignore[attr-defined]


def _stay_offline() -> None:
    """Let nobody ask a hub, in this process and its children: nothing from there was verified."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    constants: Any = importlib.import_module("huggingface_hub.constants")
    constants.HF_HUB_OFFLINE = True


def _refuse(message: str, *, found: str, hint: str) -> None:
    error = OperationError(message, code=Code.GUARD_DENIED, found=found, hint=hint)
    gate().refuse("vllm", error)


def _exchange(arguments: Any) -> dict[str, str]:
    """Put verified copies into *arguments* for what vLLM would read, and return them by name."""
    if getattr(arguments, "model_weights", ""):
        _refuse(
            "weights that lie elsewhere than the model are not verified",
            found=str(arguments.model_weights),
            hint="Give vLLM the directory of the whole model",
        )
    name = arguments.model
    code = bool(getattr(arguments, "trust_remote_code", False))
    given: dict[str, str] = {}
    for place in _PLACES:
        value = getattr(arguments, place, None)
        if isinstance(value, str) and value and value not in _NO_PLACES:
            given[place] = gate().model(value, code=code)
            setattr(arguments, place, given[place])
    if not arguments.served_model_name and given["model"] != name:
        arguments.served_model_name = name  # what clients ask for stays what it was
    return given


def _configuring(original: _Method) -> _Method:
    def create_engine_config(self: Any, *args: Any, **options: Any) -> Any:
        if getattr(importlib.import_module("vllm.envs"), "VLLM_USE_RUST_FRONTEND", False):
            _refuse(
                "the frontend in Rust reads the tokenizer by itself, unverified",
                found="VLLM_USE_RUST_FRONTEND",
                hint="Unset it",
            )
        _exchange(self)
        return original(self, *args, **options)

    return create_engine_config


def _configured(original: _Method) -> _Method:
    def __post_init__(self: Any, *args: Any, **options: Any) -> None:
        given = _exchange(self)
        original(self, *args, **options)
        for place, path in given.items():
            if getattr(self, place) != path:
                _refuse(
                    "vLLM was led from the verified copy to something else",
                    found=f"{place}: {getattr(self, place)}",
                    hint="Unset what redirects models",
                )

    return __post_init__


def _constructing(original: _Method) -> _Method:
    def __init__(self: Any, load_config: Any, *args: Any, **options: Any) -> None:
        kind, form = type(self), str(load_config.load_format)
        known = kind is PREPARING.find()[0] or kind.__dict__.get("_weighbridge_format", False)
        if not (known and form in _FORMATS) and kind.__name__ != "DummyModelLoader":
            _refuse(
                "vLLM is told to load in a way that is not verified",
                found=f"{kind.__module__}.{kind.__qualname__}, load format {form}",
                hint=f"Say --load-format {LOAD_FORMAT}",
            )
        original(self, load_config, *args, **options)

    return __init__


def _preparing(original: _Method) -> _Method:
    def _prepare_weights(self: Any, model_name_or_path: str, *args: Any, **options: Any) -> Any:
        checked = gate().weights(model_name_or_path)
        if checked is None:
            return original(self, model_name_or_path, *args, **options)
        reading = _reading.get()
        if reading is not None:
            reading.append(checked)
        return original(self, os.fspath(checked.path), *args, **options)

    return _prepare_weights


def _loading_weights(original: _Method) -> _Method:
    def load_weights(self: Any, model: Any, model_config: Any, *args: Any, **options: Any) -> Any:
        copies: list[CheckedCopy] = []
        token = _reading.set(copies)
        try:
            loaded = original(self, model, model_config, *args, **options)
        finally:
            _reading.reset(token)
        try:
            for each in copies:
                each.require_unchanged()
            if not copies:
                gate().require_enforced("vLLM read weights in a way that is not known")
        except ArtifactChangedError as error:
            gate().refuse("vllm.weights", error)
        return loaded

    return load_weights


def _loading_adapter(original: _Method) -> _Method:
    def _load_adapter(self: Any, lora_request: Any, *args: Any, **options: Any) -> Any:
        if getattr(lora_request, "tensorizer_config_dict", None):
            _refuse("adapters of tensorizer are not verified", found="tensorizer", hint="Use files")
        with gate().adapter(lora_request.lora_path) as path:
            shown = copy.copy(lora_request)
            shown.lora_path = path
            return original(self, shown, *args, **options)

    return _load_adapter


def _adapter_part(original: _Method) -> _Method:
    def from_local(cls: Any, path: str, *args: Any, **options: Any) -> Any:
        with gate().adapter(path) as shown:
            return original(cls, shown, *args, **options)

    return from_local


def _register_format() -> None:
    """Register the load format that a vLLM without this plugin refuses."""
    loaders: Any = importlib.import_module("vllm.model_executor.model_loader")
    default: Any = PREPARING.find()[0]

    class VerifiedModelLoader(default):  # type: ignore[misc]
        """vLLM's own loader, which reads verified copies alone."""

        _weighbridge_format = True

        def __init__(self, load_config: Any) -> None:
            super().__init__(replace(load_config, load_format="auto"))

    loaders.register_model_loader(LOAD_FORMAT)(VerifiedModelLoader)
