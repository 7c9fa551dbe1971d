"""
Loaders that run code which a model brings along: if the rule admits it, and never otherwise.

A rule admits it by `remote-code = "pinned"`, with the digests of the code, or `"allow"`.

| library | what |
|---|---|
| transformers | `trust_remote_code`, `custom_generate` |
| diffusers | `trust_remote_code`, `custom_pipeline` |
| `torch.hub` | the `hubconf.py` of a repository |
"""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from weighbridge.load.guard.entries.replacing import replace
from weighbridge.load.guard.watch import guard

_ENTRY: Final = "trust_remote_code"


def install(module: ModuleType) -> None:
    """Guard one of the libraries' modules."""
    if module.__name__ == "torch.hub":
        replace(module, "_import_module", _hub)
        return
    if module.__name__ == "diffusers.utils.dynamic_modules_utils":
        replace(module, "get_cached_module_file", _pipeline_file)
        return
    replace(module, "get_class_from_dynamic_module", _guarded)
    replace(module, "get_cached_module_file", _file)


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_class_from_dynamic_module(
        class_reference: str, pretrained_model_name_or_path: Any, *args: Any, **options: Any
    ) -> Any:
        _require(str(class_reference), os.fspath(pretrained_model_name_or_path))
        return original(class_reference, pretrained_model_name_or_path, *args, **options)

    return get_class_from_dynamic_module


def _file(original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard what every way to code of a model goes through, that of `custom_generate` too."""

    def get_cached_module_file(
        pretrained_model_name_or_path: Any, module_file: str, *args: Any, **options: Any
    ) -> Any:
        _require(module_file.removesuffix(".py"), os.fspath(pretrained_model_name_or_path))
        return original(pretrained_model_name_or_path, module_file, *args, **options)

    return get_cached_module_file


def _hub(original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard what `torch.hub` runs of a repository, which it may have downloaded."""

    def _import_module(name: str, path: Any) -> Any:
        guard().admit_code(os.path.abspath(path), entry="torch.hub")
        return original(name, path)

    return _import_module


def _pipeline_file(original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard what every way to code in diffusers goes through; code of a hub is refused."""

    def get_cached_module_file(
        pretrained_model_name_or_path: Any,
        module_file: str,
        subfolder: str | None = None,
        *args: Any,
        **options: Any,
    ) -> Any:
        model = os.fspath(pretrained_model_name_or_path)
        folder = os.path.join(model, subfolder) if subfolder else model
        _require(module_file.removesuffix(".py"), folder)
        return original(pretrained_model_name_or_path, module_file, subfolder, *args, **options)

    return get_cached_module_file


def _require(reference: str, model: str) -> None:
    """Refuse code that is in no artifact whose rule admits code."""
    if "--" in reference or not os.path.isdir(model):
        guard().refuse(_ENTRY, "code that is not in a local model", path=model)
        return
    path = os.path.join(model, reference.partition(".")[0] + ".py")
    guard().admit_code(path, entry=_ENTRY)
