"""Rule `tensorflow-unknown-operator`: a graph uses an operator that TensorFlow does not bring."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.savedmodel import TensorFlowFacts
from weighbridge.scan.interface import Facts, Match, Rule


class TensorFlowUnknownOperator(Rule[TensorFlowFacts]):
    """A graph uses an operator that is in no list of ours."""

    id: ClassVar[str] = "tensorflow-unknown-operator"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = TensorFlowFacts

    def check(self, facts: TensorFlowFacts, /) -> Iterator[Match]:
        """Yield each operator once."""
        for op, node, body, offset in facts.unknown:
            where = f"the function {body}" if body else "the graph"
            yield Match(
                message=f"the operator {op} is not known to do nothing but compute",
                offset=offset,
                evidence=(f"node {node!r} in {where}: {op}",),
            )
