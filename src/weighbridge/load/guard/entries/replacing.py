"""How entry points are replaced: once, in their module and wherever else the name was taken to."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any


class Entry:
    """
    A function in the place of another one.

    No Python function: it does not become a method when a class keeps it, as the built-in functions
    that it stands for do not.
    """

    def __init__(self, original: Callable[..., Any], call: Callable[..., Any]) -> None:
        self.__wrapped__ = original
        self.__name__ = original.__name__
        self.__qualname__ = original.__qualname__
        self.__module__ = original.__module__
        self.__doc__ = original.__doc__
        self._call = call

    def __call__(self, /, *args: Any, **options: Any) -> Any:
        """Do what stands in the place of the original."""
        return self._call(*args, **options)

    def __reduce__(self) -> str:
        return self.__qualname__


def replace(
    module: ModuleType, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """
    Replace the function *name* of *module* by what *make* makes of it; nothing where there is none.

    Modules that took the original by its name before get the replacement as well.
    """
    original = getattr(module, name, None)
    if original is None or isinstance(original, Entry):
        return
    put(module, name, original, Entry(original, make(original)))


def put(module: ModuleType, name: str, original: object, replacement: object) -> None:
    """Set *name* of *module* to *replacement*, and every other name that is *original*."""
    setattr(module, name, replacement)
    for other in list(sys.modules.values()):
        names = getattr(other, "__dict__", None)
        if not isinstance(names, dict) or str(names.get("__name__", "")).startswith("weighbridge."):
            continue
        for taken, value in list(names.items()):
            if value is original and taken != "__wrapped__":
                names[taken] = replacement


def replace_method(
    cls: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """Replace the method *name* of *cls* by what *make* makes of it; once in a class."""
    if "_weighbridge" not in vars(cls):
        cls._weighbridge = True
        setattr(cls, name, make(getattr(cls, name)))
