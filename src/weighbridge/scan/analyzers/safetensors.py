"""safetensors: the header, held to the format in full."""

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.values import frozen
from weighbridge.formats.safetensors import parse_header
from weighbridge.scan.interface import Analysis, Facts, Subject


@frozen
class SafetensorsFacts(Facts):
    """
    Whether the file is what the format demands.

    Attributes:
        problem: What it violates; None when every byte belongs to the header or to one tensor.
    """

    problem: str | None


def analyze(subject: Subject) -> Analysis:
    """
    Yield whether the header describes every byte of the file, once.

    Raises:
        LimitExceededError: The header is larger than the limits.
    """
    try:
        parse_header(subject.source)
    except MalformedContentError as error:
        yield SafetensorsFacts(subject=subject, problem=str(error))
    except LimitExceededError as error:
        # A fact as well as a gap: no model comes near the limits, nor does the reference allow it.
        yield SafetensorsFacts(subject=subject, problem=str(error))
        raise
    else:
        yield SafetensorsFacts(subject=subject, problem=None)
