"""Rule `model-extension`: a model asks for code that its format does not describe."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.markup import ModelExtensionFacts
from weighbridge.scan.interface import Facts, Match, Rule


class ModelExtension(Rule[ModelExtensionFacts]):
    """A model asks for code that its format does not describe."""

    id: ClassVar[str] = "model-extension"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = ModelExtensionFacts

    def check(self, facts: ModelExtensionFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(
            message="using the model runs code that has to come with it or be installed for it",
            evidence=(f"line {facts.line}: {facts.text}",),
        )
