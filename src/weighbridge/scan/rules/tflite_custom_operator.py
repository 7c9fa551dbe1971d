"""Rule `tflite-custom-operator`: a model uses operators that the runtime does not bring."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.formats.tflite import FLEX, TfliteOperator
from weighbridge.scan.analyzers.tflite import TfliteFacts
from weighbridge.scan.graph_operators import Effect, tensorflow_operators
from weighbridge.scan.interface import Facts, Match, Rule

_KNOWN: Final = frozenset(
    {
        # tensorflow/lite/core/kernels/register.cc registers these with every resolver.
        *("AudioSpectrogram", "Mfcc", "NumericVerify", "TFLite_Detection_PostProcess"),
        # mediapipe/tasks/cc/core/mediapipe_builtin_op_resolver.cc, each a computation.
        *("Convolution2DTransposeBias", "KmeansEmbeddingLookup", "Landmarks2TransformMatrix"),
        *("MaxPoolingWithArgmax2D", "MaxUnpooling2D", "TransformLandmarks"),
        *("TransformTensorBilinear", "UniversalSentenceEncoderQA"),
    }
)
"""Custom operators that widespread runtimes bring, and that compute."""

_SEVERITY: Final = {
    Effect.EXECUTE: Severity.CRITICAL,
    Effect.WRITE: Severity.CRITICAL,
    Effect.READ: Severity.HIGH,
    Effect.CONNECT: Severity.HIGH,
}


class TfliteCustomOperator(Rule[TfliteFacts]):
    """A model uses operators that the runtime does not bring."""

    id: ClassVar[str] = "tflite-custom-operator"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = TfliteFacts

    def check(self, facts: TfliteFacts, /) -> Iterator[Match]:
        """Yield what is not known to compute only."""
        for operator in facts.model.operators:
            if operator.name.startswith(FLEX):
                yield from _flex(operator)
            elif operator.name not in _KNOWN:
                yield Match(
                    message="the model needs an operator that native code from elsewhere brings",
                    evidence=(f"{operator.name!r}, used by {operator.uses} nodes",),
                )


def _flex(operator: TfliteOperator) -> Iterator[Match]:
    """Judge an operator of TensorFlow by its name, and by what its uses define."""
    known = tensorflow_operators()
    promised = operator.name.removeprefix(FLEX)
    for op in sorted({promised, *operator.operators}):
        evidence = (f"{operator.name!r} defines {op!r}, used by {operator.uses} nodes",)
        if not op:
            message = "an operator of TensorFlow has a definition that cannot be read"
            yield Match(message=message, severity=Severity.HIGH, evidence=evidence)
        elif op in known.effects:
            effect, what = known.effects[op]
            message = f"the operator {op} of TensorFlow {what}"
            yield Match(message=message, severity=_SEVERITY[effect], evidence=evidence)
        elif op in known.conditions:
            message = f"the operator {op} of TensorFlow can reach files or code"
            yield Match(message=message, severity=Severity.HIGH, evidence=evidence)
        elif op not in known.allowed:
            message = f"the operator {op} is not known to do nothing but compute"
            yield Match(message=message, evidence=evidence)
