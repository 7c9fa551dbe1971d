"""Rule `config-target`: a configuration names a Python object to import and call."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import TargetFacts
from weighbridge.scan.denylist import find_effect
from weighbridge.scan.interface import Facts, Match, Rule

FRAMEWORKS: Final = frozenset(
    {
        "diffusers",
        "haystack",
        "haystack_experimental",
        "haystack_integrations",
        "langchain",
        "langchain_community",
        "langchain_core",
        "langchain_openai",
        "lightning",
        "mlserver",
        "nemo",
        "peft",
        "pytorch_lightning",
        "sentence_transformers",
        "speechbrain",
        "timm",
        "torchaudio",
        "torchmetrics",
        "torchtune",
        "torchvision",
        "transformers",
    }
)
"""Packages whose classes are what targets are for."""

_PARTS: Final = ("torch.nn.", "torch.optim.", "monai.networks.", "monai.transforms.")
_HARMLESS: Final = frozenset(
    {
        "speechbrain.utils.seed_everything",
        "speechbrain.utils.torch_audio_backend.check_torchaudio_backend",
        "torch.manual_seed",
        "torch.nn.functional.log_softmax",
    }
)
"""Functions that real configurations call, and that do nothing but what their names say."""

DANGEROUS: Final = frozenset({"eval", "exec", "compile", "getattr", "open", "__import__"})
"""Builtins, written without their module, that no configuration has a use for."""

_STRICT: Final = frozenset(
    {
        "_instantiator",
        "_target_",
        "activation_fn",
        "activation_function",
        "implementation",
        "lc",
        "loader_module",
        "parent_library",
        "sbert_ce_default_activation_function",
    }
)
"""Keys of which each value is imported, whatever stands beside it."""

_INSTANTIATORS: Final = frozenset(
    {"lightning.pytorch.cli.instantiate_module", "pytorch_lightning.cli.instantiate_module"}
)


class ConfigTarget(Rule[TargetFacts]):
    """A configuration names a Python object to import and call."""

    id: ClassVar[str] = "config-target"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = TargetFacts

    def check(self, facts: TargetFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        target = facts.value.strip() if isinstance(facts.value, str) else repr(facts.value)
        if _is_expected(facts.key, target):
            return
        severity, confidence = _judge(facts.key, target)
        yield Match(
            message=f"`{facts.key}` makes a configuration system import and call `{target}`",
            severity=severity,
            confidence=confidence,
            evidence=(f"{facts.where}: {target}",),
        )


def _is_expected(key: str, target: str) -> bool:
    """Tell whether a framework itself writes such a value under *key*."""
    package = target.partition(".")[0]
    match key:
        case "loader_module":
            return package == "mlflow"
        case "parent_library":
            return package in FRAMEWORKS
        case "_instantiator":
            return target in _INSTANTIATORS
        case "activation_fn" | "activation_function" | "sbert_ce_default_activation_function":
            return target.startswith("torch.nn.") and _is_class(target)
        case _:
            return False


def _judge(key: str, target: str) -> tuple[Severity, Confidence]:
    """
    Return how grave a target is.

    A class of a framework is what targets are for, and still a call with arguments of the
    file's choosing; only names written like classes are counted as such.
    """
    module, _, name = target.rpartition(".")
    if target in DANGEROUS or (module and find_effect(module, name)):
        return Severity.CRITICAL, Confidence.HIGH
    known = target.partition(".")[0] in FRAMEWORKS or target.startswith(_PARTS)
    known = known or target.startswith("mlserver_")  # one package for each framework that it serves
    # torchtune's components are functions that build a part of a model, and written like such.
    builder = key == "_component_" and target.startswith("torchtune.")
    if target in _HARMLESS or builder or (known and _is_class(target)):
        return Severity.LOW, Confidence.LOW
    if key in _STRICT or key.startswith("!"):
        return Severity.HIGH, Confidence.MEDIUM
    if _is_class(target):
        return Severity.LOW, Confidence.LOW
    return Severity.MEDIUM, Confidence.MEDIUM


def _is_class(target: str) -> bool:
    """Tell whether *target* is written like a class of a public module."""
    *modules, name = target.split(".")
    return name[:1].isupper() and not any(part.startswith("_") for part in modules)
