"""Rule `modules-path`: a sentence-transformers model loads a module from outside its directory."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import ModulePathFacts
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.paths import escapes


class ModulesPath(Rule[ModulePathFacts]):
    """A sentence-transformers model loads a module from outside its directory."""

    id: ClassVar[str] = "modules-path"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ModulePathFacts

    def check(self, facts: ModulePathFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if isinstance(facts.value, str) and escapes(facts.value):
            yield Match(
                message="a module of the model is loaded from a path outside of it",
                evidence=(f"{facts.where}: {facts.value}",),
            )
