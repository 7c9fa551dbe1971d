"""
Files of raw pickle streams: one, several, with padding or anything else between and behind.

A file that names joblib's array wrapper is read as joblib reads it and as `pickle.load` does.
"""

from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES
from weighbridge.scan.analyzers import joblib
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.pickle_facts import Dialect, PickleFacts
from weighbridge.scan.pickle_streams import walk_streams

_JOBLIB: Final = b"joblib.numpy_pickle"


def analyze(subject: Subject) -> Analysis:
    """Yield each stream of *subject*, and the bytes that are none."""
    data = subject.source.read_at(0, min(subject.source.size, MAX_PICKLE_BYTES))
    if _JOBLIB in data:
        yield from joblib.analyze(subject)
        return
    announced = False
    for item in walk_streams(subject, data, dialect=Dialect.PLAIN):
        yield item
        announced |= isinstance(item, PickleFacts) and joblib.announces_arrays(item.trace)
    if announced:
        # The name is there, though not in one piece: escapes in text are read as what they mean.
        yield from joblib.analyze(subject)
        return
    if subject.source.size > len(data):
        reason = f"only the first {len(data)} of {subject.source.size} bytes were examined"
        yield subject.gap(reason, code=Code.SCAN_LIMIT)
