"""Programs of PaddlePaddle: the operators that do more than compute."""

from itertools import islice

from weighbridge.core.errors import LimitExceededError, MalformedContentError, WeighbridgeError
from weighbridge.core.limits.weights import MAX_GRAPH_NAMES
from weighbridge.formats.paddle_program import PaddleOperator, read_operators
from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.paddle import PaddleFacts


def analyze(subject: Subject) -> Analysis:
    """
    Yield such operators, also those that come before something that cannot be read.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields.
    """
    document = Document(subject.source, schema=load_schema("paddle"), check=subject.check_time)
    problem: WeighbridgeError | None = None
    found: list[PaddleOperator] = []
    try:
        found.extend(islice(read_operators(document), MAX_GRAPH_NAMES))
    except (MalformedContentError, LimitExceededError) as error:
        problem = error
    yield PaddleFacts(subject=subject, operators=tuple(found))
    if problem is not None:
        raise problem
