"""
PyYAML's unsafe loaders, which make any object that a document names.

A document in a file is admitted as pickles are: the verified bytes are read, with every name in
them. Documents in memory get names that are harmless whatever they are called with.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from weighbridge.load.guard import net
from weighbridge.load.guard.entries.replacing import replace
from weighbridge.load.guard.scopes import Scope, current, entered
from weighbridge.load.guard.watch import guard
from weighbridge.load.reader import open_held

_ENTRY: Final = "yaml.unsafe_load"


def install(module: ModuleType) -> None:
    """Guard `yaml`, or its module of constructors."""
    if module.__name__ == "yaml":
        replace(module, "load", lambda original: _load(original, module))
        return
    for name in ("find_python_name", "find_python_module"):
        _replace_finder(module.UnsafeConstructor, name)


def _load(original: Callable[..., Any], module: ModuleType) -> Callable[..., Any]:
    def load(stream: Any, Loader: Any) -> Any:  # noqa: N803  as the original
        unsafe = isinstance(Loader, type) and issubclass(
            Loader, module.constructor.UnsafeConstructor
        )
        path = net.path_of(stream) if unsafe else None
        given = stream
        if path is not None:
            admission = guard().admit(path, entry=_ENTRY)
            given = stream if admission is None else open_held(admission.held)
        elif not unsafe or not guard().is_verified(stream):
            return original(stream, Loader)
        with entered(Scope(what=path or "a file", verified=True)):
            return original(given, Loader)

    return load


def _replace_finder(constructor: Any, name: str) -> None:
    original = getattr(constructor, name)

    def find(self: Any, named: str, *args: Any, **options: Any) -> Any:
        scope = current()
        if scope is None or not scope.verified:
            module, _, last = named.rpartition(".")
            objection = net.objection_to_name(module or "builtins", last, None, None)
            if objection is not None:
                guard().refuse(_ENTRY, objection)
        return original(self, named, *args, **options)

    setattr(constructor, name, find)
