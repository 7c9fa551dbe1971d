"""
Zip archives, NumPy's .npz among them: every member is told from its content and examined.

What a member is called decides nothing here: `numpy.load` looks at the content too, and tools
that unpack an archive hand its members on under any name.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError, MissingExtraError
from weighbridge.core.evidence import Gap
from weighbridge.core.limits.archives import MAX_CHECKSUM_BYTES, MAX_MEMBER_BYTES
from weighbridge.formats.sniff import sniff
from weighbridge.formats.zip import (
    STORED,
    MemberContent,
    ZipAnomaly,
    ZipMember,
    find_crc_anomaly,
    read_archive,
    read_prefix,
)
from weighbridge.scan.archive_facts import ZipContentFacts, ZipFacts
from weighbridge.scan.interface import Analysis, Subject

_EMPTY_DEFLATED: Final = 2
"""Bytes that nothing at all deflates to."""


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's anomalies and each of its members.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    reader = MemberReader(subject)
    yield from nested_members(reader, archive.members)
    yield from reader.remarks()


def nested_members(reader: "MemberReader", members: Iterable[ZipMember]) -> Analysis:
    """Yield *members* as subjects, and a gap for each of which a part cannot be examined."""
    subject = reader.subject
    for member in members:
        if member.directory and not member.size and member.compressed_size <= _EMPTY_DEFLATED:
            continue
        content, gap = reader.open(member)
        if gap is not None:
            yield gap
        if content is not None:
            found = sniff(content, name=member.name)
            if found.format is not FileFormat.EMPTY:
                yield subject.nested(
                    member=member.name, format=found.format, source=content, also=found.also
                )


class MemberReader:
    """Opens the members of one zip as readers do, and keeps in mind whose checksum is wrong."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._anomalies: list[ZipAnomaly] = []

    @property
    def subject(self) -> Subject:
        """The archive."""
        return self._subject

    def open(
        self, member: ZipMember, *, compare: bool = True
    ) -> tuple[ByteSource | None, Gap | None]:
        """
        Return what a reader of *member* gets, and a gap where that is not all of it.

        A wrong checksum or size is no reason not to examine a member: there are loaders that do
        not look at them, and those that do have handed on the content by then. Without *compare*
        no checksum is looked at.

        Raises:
            LimitExceededError: There were too many members before this one, or the time is up.
        """
        subject = self._subject
        subject.check_time()
        subject.budget.open_member()
        try:
            found = read_prefix(
                subject.source, member, spend=subject.budget.spend, check_time=subject.check_time
            )
        except (MalformedContentError, MissingExtraError) as error:
            return None, _member_gap(subject, member, error)
        if found.problem is not None:
            return found.content, _member_gap(subject, member, found.problem)
        if compare and _is_compared(member, found):
            anomaly = find_crc_anomaly(found.content, member)
            if anomaly is not None:
                self._anomalies.append(anomaly)
        return found.content, None

    def remarks(self) -> Iterator[ZipContentFacts]:
        """Yield the members whose checksum is wrong, where there are some."""
        if self._anomalies:
            yield ZipContentFacts(subject=self._subject, anomalies=tuple(self._anomalies))


def _is_compared(member: ZipMember, found: MemberContent) -> bool:
    """Tell whether the checksum is compared: of what is in memory, or small."""
    held = member.method != STORED and found.content.size < MAX_MEMBER_BYTES
    return held or found.content.size <= MAX_CHECKSUM_BYTES


def _member_gap(
    subject: Subject,
    member: ZipMember,
    error: MalformedContentError | LimitExceededError | MissingExtraError,
) -> Gap:
    """Return the gap about one member."""
    nested = subject.nested(member=member.name, format=FileFormat.UNKNOWN, source=subject.source)
    code = error.code
    if isinstance(error, MalformedContentError):
        code = Code.SCAN_MALFORMED
    elif isinstance(error, LimitExceededError):
        code = Code.SCAN_LIMIT
    return nested.gap(error.told(), code=code)
