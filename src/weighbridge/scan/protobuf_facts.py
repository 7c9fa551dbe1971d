"""Facts about files that are protobuf messages, shared by their analyzers."""

from weighbridge.core.values import frozen
from weighbridge.formats.protobuf import Document, Oddity
from weighbridge.scan.interface import Facts, Subject


@frozen
class ProtobufFacts(Facts):
    """
    What is odd about how a message was written.

    Attributes:
        oddities: The first of them, in the order in which they were met.
        count: All of them.
    """

    oddities: tuple[Oddity, ...]
    count: int


def protobuf_facts(subject: Subject, document: Document) -> ProtobufFacts:
    """Return what was odd about the part of *document* that was read."""
    return ProtobufFacts(subject=subject, oddities=document.oddities, count=document.odd_count)
