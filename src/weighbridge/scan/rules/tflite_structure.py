"""Rule `tflite-structure`: places and numbers of a model do not fit together."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.tflite import TfliteFacts
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.paths import escapes


class TfliteStructure(Rule[TfliteFacts]):
    """Places and numbers of a model do not fit together."""

    id: ClassVar[str] = "tflite-structure"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = TfliteFacts

    def check(self, facts: TfliteFacts, /) -> Iterator[Match]:
        """Yield one match for all problems, and one for each file outside."""
        if facts.model.problems:
            yield Match(
                message="places and numbers of the model do not fit together",
                evidence=facts.model.problems,
            )
        for file in facts.model.files:
            if escapes(file):
                yield Match(
                    message="the model keeps tensors outside its directory",
                    severity=Severity.HIGH,
                    evidence=(repr(file),),
                )
