"""
PyYAML's unsafe loaders and HyperPyYAML, which make any object that a document names.

A document in a file is admitted as pickles are: the verified bytes are read, with every name in
them. Documents in memory get names that are harmless whatever they are called with.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from weighbridge.load.guard import net
from weighbridge.load.guard.entries.replacing import replace
from weighbridge.load.guard.scopes import Scope, current, entered
from weighbridge.load.guard.serving import call_it
from weighbridge.load.guard.watch import guard, state
from weighbridge.load.reader import open_held

_ENTRY: Final = "yaml.unsafe_load"
_HYPER: Final = "hyperpyyaml.load_hyperpyyaml"
_NAMING: Final = (
    *("_apply_function", "_applyref_function"),
    *("_construct_module", "_construct_name", "_construct_object"),
)
_CONFIGURATION: Final = Scope(what="the configuration of a model")
"""Names in it are verified; what is loaded by what they name is not."""


def install(module: ModuleType) -> None:
    """Guard `yaml`, its module of constructors, or `hyperpyyaml.core`."""
    match module.__name__:
        case "yaml":
            replace(module, "load", lambda original: _load(original, module))
        case "hyperpyyaml.core":
            for name in ("load_hyperpyyaml", "resolve_references"):
                replace(module, name, _configuring)
            for name in _NAMING:
                replace(module, name, _naming)
        case _:
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
        _require(named, entry=_ENTRY)
        return original(self, named, *args, **options)

    setattr(constructor, name, find)


def _require(named: str, *, entry: str) -> None:
    """Refuse what a document names, unless that is verified or the name harmless."""
    scope = current()
    if scope is not None and (scope.verified or scope is _CONFIGURATION):
        return
    module, _, last = named.rpartition(".")
    objection = net.objection_to_name(module or "builtins", last, None, None)
    if objection is not None:
        guard().refuse(entry, objection)


def _configuring(original: Callable[..., Any]) -> Callable[..., Any]:
    """Guard what reads a document, and what reads those that it includes."""

    def load(yaml_stream: Any, *args: Any, **options: Any) -> Any:
        path = net.path_of(yaml_stream)
        if path is None and not guard().is_verified(yaml_stream):
            return original(yaml_stream, *args, **options)
        admission = None if path is None else guard().admit(path, entry=_HYPER)
        with entered(_CONFIGURATION):
            if admission is None:
                return original(yaml_stream, *args, **options)
            with state.open(guard().sealed_path(admission), encoding="utf-8") as file:
                call_it(file, admission.path)  # what it includes lies beside it
                return original(file, *args, **options)

    return load


def _naming(original: Callable[..., Any]) -> Callable[..., Any]:
    def construct(*args: Any) -> Any:
        *_, named, _node = args  # behind the loader, where there is one
        _require(named, entry=_HYPER)
        return original(*args)

    return construct
