"""Rule `keras-lambda-layer`: a Keras model holds Python code."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.keras.facts import KerasLambdaFacts
from weighbridge.scan.keras.names import harmful_among


class KerasLambdaLayer(Rule[KerasLambdaFacts]):
    """A Keras model holds Python code."""

    id: ClassVar[str] = "keras-lambda-layer"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = KerasLambdaFacts

    def check(self, facts: KerasLambdaFacts, /) -> Iterator[Match]:
        """Yield the code, with the names in it."""
        harmful = harmful_among(facts.names)
        evidence = [facts.where]
        if facts.names:
            evidence.append("names in the code: " + ", ".join(facts.names))
        message = "loading or using the model runs Python code that the file holds"
        if harmful:
            name, effect = harmful[0]
            message = f"{message}; it mentions {name}, which {effect}"
        yield Match(
            message=message,
            severity=Severity.CRITICAL if harmful else None,
            evidence=tuple(evidence),
        )
