"""
`vllm.plugins`: under a guard weighbridge's own plugin is called first, in every process of vLLM.

vLLM calls the plugins that a variable lists, or all, and goes on without one that it cannot import.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from weighbridge.load.guard.entries.replacing import replace

_PLUGIN = "weighbridge.integrations.vllm"
"""It lies in a layer above this one."""


def install(module: ModuleType) -> None:
    """Guard `vllm.plugins`."""
    replace(module, "load_general_plugins", _loading)


def _loading(original: Callable[..., Any]) -> Callable[..., Any]:
    def load_general_plugins(*args: Any, **options: Any) -> Any:
        import_module(_PLUGIN).register()
        return original(*args, **options)

    return load_general_plugins
