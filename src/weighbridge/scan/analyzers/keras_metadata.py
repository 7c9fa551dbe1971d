"""`keras_metadata.pb`: what Keras rebuilds the layers of a SavedModel from."""

from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.scan.analyzers.savedmodel import layer_facts
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.protobuf_facts import protobuf_facts


def analyze(subject: Subject) -> Analysis:
    """
    Yield what the description of each layer says.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields.
    """
    document = Document(subject.source, schema=load_schema("tensorflow"), check=subject.check_time)
    for number, node in enumerate(document.root("SavedMetadata").fields()):
        if node.name == "nodes":
            parts = {field.name: field for field in node.message.fields()}
            if "metadata" in parts and parts["metadata"].size:
                path = parts["node_path"].text() if "node_path" in parts else ""
                yield from layer_facts(subject, f"{number}-{path}", parts["metadata"])
    yield protobuf_facts(subject, document)
