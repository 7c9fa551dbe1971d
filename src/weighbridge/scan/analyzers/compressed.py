"""
Streams of one compressed file: what joblib, pandas and others make of a pickle.

The content is inflated within bounds and examined as a file within the file. So is what came
out before a stream broke or met a bound: a reader would have handed it on by then.
"""

from collections.abc import Callable
from dataclasses import field
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.archives import MAX_MEMBER_BYTES
from weighbridge.core.limits.units import KIB
from weighbridge.core.values import frozen
from weighbridge.formats.sniff import sniff
from weighbridge.formats.streams import Span, inflate
from weighbridge.formats.streams.forward import FORWARD, ForwardContent, TooSlowError
from weighbridge.formats.streams.large import WBITS, LargeContent
from weighbridge.scan.interface import Analysis, Deadline, Facts, Subject

_PREVIEW: Final = 32
_ZEROS_LOOKED_AT: Final = 64 * KIB
_NOT_EMBEDDED: Final = frozenset({FileFormat.TEXT, FileFormat.UNKNOWN, FileFormat.EMPTY})


@frozen
class UnreadSpanFacts(Facts):
    """
    Bytes of a compressed file that belong to no stream.

    Attributes:
        start: Offset within the file.
        length: Bytes.
        zeros: Whether they are all zero, as far as they were looked at.
        preview: The first of them.
    """

    start: int
    length: int
    zeros: bool
    preview: bytes = field(repr=False)


def analyze(subject: Subject) -> Analysis:
    """
    Yield the content as a subject, and the bytes of the file that are no content.

    Raises:
        MissingExtraError: The format needs a package that is not installed.
        LimitExceededError: The time is used up.
    """
    inflated = inflate(
        subject.source,
        subject.format,
        spend=subject.budget.spend,
        check_time=subject.check_time,
    )
    content: ByteSource = BytesSource(inflated.content)
    problem = inflated.problem
    unread = inflated.unread
    if content.size >= MAX_MEMBER_BYTES and problem is not None:
        large: LargeContent | ForwardContent | None
        if subject.format in WBITS:
            # What was inflated so far is let go of: the whole is read in pieces instead.
            content = BytesSource(b"")
            del inflated
            wbits = WBITS[subject.format]
            large = LargeContent(subject.source, wbits, check_time=subject.check_time)
        else:
            large = _go_forward(subject, inflated.content)
        if large is not None:
            content, problem = large, large.problem
            unread = ((large.end, subject.source.size),) if large.end < subject.source.size else ()
    found = sniff(content, name=_inner_name(subject.name)).format
    if found is not FileFormat.EMPTY:
        subject.budget.open_member()
        yield subject.nested(member=_inner_name(subject.name), format=found, source=content)
    if problem is not None:
        limited = isinstance(problem, LimitExceededError)
        code = Code.SCAN_LIMIT if limited else Code.SCAN_MALFORMED
        reason = f"only {content.size} bytes of content could be examined: {problem}"
        yield subject.gap(reason, code=code)
    for span in unread:
        yield from _account_for(subject, span)


def _go_forward(subject: Subject, prefix: memoryview) -> ForwardContent | None:
    """Return the whole content where it can be decoded in half of the time that is left."""
    if subject.format not in FORWARD:
        return None
    try:
        found = ForwardContent(
            subject.source,
            subject.format,
            prefix=prefix,
            check_time=subject.check_time,
            check_pace=_halfway(subject.deadline),
        )
    except TooSlowError:
        return None
    # Frames that readers skip may come before the first stream; then the start has to do.
    return found if found.size >= len(prefix) else None


def _halfway(deadline: Deadline | None) -> Callable[[], None]:
    """Return what raises `TooSlowError` once half of the time up to *deadline* has passed."""
    if deadline is None:
        return lambda: None
    now = deadline.clock()
    at = now + (deadline.at - now) / 2

    def check() -> None:
        if deadline.clock() > at:
            raise TooSlowError

    return check


def _inner_name(name: str) -> str:
    """Return what the content is called: the name without its last suffix that is no number."""
    stem, _, suffix = name.rpartition(".")
    if suffix.isdigit():  # a chunk of Zarr
        return name
    return stem if stem and suffix else "content"


def _account_for(subject: Subject, span: Span) -> Analysis:
    """Yield bytes that no stream accounts for, and the file that they may be."""
    start, end = span
    subject.check_time()
    view = RegionSource(subject.source, offset=start, length=end - start)
    zeros = not any(view.read_at(0, _ZEROS_LOOKED_AT))
    yield UnreadSpanFacts(
        subject=subject,
        start=start,
        length=view.size,
        zeros=zeros,
        preview=view.read_at(0, _PREVIEW),
    )
    if zeros and view.size <= _ZEROS_LOOKED_AT:
        return
    found = sniff(view, name="").format
    if found not in _NOT_EMBEDDED:
        subject.budget.open_member()
        yield subject.nested(member=f"bytes@{start}", format=found, source=view)
