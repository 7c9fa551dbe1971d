"""Files of numbers and names that need no more than to hold together."""

from weighbridge.formats.frames import check_frame
from weighbridge.scan.interface import Analysis, Subject


def analyze(subject: Subject) -> Analysis:
    """
    Yield nothing; there is nothing in such a file for a rule to judge.

    Raises:
        MalformedContentError: The file does not hold together.
        LimitExceededError: It is too large.
    """
    check_frame(subject.source, subject.format, between=subject.check_time)
    yield from ()
