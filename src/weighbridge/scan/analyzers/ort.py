"""Models in ONNX Runtime's own format: the operators of every graph, as those of ONNX."""

from weighbridge.core.errors import LimitExceededError, MalformedContentError, WeighbridgeError
from weighbridge.formats.flatbuffers import Flatbuffer
from weighbridge.formats.onnx import OnnxOperator
from weighbridge.formats.ort import read_operators
from weighbridge.scan.analyzers.onnx import OnnxOperatorsFacts
from weighbridge.scan.interface import Analysis, Subject


def analyze(subject: Subject) -> Analysis:
    """
    Yield the operators, also those that come before something that cannot be read.

    Raises:
        MalformedContentError: Something lies outside the file.
        LimitExceededError: Too many tables or operators.
    """
    problem: WeighbridgeError | None = None
    operators: list[OnnxOperator] = []
    try:
        for operator in read_operators(Flatbuffer(subject.source)):
            subject.check_time()
            operators.append(operator)
    except (MalformedContentError, LimitExceededError) as error:
        problem = error
    yield OnnxOperatorsFacts(subject=subject, operators=tuple(operators))
    if problem is not None:
        raise problem
