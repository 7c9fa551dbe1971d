"""
Where vLLM is taken hold of: the calls by which it gets configurations, weights and adapters.

They are internal to vLLM, but for the registry of load formats, and were the same from 0.11 to
0.33. Each is held to its first parameters before anything is replaced: a vLLM that reads in other
ways is refused, and not served unverified.
"""

import importlib
import inspect
from collections.abc import Callable
from typing import Any, Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.core.values import frozen

TESTED: Final = "0.32"
"""The release that the tests run with."""


@frozen
class Seam:
    """
    A method of vLLM.

    Attributes:
        module: Where its class can be imported from.
        owner: The class.
        method: Its name.
        parameters: The first ones, without the object or class that it is called on.
    """

    module: str
    owner: str
    method: str
    parameters: tuple[str, ...] = ()

    def find(self) -> tuple[type, Callable[..., Any]]:
        """
        Return the class, and the function that the method is.

        Raises:
            OperationError: This vLLM has none such.
        """
        owner = getattr(importlib.import_module(self.module), self.owner, None)
        method = inspect.getattr_static(owner, self.method, None)
        function = method.__func__ if isinstance(method, classmethod) else method
        if not isinstance(owner, type) or not callable(function):
            raise self._unknown("none")
        names = tuple(inspect.signature(function).parameters)[1 : len(self.parameters) + 1]
        if names != self.parameters:
            raise self._unknown(", ".join(names))
        return owner, function

    def replace(self, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Put what *wrap* makes of the method in its place."""
        owner, function = self.find()
        made: Any = wrap(function)
        made.__name__ = function.__name__
        made.__qualname__ = function.__qualname__
        made.__doc__ = function.__doc__
        bound = isinstance(inspect.getattr_static(owner, self.method), classmethod)
        setattr(owner, self.method, classmethod(made) if bound else made)

    def _unknown(self, found: str) -> OperationError:
        return OperationError(
            "this release of vLLM is not known, so nothing would be verified",
            code=Code.GUARD_DENIED,
            where=f"{self.module}.{self.owner}.{self.method}",
            expected=", ".join(self.parameters) or "a method",
            found=found,
            hint=f"Use vLLM {TESTED}, which is tested, or weighbridge run",
        )


_LOADERS: Final = "vllm.model_executor.model_loader"

CONFIGURING: Final = Seam(
    module="vllm.engine.arg_utils", owner="EngineArgs", method="create_engine_config"
)
CONFIGURED: Final = Seam(module="vllm.config.model", owner="ModelConfig", method="__post_init__")
LOADER: Final = Seam(
    module=f"{_LOADERS}.base_loader",
    owner="BaseModelLoader",
    method="__init__",
    parameters=("load_config",),
)
PREPARING: Final = Seam(
    module=f"{_LOADERS}.default_loader",
    owner="DefaultModelLoader",
    method="_prepare_weights",
    parameters=("model_name_or_path",),
)
WEIGHTS: Final = Seam(
    module=f"{_LOADERS}.default_loader",
    owner="DefaultModelLoader",
    method="load_weights",
    parameters=("model", "model_config"),
)
ADAPTER: Final = Seam(
    module="vllm.lora.worker_manager",
    owner="WorkerLoRAManager",
    method="_load_adapter",
    parameters=("lora_request",),
)
ADAPTER_CONFIG: Final = Seam(
    module="vllm.lora.worker_manager",
    owner="PEFTHelper",
    method="from_local_dir",
    parameters=("lora_path",),
)
ADAPTER_WEIGHTS: Final = Seam(
    module="vllm.lora.worker_manager",
    owner="LoRAModel",
    method="from_local_checkpoint",
    parameters=("lora_dir",),
)

SEAMS: Final = (
    CONFIGURING,
    CONFIGURED,
    LOADER,
    PREPARING,
    WEIGHTS,
    ADAPTER,
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
)
