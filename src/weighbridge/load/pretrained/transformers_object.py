"""Models, tokenizers, processors and pipelines of transformers."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from weighbridge.core.errors import MissingExtraError, UsageError
from weighbridge.load.pretrained.arguments import folder_of, require_safe
from weighbridge.load.pretrained.call import Prepared, call_confined, prepare
from weighbridge.load.pretrained.interface import Pretrained
from weighbridge.load.pretrained.selection import has_safetensors

LIBRARY: Final = "transformers"
DEFAULT: Final = "AutoModel"
PIPELINE: Final = "pipeline"

_CLASS: Final = re.compile(r"[A-Z][A-Za-z0-9_]*")


def load_transformers(
    pretrained: Pretrained,
    target: str,
    positional: tuple[object, ...],
    arguments: Mapping[str, object],
) -> object:
    """
    Return what `transformers.TARGET.from_pretrained` makes of *pretrained*, or `pipeline` does.

    Args:
        pretrained: The artifact.
        target: A class of transformers, such as `AutoModelForCausalLM`, or `pipeline`.
        positional: Arguments behind the model; for `pipeline`, the task alone.
        arguments: Named ones, as the library takes them.

    Raises:
        MissingExtraError: transformers is not installed.
        UsageError: No such class, or an argument that would loosen the load.
        ArtifactRefusedError, MalformedContentError, OperationError: As for `prepare` and
            `call_confined`.
    """
    require_safe(arguments, code=pretrained.code, library=LIBRARY)
    folder = folder_of(arguments)
    prepared = prepare(pretrained)
    named = dict(arguments)
    function = _find(target)
    if target == PIPELINE:
        named = _for_pipeline(named, prepared, folder)
        named.setdefault("trust_remote_code", False)
    else:
        named["local_files_only"] = True
        if target.startswith("Auto"):
            named.setdefault("trust_remote_code", False)
        if _is_model(target):
            named = _for_model(named, prepared, folder)
    trusts = named.get("trust_remote_code") is True

    def load(root: str) -> object:
        if target == PIPELINE:
            return function(*positional, model=root, **named)
        return function(root, *positional, **named)

    return call_confined(prepared, load, library=LIBRARY, trusts_code=trusts)


def _find(target: str) -> Callable[..., object]:
    try:
        import transformers  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra(
            "transformers", purpose="an object of transformers"
        ) from error
    if target == PIPELINE:
        made: Callable[..., object] = transformers.pipeline
        return made
    known = _CLASS.fullmatch(target) is not None
    found = getattr(getattr(transformers, target, None) if known else None, "from_pretrained", None)
    if not callable(found):
        raise UsageError(
            "transformers has no such class to load",
            expected="a class with from_pretrained, such as AutoModel, or pipeline",
            found=target,
        )
    function: Callable[..., object] = found
    return function


def _is_model(target: str) -> bool:
    import transformers  # noqa: PLC0415  optional, slow

    found = getattr(transformers, target)
    return hasattr(found, "_model_mapping") or issubclass(found, transformers.PreTrainedModel)


def _for_model(named: dict[str, object], prepared: Prepared, folder: str) -> dict[str, object]:
    safe = has_safetensors(prepared.shown, folder=folder)
    asked = named.get("use_safetensors")
    if asked is False and safe:
        raise UsageError(
            "the argument use_safetensors is not for a verified load: safetensors files are there",
            where=LIBRARY,
            hint="Leave it out",
        )
    return {**named, "weights_only": True, "use_safetensors": bool(safe or asked)}


def _for_pipeline(named: dict[str, object], prepared: Prepared, folder: str) -> dict[str, object]:
    given = named.get("model_kwargs") or {}
    if not isinstance(given, Mapping):
        raise UsageError("model_kwargs are named arguments", found=type(given).__name__)
    return {**named, "model_kwargs": _for_model(dict(given), prepared, folder)}
