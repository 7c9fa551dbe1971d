"""ONNX: the operators of every graph and function, and where the tensors lie."""

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import LimitExceededError, MalformedContentError, WeighbridgeError
from weighbridge.core.values import frozen
from weighbridge.formats.onnx import OnnxOperator, OnnxReader, OnnxTensor
from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.protobuf_facts import protobuf_facts


@frozen
class OnnxOperatorsFacts(Facts):
    """
    The operators of a model.

    Attributes:
        operators: Each once, those that the model defines itself left out.
    """

    operators: tuple[OnnxOperator, ...]


@frozen
class OnnxTensorFacts(Facts):
    """
    A tensor whose bytes lie in another file, or whose geometry does not hold.

    Attributes:
        tensor: The tensor.
    """

    tensor: OnnxTensor


def analyze(subject: Subject) -> Analysis:
    """
    Yield the tensors that there is something to say of, the operators, and what is odd.

    What was found before the bytes turn out not to be a message is yielded, too.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields, names or subgraphs.
    """
    document = Document(subject.source, schema=load_schema("onnx"), check=subject.check_time)
    reader = OnnxReader(document)
    single = subject.format is FileFormat.ONNX_TENSOR
    tensors = reader.tensor() if single else reader.tensors()
    problem: WeighbridgeError | None = None
    try:
        for tensor in tensors:
            yield OnnxTensorFacts(subject=subject, tensor=tensor)
    except (MalformedContentError, LimitExceededError) as error:
        problem = error
    foreign = tuple(o for o in reader.operators if o.key not in reader.functions)
    yield OnnxOperatorsFacts(subject=subject, operators=foreign)
    yield protobuf_facts(subject, document)
    if problem is not None:
        raise problem
