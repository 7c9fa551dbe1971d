"""The libraries by name, each imported when it is asked for."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from weighbridge.core.errors import UsageError
from weighbridge.load.pretrained.interface import Pretrained
from weighbridge.load.pretrained.origins import Origin, remember

Library: TypeAlias = Literal["diffusers", "peft", "sentence-transformers", "transformers"]
"""Libraries that load a model by its directory."""

_Loader: TypeAlias = Callable[[Pretrained, str, tuple[object, ...], Mapping[str, object]], object]


def _transformers() -> _Loader:
    from weighbridge.load.pretrained.transformers_object import (  # noqa: PLC0415  if asked for
        load_transformers,
    )

    return load_transformers


def _sentence_transformers() -> _Loader:
    from weighbridge.load.pretrained.sentence_transformers_model import (  # noqa: PLC0415  as above
        load_sentence_transformer,
    )

    return load_sentence_transformer


def _diffusers() -> _Loader:
    from weighbridge.load.pretrained.diffusers_object import (  # noqa: PLC0415  if asked for
        load_diffusers,
    )

    return load_diffusers


def _peft() -> _Loader:
    from weighbridge.load.pretrained.peft_adapter import load_adapter  # noqa: PLC0415  as above

    return load_adapter


_LIBRARIES: Final[Mapping[str, tuple[str, Callable[[], _Loader]]]] = MappingProxyType(
    {
        "diffusers": ("DiffusionPipeline", _diffusers),
        "peft": ("PeftModel", _peft),
        "sentence-transformers": ("SentenceTransformer", _sentence_transformers),
        "transformers": ("AutoModel", _transformers),
    }
)

LIBRARIES: Final = frozenset(_LIBRARIES)


def load_pretrained(
    pretrained: Pretrained,
    library: str,
    target: str | None,
    positional: tuple[object, ...],
    arguments: Mapping[str, object],
    *,
    reference: str,
) -> object:
    """
    Return what *library* makes of *pretrained*.

    Args:
        pretrained: The artifact.
        library: One of `Library`.
        target: The class or function of it; None for the one that fits every model.
        positional: What the library takes behind the model.
        arguments: Named arguments, as the library takes them.
        reference: What the program calls the artifact.

    Raises:
        UsageError: There is no such library, class or argument.
        MissingExtraError: It is not installed.
        ArtifactRefusedError, MalformedContentError, OperationError: See the library's module.
    """
    if library not in _LIBRARIES:
        known = ", ".join(_LIBRARIES)
        raise UsageError("no such library", expected=known, found=str(library))
    default, find = _LIBRARIES[library]
    made = find()(pretrained, target or default, positional, arguments)
    remember(made, Origin(reference=reference, binding=pretrained.binding))
    return made


def load_on_base(
    adapter: Pretrained, load_base: Callable[[str], object], *, reference: str
) -> object:
    """
    Return *adapter* of PEFT on the model that *load_base* gives for a class of transformers.

    Raises:
        MissingExtraError, ArtifactRefusedError, OperationError: As for `load_pretrained`.
    """
    from weighbridge.load.pretrained.call import prepare  # noqa: PLC0415  only when asked for
    from weighbridge.load.pretrained.peft_adapter import (  # noqa: PLC0415  as above
        base_class,
        read_adapter,
    )

    config = read_adapter(prepare(adapter, adapter=True))
    base = load_base(base_class(config))
    return load_pretrained(adapter, "peft", None, (base,), {}, reference=reference)
