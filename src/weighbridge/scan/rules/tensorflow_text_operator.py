"""Rule `tensorflow-text-operator`: a graph as text reads, writes, runs or connects."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.protobuf_text import TextOperatorsFacts
from weighbridge.scan.graph_operators import tensorflow_operators
from weighbridge.scan.interface import Facts, Match, Rule


class TensorFlowTextOperator(Rule[TextOperatorsFacts]):
    """A graph as text has operators that read, write, run or connect."""

    id: ClassVar[str] = "tensorflow-text-operator"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = TextOperatorsFacts

    def check(self, facts: TextOperatorsFacts, /) -> Iterator[Match]:
        """Yield each operator once."""
        effects = tensorflow_operators().effects
        for op, at in facts.operators:
            _, what = effects[op]
            yield Match(
                message=f"the operator {op} {what}",
                evidence=(f"op: {op!r} at character {at}",),
            )
