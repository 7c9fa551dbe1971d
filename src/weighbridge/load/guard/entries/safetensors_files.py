"""
`safetensors`: its native module opens files by name, twice, and no audit event tells of it.

`safe_open` and the handle behind it get the path of sealed memory. `deserialize` gets bytes, and
the format has no way to express code: its header is held to the format.
"""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import WeighbridgeError
from weighbridge.formats.safetensors import parse_header
from weighbridge.load.guard.entries.replacing import replace
from weighbridge.load.guard.scopes import working
from weighbridge.load.guard.watch import guard


def install(module: ModuleType) -> None:
    """Guard `safetensors._safetensors_rust`."""
    for name in ("safe_open", "_safe_open_handle"):
        replace(module, name, _opening)
    replace(module, "deserialize", _in_memory)


def _opening(original: Callable[..., Any]) -> Callable[..., Any]:
    def safe_open(filename: Any, *args: Any, **options: Any) -> Any:
        path = guard().path(os.fsdecode(filename), entry="safetensors.safe_open")
        return original(path, *args, **options)

    return safe_open


def _in_memory(original: Callable[..., Any]) -> Callable[..., Any]:
    def deserialize(data: Any, /) -> Any:
        try:
            with working():
                parse_header(BytesSource(bytes(data)))
        except WeighbridgeError as error:
            guard().refuse("safetensors.deserialize", error)
        return original(data)

    return deserialize
