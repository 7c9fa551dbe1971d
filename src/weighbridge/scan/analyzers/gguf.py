"""GGUF: the header, and the chat templates in its metadata."""

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.values import frozen
from weighbridge.formats.gguf import parse_header
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.templates import template_facts


@frozen
class GgufFacts(Facts):
    """
    Whether the file is what the format demands.

    Attributes:
        problem: What it violates; None when it holds.
    """

    problem: str | None


def analyze(subject: Subject) -> Analysis:
    """
    Yield whether the header is sound, and the templates it holds.

    Raises:
        LimitExceededError: More keys, strings or tensors than the limits allow.
    """
    try:
        header = parse_header(subject.source)
    except MalformedContentError as error:
        yield GgufFacts(subject=subject, problem=str(error))
        return
    except LimitExceededError as error:
        # A fact as well as a gap: no model comes near the limits, and readers do not have them.
        yield GgufFacts(subject=subject, problem=str(error))
        raise
    yield GgufFacts(subject=subject, problem=None)
    for key, value in header.metadata:
        if "chat_template" in key and isinstance(value, str):
            yield template_facts(subject, value, where=key)
