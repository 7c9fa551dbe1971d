"""Rule `onnx-custom-operator`: a model uses operators that run code outside the standard."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.formats.onnx import OnnxOperator
from weighbridge.scan.analyzers.onnx import OnnxOperatorsFacts
from weighbridge.scan.graph_operators import ONNX_PYTHON, onnx_operators
from weighbridge.scan.interface import Facts, Match, Rule


class OnnxCustomOperator(Rule[OnnxOperatorsFacts]):
    """A model uses operators that neither ONNX nor its runtime defines, or that run code."""

    id: ClassVar[str] = "onnx-custom-operator"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = OnnxOperatorsFacts

    def check(self, facts: OnnxOperatorsFacts, /) -> Iterator[Match]:
        """Yield each such operator once."""
        known = onnx_operators()
        for operator in facts.operators:
            names = known.allowed.get(operator.domain)
            effect = known.effects.get((operator.domain, operator.name))
            if _calls_python(operator):
                yield _match(operator, "calls a Python function", severity=Severity.CRITICAL)
            elif effect is not None:
                yield _match(operator, effect)
            elif names is None:
                what = "is of a domain that needs native code or Python from elsewhere"
                yield _match(operator, what, severity=Severity.MEDIUM)
            elif operator.name not in names:
                what = "is none that the domain is known to have"
                yield _match(operator, what, severity=Severity.MEDIUM)


def _calls_python(operator: OnnxOperator) -> bool:
    """Tell whether ONNX Runtime or its extensions would call Python for *operator*."""
    named = {name for name, _ in operator.texts}
    return operator.name in ONNX_PYTHON or (
        bool(operator.domain) and {"module", "class_name"} <= named
    )


def _match(operator: OnnxOperator, what: str, *, severity: Severity | None = None) -> Match:
    """Return the match for *operator*, which does *what*."""
    name = f"{operator.domain or 'ai.onnx'}::{operator.name}"
    where = f" in the function {operator.where}" if operator.where else ""
    texts = ", ".join(f"{key}={value!r}" for key, value in operator.texts)
    return Match(
        message=f"the operator {name} {what}",
        offset=operator.offset,
        severity=severity,
        evidence=(f"node {operator.node!r}{where}: {name}({texts})",),
    )
