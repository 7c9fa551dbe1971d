"""Rule `safetensors-structure`: a safetensors file is not what the format demands."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.safetensors import SafetensorsFacts
from weighbridge.scan.interface import Facts, Match, Rule


class SafetensorsStructure(Rule[SafetensorsFacts]):
    """A safetensors file is not what the format demands."""

    id: ClassVar[str] = "safetensors-structure"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = SafetensorsFacts

    def check(self, facts: SafetensorsFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.problem is not None:
            yield Match(
                message="the safetensors header does not describe the file",
                evidence=(facts.problem,),
            )
