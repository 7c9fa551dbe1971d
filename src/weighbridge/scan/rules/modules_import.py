"""Rule `modules-import`: a sentence-transformers model is made of classes of another package."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import ModuleTypeFacts
from weighbridge.scan.interface import Facts, Match, Rule


class ModulesImport(Rule[ModuleTypeFacts]):
    """A sentence-transformers model is made of classes of another package."""

    id: ClassVar[str] = "modules-import"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ModuleTypeFacts

    def check(self, facts: ModuleTypeFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        name = facts.value
        if not isinstance(name, str) or not name.startswith("sentence_transformers."):
            yield Match(
                message="modules.json names a class outside sentence_transformers to import",
                evidence=(f"{facts.where}: {name!r}",),
            )
