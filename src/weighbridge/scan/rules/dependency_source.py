"""Rule `dependency-source`: a model has packages installed from a place of its own choosing."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.dependencies import DependencyFacts, Origin
from weighbridge.scan.interface import Facts, Match, Rule


class DependencySource(Rule[DependencyFacts]):
    """A model has packages installed from a place of its own choosing."""

    id: ClassVar[str] = "dependency-source"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = DependencyFacts

    def check(self, facts: DependencyFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        # An index over a verified connection is how packages for other hardware are had.
        is_index = facts.origin is Origin.INDEX and "https://" in facts.text
        yield Match(
            message=f"installing what the model asks for takes packages from {facts.origin}",
            severity=Severity.LOW if is_index or facts.origin is Origin.REPOSITORY else None,
            evidence=(f"line {facts.line}: {facts.text}",),
        )
