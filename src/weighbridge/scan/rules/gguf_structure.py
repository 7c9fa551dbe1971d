"""Rule `gguf-structure`: a GGUF file is not what the format demands."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.gguf import GgufFacts
from weighbridge.scan.interface import Facts, Match, Rule


class GgufStructure(Rule[GgufFacts]):
    """A GGUF file is not what the format demands."""

    id: ClassVar[str] = "gguf-structure"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = GgufFacts

    def check(self, facts: GgufFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.problem is not None:
            yield Match(
                message="the GGUF header is not what native readers rely on",
                evidence=(facts.problem,),
            )
