"""Rule `coreml-custom-code`: a Core ML model names code or models that it does not hold."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.coreml import CoreMlFacts
from weighbridge.scan.interface import Facts, Match, Rule

_MESSAGES: Final = {
    "layer": "a layer is computed by a class of the program that loads the model",
    "model": "the model is a class of the program that loads it",
    "linked": "another model is loaded by a name or a search path",
    "opaque": "a model in a form of its own, which is not examined, is part of this one",
}


class CoreMlCustomCode(Rule[CoreMlFacts]):
    """A Core ML model names code or models that it does not hold."""

    id: ClassVar[str] = "coreml-custom-code"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = CoreMlFacts

    def check(self, facts: CoreMlFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        message = _MESSAGES.get(facts.name.kind)
        if message is not None:
            evidence = (repr(facts.name.name),)
            yield Match(message=message, offset=facts.name.offset, evidence=evidence)
