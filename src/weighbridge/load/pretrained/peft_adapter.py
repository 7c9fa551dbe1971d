"""
Adapters of PEFT, put on a base model that was verified as well.

An adapter names its base. PEFT would load what it names; here the program gives the base, made by
a verified load, and the name is compared with it: weights of an adapter on another base than its
own are at best useless.
"""

from collections.abc import Callable, Mapping
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, MissingExtraError, UsageError
from weighbridge.load.pretrained.arguments import folder_of, require_safe
from weighbridge.load.pretrained.call import Prepared, call_confined, prepare
from weighbridge.load.pretrained.configs import ADAPTER, refused, walk
from weighbridge.load.pretrained.interface import Pretrained
from weighbridge.load.pretrained.origins import Origin, origin_of

LIBRARY: Final = "peft"
DEFAULT: Final = "PeftModel"

_KINDS: Final = frozenset(
    {
        "ADALORA",
        "BOFT",
        "FOURIERFT",
        "HRA",
        "IA3",
        "LN_TUNING",
        "LOHA",
        "LOKR",
        "LORA",
        "OFT",
        "PREFIX_TUNING",
        "PROMPT_TUNING",
        "P_TUNING",
        "VERA",
    }
)
"""Kinds of adapters whose weights are in the adapter's own files alone."""

_NAMES: Final = frozenset({"base_model_name_or_path", "tokenizer_name_or_path"})
"""Names of models in a configuration, from which nothing is loaded here."""

_CODE: Final = frozenset({"megatron_config", "adapters"})
"""Keys under which PEFT imports a package, or loads other adapters."""

_BASES: Final = {
    "CAUSAL_LM": "AutoModelForCausalLM",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM",
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
}


def load_adapter(
    pretrained: Pretrained,
    target: str,
    positional: tuple[object, ...],
    arguments: Mapping[str, object],
) -> object:
    """
    Return what `peft.TARGET.from_pretrained` makes of an adapter and its base.

    Args:
        pretrained: The adapter.
        target: `PeftModel`, or one of its kinds, such as `PeftModelForCausalLM`.
        positional: The base model, an object that a verified load made; then what the library
            takes behind the adapter.
        arguments: Named ones, as the library takes them, and `base_name`: what the adapter calls
            its base, where that is not the end of the base's reference.

    Raises:
        MissingExtraError: PEFT is not installed.
        UsageError: No such class, an argument that would loosen the load, or a base that no
            verified load made.
        ArtifactRefusedError: The adapter is for another base, or names code or other adapters;
            else as for `prepare` and `call_confined`.
    """
    named = dict(arguments)
    base_name = named.pop("base_name", None)
    require_safe(named, code=None, library=LIBRARY)
    function = _find(target)
    prepared = prepare(pretrained, adapter=True)
    config = read_adapter(prepared, folder=folder_of(named))
    if not positional:
        raise UsageError("an adapter needs a base model", hint="Give the base as first argument")
    base, *rest = positional
    origin = _require_base(base, config, base_name, where=pretrained.name)
    _require_parent(pretrained, origin)
    return call_confined(
        prepared, lambda root: function(base, root, *rest, **named), library=LIBRARY
    )


def read_adapter(prepared: Prepared, *, folder: str = "") -> Mapping[str, object]:
    """
    Return the adapter's configuration, if nothing in it leads elsewhere.

    Raises:
        ArtifactRefusedError: There is none, or it does.
    """
    path = f"{folder}/{ADAPTER}" if folder else ADAPTER
    config = prepared.documents.get(path)
    if not isinstance(config, Mapping):
        raise refused(path, "no configuration of an adapter")
    kind = config.get("peft_type")
    if kind not in _KINDS:
        raise refused(path, f"an adapter of the kind {kind}")
    for key, value in walk(config):
        leads = key in _CODE or (key.endswith(("_path", "_file")) and key not in _NAMES)
        if leads and value:
            raise refused(path, f"{key} = {value}")
    return config


def base_class(config: Mapping[str, object]) -> str:
    """Return the class of transformers that the base of an adapter is loaded as."""
    return _BASES.get(str(config.get("task_type")), "AutoModel")


def _require_base(
    base: object, config: Mapping[str, object], base_name: object, *, where: str
) -> Origin:
    """Return where *base* comes from, if it is called as the adapter calls its base."""
    origin = origin_of(base)
    if origin is None:
        raise UsageError(
            "the base of an adapter is verified as well",
            expected="a model that a verified load made",
            found=type(base).__name__,
            hint="Load it with weighbridge.integrations.transformers, and give that object",
        )
    claim = str(config.get("base_model_name_or_path") or "")
    if base_name is None and origin.is_called(claim):
        return origin
    if base_name is not None and base_name == claim:
        return origin
    raise ArtifactRefusedError(
        "the adapter was made for another base model",
        code=Code.LOAD_REFUSED,
        where=where,
        expected=origin.reference if base_name is None else str(base_name),
        found=claim[:400] or "no name",
        hint="Give the base that it names; if this is the one, say so: base_name='NAME', as found",
    )


def _require_parent(adapter: Pretrained, base: Origin) -> None:
    """Refuse a base that the adapter was not made from, where its lineage is asked for."""
    if adapter.parents is None or base.binding in adapter.parents:
        return
    if base.binding is None:
        found = f"{base.reference}, whose names digest is not known"
    else:
        found = f"{base.reference} ({base.binding.label})"
    raise ArtifactRefusedError(
        "the adapter was not made from this base model",
        code=Code.LINEAGE_BASE,
        where=adapter.name,
        expected=" or ".join(sorted(each.label for each in adapter.parents)) or "no model",
        found=found,
        hint="Give the very base that the adapter's provenance names: weighbridge lineage shows it",
    )


def _find(target: str) -> Callable[..., object]:
    try:
        import peft  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra("peft", purpose="an adapter of PEFT") from error
    found = getattr(peft, target, None) if target.isidentifier() else None
    if not (isinstance(found, type) and issubclass(found, (peft.PeftModel, peft.PeftMixedModel))):
        raise UsageError(
            "PEFT has no such class to load",
            expected="PeftModel, or one of its kinds",
            found=target,
        )
    function: Callable[..., object] = vars(peft)[target].from_pretrained
    return function
