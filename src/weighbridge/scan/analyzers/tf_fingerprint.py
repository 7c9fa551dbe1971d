"""`fingerprint.pb` of a SavedModel: a few numbers."""

from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.protobuf_facts import protobuf_facts


def analyze(subject: Subject) -> Analysis:
    """
    Yield what is odd about the message.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields.
    """
    document = Document(subject.source, schema=load_schema("tensorflow"), check=subject.check_time)
    document.root("FingerprintDef").validate()
    yield protobuf_facts(subject, document)
