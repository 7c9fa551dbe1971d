"""Rule `torchscript-operator`: a saved program calls an operator that does more than compute."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.operator_facts import OperatorFacts


class TorchscriptOperator(Rule[OperatorFacts]):
    """A saved program calls an operator that reads, writes, runs or communicates."""

    id: ClassVar[str] = "torchscript-operator"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = OperatorFacts

    def check(self, facts: OperatorFacts, /) -> Iterator[Match]:
        """Yield each harmful operator once, and each namespace that is handed on."""
        for use, harm in facts.harmful:
            yield Match(
                message=f"The program calls {use.name}, which {harm}.",
                offset=use.offset,
                evidence=(use.text,),
            )
        for use in facts.handed_on:
            yield Match(
                message="The program takes a namespace of operators for a value, as no compiler "
                "writes it; which operators it calls cannot be told.",
                offset=use.offset,
                evidence=(use.text,),
                confidence=Confidence.MEDIUM,
            )
