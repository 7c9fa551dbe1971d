"""Rule `adapter-base-model`: an adapter names the base model that is loaded with it."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import BaseModelFacts
from weighbridge.scan.interface import Facts, Match, Rule


class AdapterBaseModel(Rule[BaseModelFacts]):
    """An adapter names the base model that is loaded with it."""

    id: ClassVar[str] = "adapter-base-model"
    severity: ClassVar[Severity] = Severity.LOW
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = BaseModelFacts

    def check(self, facts: BaseModelFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if isinstance(facts.value, str) and facts.value:
            yield Match(
                message="loading the adapter loads the base model that it names, unchecked",
                evidence=(f"{facts.where}: {facts.value}",),
            )
