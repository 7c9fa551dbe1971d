"""Pipelines and their parts of diffusers."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from weighbridge.core.errors import MissingExtraError, UsageError
from weighbridge.load.pretrained.arguments import folder_of, require_safe
from weighbridge.load.pretrained.call import Prepared, call_confined, prepare
from weighbridge.load.pretrained.configs import refused
from weighbridge.load.pretrained.interface import Pretrained
from weighbridge.load.pretrained.selection import has_safetensors

LIBRARY: Final = "diffusers"
DEFAULT: Final = "DiffusionPipeline"

_CLASS: Final = re.compile(r"[A-Z][A-Za-z0-9_]*")
_INDEX: Final = "model_index.json"
_MODULAR: Final = frozenset({"modular_model_index.json", "modular_config.json"})
_LIBRARIES: Final = frozenset({"diffusers", "transformers"})


def load_diffusers(
    pretrained: Pretrained,
    target: str,
    positional: tuple[object, ...],
    arguments: Mapping[str, object],
) -> object:
    """
    Return what `diffusers.TARGET.from_pretrained` makes of *pretrained*.

    Args:
        pretrained: The artifact.
        target: A class such as `DiffusionPipeline` or `UNet2DModel`.
        positional: Arguments behind the model.
        arguments: Named ones, as the library takes them.

    Raises:
        MissingExtraError: diffusers is not installed.
        UsageError: No such class, or an argument that would loosen the load.
        ArtifactRefusedError: The model names classes of anything but diffusers and transformers;
            else as for `prepare` and `call_confined`.
    """
    require_safe(arguments, code=None, library=LIBRARY)
    folder = folder_of(arguments)
    prepared = prepare(pretrained)
    function = _find(target)
    _require_own(prepared)
    named = {**arguments, "local_files_only": True}
    if arguments.get("use_safetensors") is False and has_safetensors(prepared.shown, folder=folder):
        raise UsageError(
            "the argument use_safetensors is not for a verified load: safetensors files are there",
            where=LIBRARY,
            hint="Leave it out",
        )
    return call_confined(
        prepared, lambda root: function(root, *positional, **named), library=LIBRARY
    )


def _find(target: str) -> Callable[..., object]:
    try:
        import diffusers  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra("diffusers", purpose="an object of diffusers") from error
    found = getattr(diffusers, target, None) if _CLASS.fullmatch(target) else None
    function = getattr(found, "from_pretrained", None)
    if not callable(function) or "Onnx" in target or "Flax" in target:
        raise UsageError(
            "diffusers has no such class to load",
            expected="a class with from_pretrained, such as DiffusionPipeline",
            found=target,
        )
    made: Callable[..., object] = function
    return made


def _require_own(prepared: Prepared) -> None:
    for path, document in prepared.documents.items():
        base = path.rpartition("/")[2]
        if base in _MODULAR:
            raise refused(path, "a modular pipeline, whose parts are loaded from elsewhere")
        if base == _INDEX:
            if not isinstance(document, Mapping):
                raise refused(path, "no index of a pipeline")
            _require_own_index(document, where=path)


def _require_own_index(index: Mapping[str, object], *, where: str) -> None:
    """
    Refuse an index with classes of other libraries, or with names that are no folders.

    Raises:
        ArtifactRefusedError: It has; nothing of another library was imported.
    """
    import diffusers  # noqa: PLC0415  optional, slow

    pipeline = index.get("_class_name")
    named = isinstance(pipeline, str) and _CLASS.fullmatch(pipeline)
    if not named or not _is_class(diffusers, str(pipeline), diffusers.DiffusionPipeline):
        raise refused(where, f"the pipeline {pipeline}")
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, (list, tuple)):
            continue
        if not name.isidentifier():
            raise refused(where, f"the folder {name}")
        if value and all(each is None for each in value):
            continue
        if len(value) > 1 and isinstance(value[0], str) and isinstance(value[1], str):
            _require_own_class(value[0], value[1], where=where)


def _require_own_class(library: str, name: str, *, where: str) -> None:
    import diffusers  # noqa: PLC0415  optional, slow

    own = library in _LIBRARIES or (
        library.isidentifier()
        and not library.startswith("_")
        and str(getattr(getattr(diffusers.pipelines, library, None), "__name__", "")).startswith(
            "diffusers.pipelines."
        )
    )
    if not own or not _CLASS.fullmatch(name):
        raise refused(where, f"the class {library}.{name}")


def _is_class(module: object, name: str, base: type) -> bool:
    found = getattr(module, name, None)
    return isinstance(found, type) and issubclass(found, base)
