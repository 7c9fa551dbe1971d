"""
Files of raw pickle streams: one, several, with padding or anything else between and behind.

`pickle.load` reads the first stream and stops; a program that calls it again reads the next.
So every stream is walked, with a memo of its own and, from the second on, with that of the
stream before (one `Unpickler` that loads twice keeps its memo). Bytes that belong to no stream
are reported, searched for further streams, and handed on where they are a format of their own.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import RegionSource
from weighbridge.core.limits import MAX_PICKLE_BYTES, MAX_PICKLE_STREAMS
from weighbridge.formats.pickle.machine import Bounds, run
from weighbridge.formats.pickle.trace import Trace
from weighbridge.formats.pickle.values import CallNode
from weighbridge.formats.sniff import sniff
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.pickle_facts import Dialect, PickleFacts, UnreadFacts, references

NESTED_LOADERS: Final = frozenset({"torch.storage._load_from_bytes"})
"""Functions that unpickle their one argument: a checkpoint within a pickle."""

_PROTOCOL_BYTES: Final = b"\x80"
_PREVIEW: Final = 32
_NOT_EMBEDDED: Final = frozenset({FileFormat.TEXT, FileFormat.UNKNOWN, FileFormat.EMPTY})
"""What trailing bytes are when they are no file of their own."""


def analyze(subject: Subject) -> Analysis:
    """Yield each stream of *subject*, and the bytes that are none."""
    data = subject.source.read_at(0, min(subject.source.size, MAX_PICKLE_BYTES))
    yield from walk_streams(subject, data, dialect=Dialect.PLAIN)
    if subject.source.size > len(data):
        reason = f"only the first {len(data)} of {subject.source.size} bytes were examined"
        yield subject.gap(reason, code=Code.SCAN_LIMIT)


def bounds_of(subject: Subject) -> Bounds:
    """Return the machine's bounds under the subject's deadline."""
    if subject.deadline is None:
        return Bounds()
    return Bounds(deadline=subject.deadline.at, clock=subject.deadline.clock)


def walk_streams(subject: Subject, data: bytes, *, dialect: Dialect) -> Analysis:
    """Yield every stream in *data*, which is the subject's bytes or the start of them."""
    at, index, previous = 0, 0, None
    while at < len(data):
        if index >= MAX_PICKLE_STREAMS:
            yield subject.gap(f"more than {index} pickle streams", code=Code.SCAN_LIMIT)
            return
        trace = run(data, start=at, bounds=bounds_of(subject))
        if index and not trace.complete and not trace.events:
            yield from _account_for(subject, data, at)
            at = _next_start(data, at + 1)
            continue
        yield from describe(subject, trace, dialect=dialect, index=index)
        yield from _walk_with_memo(subject, data, trace, previous, dialect=dialect, index=index)
        previous = trace
        index += 1
        at = trace.end if trace.complete else _next_start(data, trace.end + 1)
        if not trace.complete and at >= len(data):
            return


def describe(
    subject: Subject, trace: Trace, *, dialect: Dialect, index: int = 0, base: int = 0
) -> Analysis:
    """Yield a stream's facts, the bounds that it met, and the pickles within it."""
    yield PickleFacts(subject=subject, trace=trace, dialect=dialect, index=index, base=base)
    if trace.limits:
        met = ", ".join(sorted(trace.limits))
        code = Code.SCAN_TIMEOUT if "seconds" in trace.limits else Code.SCAN_LIMIT
        yield subject.gap(f"the stream was not wholly examined: bound on {met}", code=code)
    yield from _nested(subject, trace)


def _walk_with_memo(
    subject: Subject,
    data: bytes,
    trace: Trace,
    previous: Trace | None,
    *,
    dialect: Dialect,
    index: int,
) -> Analysis:
    """Yield the stream as an unpickler reads it that keeps its memo, where that differs."""
    if previous is None or not previous.memo:
        return
    again = run(data, start=trace.start, memo=previous.memo, bounds=bounds_of(subject))
    if list(references(again)) != list(references(trace)):
        yield PickleFacts(subject=subject, trace=again, dialect=dialect, index=index, carried=True)


def _nested(subject: Subject, trace: Trace) -> Iterator[Subject]:
    """Yield the literal arguments of functions that unpickle them."""
    for call in trace.calls:
        if call.target in NESTED_LOADERS:
            content = literal_bytes(call)
            if content is not None:
                yield nested_subject(subject, content, name=f"bytes@{call.offset}")


def literal_bytes(call: CallNode) -> bytes | None:
    """Return the one argument of *call* where it is a bytes literal."""
    arguments = call.positional
    if arguments is None or len(arguments) != 1 or call.kwargs is not None:
        return None
    (content,) = arguments
    return content if isinstance(content, bytes) else None
