"""Rule `executorch-operator`: a program needs native code that ExecuTorch does not bring."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.executorch import ExecutorchFacts
from weighbridge.scan.interface import Facts, Match, Rule

_SPACES: Final = frozenset(
    {
        *("aten", "cadence", "cortex_m", "dim_order_ops", "et_copy", "et_vk", "executorch_prim"),
        *("llama", "quantized_decomposed", "torchao"),
    }
)
"""Name spaces of the operators that ExecuTorch's own libraries register."""
_COMPUTING: Final = frozenset(
    {"CoreMLBackend", "MLXBackend", "MPSBackend", "VulkanBackend", "XnnpackBackend"}
)
"""Backends to which a graph and numbers are given."""


class ExecutorchOperator(Rule[ExecutorchFacts]):
    """A program needs native code that ExecuTorch does not bring."""

    id: ClassVar[str] = "executorch-operator"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = ExecutorchFacts

    def check(self, facts: ExecutorchFacts, /) -> Iterator[Match]:
        """Yield each operator and each backend that is not of ExecuTorch."""
        for name in facts.program.operators:
            if name.partition("::")[0] not in _SPACES:
                yield Match(
                    message="the program needs an operator that native code from elsewhere brings",
                    evidence=(name,),
                )
        for name in facts.program.delegates:
            if name not in _COMPUTING:
                yield Match(
                    message="a part of the program is compiled for a driver or a backend to run",
                    evidence=(name,),
                )
