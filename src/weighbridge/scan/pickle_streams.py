"""
Walking the pickle streams of a file, and accounting for the bytes that are none.

`pickle.load` reads the first stream and stops; a program that calls it again reads the next.
So every stream is walked, with a memo of its own and, from the second on, with that of the
stream before (one `Unpickler` that loads twice keeps its memo). Bytes that belong to no stream
are reported, searched for further streams, and handed on where they are a format of their own.
"""

import re
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource, RegionSource
from weighbridge.core.limits.pickles import MAX_CARRIED_MEMO, MAX_PICKLE_STREAMS
from weighbridge.formats.pickle.machine import Bounds, run
from weighbridge.formats.pickle.state import Persistent
from weighbridge.formats.pickle.trace import Trace
from weighbridge.formats.pickle.values import CallNode, Value
from weighbridge.formats.sniff import sniff
from weighbridge.scan import registry
from weighbridge.scan.engine.walk import Objects, walk
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.pickle_constants import files_within
from weighbridge.scan.pickle_facts import (
    TORCH_DIALECTS,
    Dialect,
    PickleFacts,
    UnreadFacts,
    literal_bytes,
    references,
)
from weighbridge.scan.pickle_storage import read_module

NESTED_LOADERS: Final = frozenset({"torch.storage._load_from_bytes"})
"""Functions that unpickle their one argument: a checkpoint within a pickle."""

_PROTO: Final = re.compile(rb"\x80[\x00-\x05]")
_NOT_ZERO: Final = re.compile(rb"[^\0]")
_PREVIEW: Final = 32
_NOT_EMBEDDED: Final = frozenset({FileFormat.TEXT, FileFormat.UNKNOWN, FileFormat.EMPTY})
"""What trailing bytes are when they are no file of their own."""


def bounds_of(subject: Subject) -> Bounds:
    """Return the machine's bounds under the subject's deadline."""
    if subject.deadline is None:
        return Bounds()
    return Bounds(deadline=subject.deadline.at, clock=subject.deadline.clock)


def persistent_of(dialect: Dialect) -> Persistent | None:
    """Return what the program of *dialect* makes of persistent ids, where that is known."""
    return read_module if dialect in TORCH_DIALECTS else None


def walk_streams(
    subject: Subject, data: bytes, *, dialect: Dialect, start: int = 0, first: int = 0
) -> Analysis:
    """
    Yield every stream in *data* from *start*, and the bytes between and behind them.

    *data* is the subject's bytes or the start of them; *first* is the first stream's number.
    """
    position = read_to = start
    carried: dict[int, Value] | None = {}
    index = first
    while 0 <= position < len(data):
        if index - first >= MAX_PICKLE_STREAMS:
            yield subject.gap(f"more than {MAX_PICKLE_STREAMS} streams", code=Code.SCAN_LIMIT)
            return
        subject.check_time()
        trace = walk(
            data,
            start=position,
            bounds=bounds_of(subject),
            persistent=persistent_of(dialect),
            objects=_objections(subject, dialect) if index == first else None,
        )
        again = _rerun(subject, data, trace, carried) if carried else None
        if index > first and not trace.complete and not trace.events and again is None:
            position = _next_start(data, position + 1)
            continue
        yield from account_for(subject, data, read_to, position)
        yield from describe(subject, trace, data, dialect=dialect, index=index)
        if carried is None:
            yield subject.gap(
                "the memo of the stream before is too large to follow into this one",
                code=Code.SCAN_LIMIT,
            )
        if again is not None:
            yield PickleFacts(
                subject=subject, trace=again, dialect=dialect, index=index, carried=True
            )
        # Bytes behind the first stream that only look like the start of another are reported
        # as bytes of no stream as well: they may be a file of their own.
        read_to = position if index > first and not trace.complete else trace.end
        carried = trace.memo if len(trace.memo) <= MAX_CARRIED_MEMO else None
        index += 1
        position = _skip_zeros(data, trace.end) if trace.complete else _next_start(data, trace.end)
        # The next stream's values must not pile up on this one's.
        del trace, again
    yield from account_for(subject, data, read_to, len(data))


def _objections(subject: Subject, dialect: Dialect) -> Objects | None:
    """Return what tells whether a rule has anything to say about the subject's first stream."""
    if subject.careful:
        return None

    def objects(trace: Trace) -> bool:
        facts = PickleFacts(subject=subject, trace=trace, dialect=dialect)
        return any(True for rule in registry.rules_for(PickleFacts) for _ in rule.check(facts))

    return objects


def _skip_zeros(data: bytes, at: int) -> int:
    """Return the position of the first byte from *at* that is not zero."""
    found = _NOT_ZERO.search(data, at)
    return found.start() if found else len(data)


def _next_start(data: bytes, at: int) -> int:
    """Return where the next PROTO opcode of a protocol that exists may stand, or -1."""
    found = _PROTO.search(data, at)
    return found.start() if found else -1


def describe(
    subject: Subject,
    trace: Trace,
    data: bytes,
    *,
    dialect: Dialect,
    index: int = 0,
    base: int = 0,
    raw: tuple[tuple[int, int], ...] = (),
) -> Analysis:
    """Yield the facts of a stream in *data*, the bounds that it met, and the files within it."""
    yield PickleFacts(
        subject=subject, trace=trace, dialect=dialect, index=index, base=base, raw=raw
    )
    if trace.limits:
        met = ", ".join(sorted(trace.limits))
        code = Code.SCAN_TIMEOUT if "seconds" in trace.limits else Code.SCAN_LIMIT
        yield subject.gap(f"the stream was not wholly examined: bound on {met}", code=code)
    loaded: list[bytes] = []
    for call in trace.calls:
        content = _loaded_by(call)
        if content is not None:
            loaded.append(content)
            yield nested_subject(subject, content, name=f"bytes@{call.offset}")
    yield from files_within(
        subject,
        data,
        start=trace.start,
        end=trace.end,
        bounds=bounds_of(subject),
        raw=raw,
        known=frozenset(loaded),
        base=base,
    )


def _rerun(subject: Subject, data: bytes, trace: Trace, memo: dict[int, Value]) -> Trace | None:
    """Return the stream as an unpickler reads it that keeps its *memo*, where that differs."""
    again = run(data, start=trace.start, memo=memo, bounds=bounds_of(subject))
    differs = again.complete != trace.complete or list(references(again)) != list(references(trace))
    return again if differs else None


def _loaded_by(call: CallNode) -> bytes | None:
    """Return the literal argument of a function that unpickles it."""
    if call.target not in NESTED_LOADERS:
        return None
    arguments = call.positional or ()
    return literal_bytes(arguments[0]) if len(arguments) == 1 else None


def nested_subject(subject: Subject, content: bytes, *, name: str) -> Subject:
    """Return the subject for *content*, a file within a pickle."""
    source = BytesSource(content)
    return subject.nested(member=name, format=sniff(source, name=name).format, source=source)


def account_for(subject: Subject, data: bytes, start: int, end: int) -> Analysis:
    """Yield the bytes from *start* to *end*, which belong to no stream, and what they may be."""
    if start >= end:
        return
    zeros = data.count(0, start, end) == end - start
    yield UnreadFacts(
        subject=subject,
        start=start,
        length=end - start,
        zeros=zeros,
        preview=data[start : min(end, start + _PREVIEW)],
    )
    if zeros:
        return
    source = RegionSource(BytesSource(data), offset=start, length=end - start)
    found = sniff(source, name="").format
    if found not in _NOT_EMBEDDED and found is not FileFormat.PICKLE:
        yield subject.nested(member=f"bytes@{start}", format=found, source=source)
