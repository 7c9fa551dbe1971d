"""Networks of Caffe: the layers that are written in Python."""

from itertools import islice

from weighbridge.core.limits.weights import MAX_GRAPH_NAMES
from weighbridge.core.values import frozen
from weighbridge.formats.caffe import python_layers
from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.scan.interface import Analysis, Facts, Subject


@frozen
class CaffeFacts(Facts):
    """
    Layers in Python.

    Attributes:
        layers: Where each lies, in bytes or characters, and the class that it names.
    """

    layers: tuple[tuple[int, str], ...]


def analyze(subject: Subject) -> Analysis:
    """
    Yield the layers in Python.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields.
    """
    document = Document(subject.source, schema=load_schema("caffe"), check=subject.check_time)
    for layer in islice(python_layers(document), MAX_GRAPH_NAMES):
        yield CaffeFacts(subject=subject, layers=(layer,))
