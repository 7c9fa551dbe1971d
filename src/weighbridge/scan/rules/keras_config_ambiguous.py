"""Rule `keras-config-ambiguous`: readers disagree about the configuration of a Keras model."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.keras.facts import KerasAmbiguityFacts


class KerasConfigAmbiguous(Rule[KerasAmbiguityFacts]):
    """Readers disagree about the configuration of a Keras model."""

    id: ClassVar[str] = "keras-config-ambiguous"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = KerasAmbiguityFacts

    def check(self, facts: KerasAmbiguityFacts, /) -> Iterator[Match]:
        """Yield what they disagree about."""
        yield Match(
            message="readers may see different models in the configuration",
            evidence=(f"{facts.where}: {facts.reason}",),
        )
