"""Rule `keras-foreign-object`: a Keras model names a class or function of another package."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.keras.facts import KerasObjectFacts, KerasReference
from weighbridge.scan.keras.names import effect_of, is_keras_module


class KerasForeignObject(Rule[KerasObjectFacts]):
    """A Keras model names a class or function of another package."""

    id: ClassVar[str] = "keras-foreign-object"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = KerasObjectFacts

    def check(self, facts: KerasObjectFacts, /) -> Iterator[Match]:
        """Yield what is imported from outside Keras."""
        module = facts.module
        if facts.kind is KerasReference.TENSORFLOW or not module or module == "__main__":
            return
        if is_keras_module(module):
            return
        effect = effect_of(module, facts.name)
        if module == "builtins" and effect is None:
            return
        message = f"loading the model imports {module} and takes {facts.name} from it"
        if effect is not None:
            message = f"{message}, which {effect}"
        yield Match(
            message=message,
            severity=Severity.CRITICAL if effect is not None else None,
            confidence=Confidence.HIGH if effect is not None else None,
            evidence=(facts.where, f"{module}.{facts.name}({facts.arguments})"),
        )
