"""Rule `onnx-tensor-shape`: a tensor does not hold what its shape and type demand."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.onnx import OnnxTensorFacts
from weighbridge.scan.interface import Facts, Match, Rule


class OnnxTensorShape(Rule[OnnxTensorFacts]):
    """A tensor does not hold what its shape and type demand."""

    id: ClassVar[str] = "onnx-tensor-shape"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = OnnxTensorFacts

    def check(self, facts: OnnxTensorFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        tensor = facts.tensor
        if tensor.problem is not None:
            yield Match(
                message="a tensor does not hold what its shape and type demand",
                offset=tensor.offset,
                evidence=(f"{tensor.name!r} has {tensor.problem}",),
            )
