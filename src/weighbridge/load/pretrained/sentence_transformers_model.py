"""Models of sentence-transformers."""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from weighbridge.core.errors import MissingExtraError, UsageError
from weighbridge.load.pretrained.arguments import require_safe
from weighbridge.load.pretrained.call import Prepared, call_confined, prepare
from weighbridge.load.pretrained.configs import is_inside, refused
from weighbridge.load.pretrained.confinement import NOWHERE
from weighbridge.load.pretrained.interface import Pretrained

LIBRARY: Final = "sentence-transformers"
DEFAULT: Final = "SentenceTransformer"

_PACKAGE: Final = "sentence_transformers"
_CLASS: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_DOTTED: Final = re.compile(rf"({_PACKAGE}(?:\.[A-Za-z0-9_]+)*)\.([A-Z][A-Za-z0-9]*)")
_MODULES: Final = "modules.json"
_ROUTERS: Final = frozenset({"router_config.json", "config.json"})


def load_sentence_transformer(
    pretrained: Pretrained,
    target: str,
    positional: tuple[object, ...],
    arguments: Mapping[str, object],
) -> object:
    """
    Return what `sentence_transformers.TARGET` makes of *pretrained*.

    Args:
        pretrained: The artifact.
        target: A class such as `SentenceTransformer` or `CrossEncoder`.
        positional: Arguments behind the model.
        arguments: Named ones, as the library takes them.

    Raises:
        MissingExtraError: sentence-transformers is not installed.
        UsageError: No such class, or an argument that would loosen the load.
        ArtifactRefusedError: The model names classes of anything but the library itself; else as
            for `prepare` and `call_confined`.
    """
    require_safe(arguments, code=None, library=LIBRARY)
    prepared = prepare(pretrained)
    made = _find(target)
    for path, name in _references(prepared):
        _require_own(name, where=path)
    named = {
        **arguments,
        "local_files_only": True,
        "trust_remote_code": False,
        "cache_folder": NOWHERE,
    }
    return call_confined(prepared, lambda root: made(root, *positional, **named), library=LIBRARY)


def _find(target: str) -> Callable[..., object]:
    try:
        import sentence_transformers  # noqa: PLC0415  optional, slow
        import torch  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra(
            "sentence-transformers", purpose="a model of sentence-transformers"
        ) from error
    found = getattr(sentence_transformers, target, None) if _CLASS.fullmatch(target) else None
    if not (isinstance(found, type) and issubclass(found, torch.nn.Module)):
        raise UsageError(
            "sentence-transformers has no such class to load",
            expected="SentenceTransformer, CrossEncoder or SparseEncoder",
            found=target,
        )
    return found


def _references(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """Yield the classes that the model's files name, each with the file."""
    for path, document in prepared.documents.items():
        base = path.rpartition("/")[2]
        if base == _MODULES:
            yield from ((path, name) for name in _modules(document, where=path))
        elif base in _ROUTERS and isinstance(document, Mapping):
            types = document.get("types")
            if isinstance(types, Mapping):
                for folder, name in types.items():
                    _require_inside(str(folder), where=path)
                    yield path, str(name)


def _modules(document: object, *, where: str) -> Iterator[str]:
    entries = document if isinstance(document, list) else [document]
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise refused(where, "a list of something else than modules")
        _require_inside(str(entry.get("path", "")), where=where)
        yield str(entry.get("type", ""))


def _require_inside(folder: str, *, where: str) -> None:
    if folder and not is_inside(folder):
        raise refused(where, f"the folder {folder}")


def _require_own(name: str, *, where: str) -> None:
    """
    Refuse what is no module class of sentence-transformers itself.

    Raises:
        ArtifactRefusedError: The name leads elsewhere; nothing of another package was imported.
    """
    import torch  # noqa: PLC0415  optional, slow

    match = _DOTTED.fullmatch(name)
    if match is None or "__" in name:
        raise refused(where, f"the class {name}")
    try:
        found = getattr(importlib.import_module(match[1]), match[2], None)
    except ImportError as error:
        raise refused(where, f"the class {name}, which the installed release lacks") from error
    own = isinstance(found, type) and issubclass(found, torch.nn.Module)
    if not own or not str(getattr(found, "__module__", "")).startswith(f"{_PACKAGE}."):
        raise refused(where, f"{name}, which is no module of the library")
