"""`numpy.load`: reads through what is guarded, `open` and `pickle`, and would hide why not."""

from collections.abc import Callable
from pickle import UnpicklingError
from types import ModuleType
from typing import Any

from weighbridge.core.errors import GuardDeniedError
from weighbridge.load.guard.entries.replacing import replace


def install(module: ModuleType) -> None:
    """Let a denial be what `load` of NumPy raises, and not that the file is no pickle."""
    replace(module, "load", _telling)


def _telling(original: Callable[..., Any]) -> Callable[..., Any]:
    def load(*args: Any, **options: Any) -> Any:
        try:
            return original(*args, **options)
        except UnpicklingError as error:
            if isinstance(error.__cause__, GuardDeniedError):
                raise error.__cause__ from None
            raise

    return load
