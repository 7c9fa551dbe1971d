"""Rule `paddle-operator`: a program of PaddlePaddle reads, writes, calls or connects."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.formats.paddle_program import CALLS, COMPILED, EFFECTS, WRITES
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.paddle import PaddleFacts

_SEVERITY: Final = MappingProxyType(
    {CALLS: Severity.CRITICAL, WRITES: Severity.CRITICAL, COMPILED: Severity.MEDIUM}
)


class PaddleOperatorRule(Rule[PaddleFacts]):
    """A program of PaddlePaddle has operators that do more than compute."""

    id: ClassVar[str] = "paddle-operator"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = PaddleFacts

    def check(self, facts: PaddleFacts, /) -> Iterator[Match]:
        """Yield each such operator."""
        for operator in facts.operators:
            way, what = EFFECTS[operator.name]
            yield Match(
                message=f"the operator {operator.name} {what}",
                severity=_SEVERITY.get(way),
                offset=operator.offset,
                evidence=tuple(f"{name} = {text!r}" for name, text in operator.texts),
            )
