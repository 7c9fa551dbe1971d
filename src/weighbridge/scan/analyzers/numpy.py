"""NumPy's .npy: a header, then numbers that are not read, or for objects a pickle that is."""

import math

from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES
from weighbridge.formats.npy import parse_header
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.pickle_arrays import makes_array
from weighbridge.scan.pickle_facts import Dialect, PickleFacts, UnreadFacts
from weighbridge.scan.pickle_streams import walk_streams

_PREVIEW = 32


def analyze(subject: Subject) -> Analysis:
    """
    Yield the pickle of an array of objects, or the bytes behind an array of numbers.

    Raises:
        MalformedContentError: The header is broken, or the file ends within the array.
        LimitExceededError: The header is too long.
    """
    header = parse_header(subject.source)
    if header.item_size is None:
        data = subject.source.read_at(0, min(subject.source.size, MAX_PICKLE_BYTES))
        for item in walk_streams(subject, data, dialect=Dialect.NUMPY, start=header.data_offset):
            yield item
            if isinstance(item, PickleFacts) and _is_other(item, subject):
                yield subject.gap("the pickle of an array of objects makes something else")
        if subject.source.size > len(data):
            yield subject.gap("the pickle is too large", code=Code.SCAN_LIMIT)
        return
    end = header.data_offset + math.prod(header.shape) * header.item_size
    if end > subject.source.size:
        raise MalformedContentError(
            "the file ends within the array",
            expected=f"{end} bytes",
            found=str(subject.source.size),
        )
    if end < subject.source.size:
        yield UnreadFacts(
            subject=subject,
            start=end,
            length=subject.source.size - end,
            zeros=False,
            preview=subject.source.read_at(end, _PREVIEW),
        )


def _is_other(facts: PickleFacts, subject: Subject) -> bool:
    """Tell whether the first stream of *subject* makes anything but an array."""
    first = facts.subject is subject and facts.index == 0 and not facts.carried
    return first and facts.trace.complete and not makes_array(facts.trace.result)
