"""Core ML: the classes, models and files that a model names."""

from weighbridge.core.errors import LimitExceededError, MalformedContentError, WeighbridgeError
from weighbridge.core.values import frozen
from weighbridge.formats.coreml import CoreMlName, names_in
from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.protobuf_facts import protobuf_facts


@frozen
class CoreMlFacts(Facts):
    """
    Something outside of the model that it names.

    Attributes:
        name: What it is and what it is called.
    """

    name: CoreMlName


def analyze(subject: Subject) -> Analysis:
    """
    Yield what the model names, and what is odd about the message.

    What was found before the bytes turn out not to be a message is yielded, too.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields, or messages within messages.
    """
    document = Document(subject.source, schema=load_schema("coreml"), check=subject.check_time)
    problem: WeighbridgeError | None = None
    try:
        seen: set[tuple[str, str]] = set()
        for name in names_in(document):
            if name.kind == "file" or (name.kind, name.name) not in seen:
                seen.add((name.kind, name.name))
                yield CoreMlFacts(subject=subject, name=name)
    except (MalformedContentError, LimitExceededError) as error:
        problem = error
    yield protobuf_facts(subject, document)
    if problem is not None:
        raise problem
