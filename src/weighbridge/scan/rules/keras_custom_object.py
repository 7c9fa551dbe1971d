"""Rule `keras-custom-object`: a Keras model needs a class or function that Keras does not have."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.keras.facts import KerasObjectFacts, KerasReference
from weighbridge.scan.keras.names import (
    effect_of,
    is_keras_module,
    is_listed_function,
    is_part_of_models,
)

_KINDS: Final = frozenset({"", *KerasReference})


class KerasCustomObject(Rule[KerasObjectFacts]):
    """A Keras model needs a class or function that Keras does not have."""

    id: ClassVar[str] = "keras-custom-object"
    severity: ClassVar[Severity] = Severity.LOW
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = KerasObjectFacts

    def check(self, facts: KerasObjectFacts, /) -> Iterator[Match]:
        """Yield what only the program that loads the model can have."""
        if facts.kind is KerasReference.TENSORFLOW:
            return
        module = facts.module
        own = not module or module == "__main__" or _is_unlisted_builtin(facts)
        newer = is_keras_module(module) and facts.name[:1].isupper()
        if not own and not (newer and facts.kind is KerasReference.CLASS):
            return
        # Keras before 3.7 wrote the kind where the registered name of a function belongs.
        name = facts.name if facts.registered in _KINDS else facts.registered
        tool = newer and not is_part_of_models(module)
        yield Match(
            severity=Severity.MEDIUM if tool else None,
            message=f"the model needs the {facts.kind} {name}, which is not known to be Keras' own",
            evidence=(f"{facts.where}: {f'{module}.' if module else ''}{facts.name}",),
        )


def _is_unlisted_builtin(facts: KerasObjectFacts) -> bool:
    """Tell whether a function is none of Keras, and none of Python either."""
    if facts.module != "builtins" or is_listed_function(facts.module, facts.name):
        return False
    return effect_of(facts.module, facts.name) is None
