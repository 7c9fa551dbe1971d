"""Rule `config-target`: a configuration names a Python object to import and call."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import TargetFacts
from weighbridge.scan.interface import Facts, Match, Rule

FRAMEWORKS: Final = frozenset({"diffusers", "nemo", "sentence_transformers", "transformers"})
DANGEROUS: Final = frozenset(
    {
        "__builtin__",
        "builtins",
        "code",
        "commands",
        "ctypes",
        "eval",
        "exec",
        "importlib",
        "marshal",
        "nt",
        "os",
        "pickle",
        "pkgutil",
        "posix",
        "pty",
        "runpy",
        "shutil",
        "socket",
        "subprocess",
        "sys",
    }
)
"""Modules (and builtins) that no configuration has a use for."""


class ConfigTarget(Rule[TargetFacts]):
    """A configuration names a Python object to import and call."""

    id: ClassVar[str] = "config-target"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = TargetFacts

    def check(self, facts: TargetFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        target = facts.value if isinstance(facts.value, str) else repr(facts.value)
        package = target.partition(".")[0]
        if facts.key == "loader_module" and package == "mlflow":
            return
        severity, confidence = _judge(target, package)
        yield Match(
            message=f"`{facts.key}` makes a configuration system import and call `{target}`",
            severity=severity,
            confidence=confidence,
            evidence=(f"{facts.where}: {target}",),
        )


def _judge(target: str, package: str) -> tuple[Severity, Confidence]:
    """
    Return how grave a target is.

    A class of a framework is what targets are for, and still a call with arguments of the
    file's choosing; only names written like classes are counted as such.
    """
    name = target.rpartition(".")[2]
    if package in FRAMEWORKS and name[:1].isupper() and "_" not in target.partition(".")[0]:
        return Severity.LOW, Confidence.LOW
    if package in DANGEROUS:
        return Severity.CRITICAL, Confidence.HIGH
    return Severity.HIGH, Confidence.MEDIUM
