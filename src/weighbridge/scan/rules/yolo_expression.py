"""Rule `yolo-expression`: building a model of Ultralytics evaluates more than names."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.yolo import YoloFacts


class YoloExpression(Rule[YoloFacts]):
    """Building a model of Ultralytics evaluates more than names."""

    id: ClassVar[str] = "yolo-expression"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = YoloFacts

    def check(self, facts: YoloFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(
            message="building the model that the file describes evaluates Python of the file",
            evidence=(f"character {facts.character}: {facts.text}",),
        )
