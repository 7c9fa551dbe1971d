"""
7z archives: every member is told from its content and examined.

Models have been published in 7z archives because scanners did not open them (nullifAI). Contents
follow each other in packed streams, which are unpacked one at a time, within bounds.
"""

from itertools import groupby
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError, MissingExtraError
from weighbridge.formats.sevenzip import (
    SevenZipArchive,
    SevenZipFolder,
    SevenZipMember,
    open_folder,
    read_archive,
)
from weighbridge.formats.sniff import sniff
from weighbridge.scan.archive_facts import ArchiveFacts, ArchiveOddity
from weighbridge.scan.interface import Analysis, Subject

_NOT_EMBEDDED: Final = frozenset({FileFormat.TEXT, FileFormat.UNKNOWN, FileFormat.EMPTY})
_LISTED: Final = 3
_LESSER: Final = frozenset({"checksum", "name-without-content"})


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's oddities, each of its members, and what follows its end.

    Raises:
        MalformedContentError: It is no archive, or its header cannot be read.
        LimitExceededError: It is beyond the bounds, or the time is used up.
        MissingExtraError: It is packed by a method that needs a package.
    """
    archive = read_archive(subject.source, check_time=subject.check_time)
    yield ArchiveFacts(subject=subject, oddities=_oddities(archive))
    for number, members in groupby(archive.members, key=lambda member: member.folder):
        yield from _examine(subject, archive.folders[number], tuple(members))
    if archive.end < subject.source.size:
        length = subject.source.size - archive.end
        rest = RegionSource(subject.source, offset=archive.end, length=length)
        found = sniff(rest, name="").format
        if found not in _NOT_EMBEDDED:
            subject.budget.open_member()
            yield subject.nested(member=f"bytes@{archive.end}", format=found, source=rest)


def _oddities(archive: SevenZipArchive) -> tuple[ArchiveOddity, ...]:
    """Return the archive's anomalies as facts."""
    return tuple(
        ArchiveOddity(
            kind=anomaly.kind,
            member=anomaly.member,
            detail=anomaly.detail,
            grave=anomaly.kind not in _LESSER,
        )
        for anomaly in archive.anomalies
    )


def _examine(
    subject: Subject, folder: SevenZipFolder, members: tuple[SevenZipMember, ...]
) -> Analysis:
    """Yield the members of one packed stream, and a gap where it cannot be unpacked to its end."""
    try:
        unpacked = open_folder(
            subject.source, folder, spend=subject.budget.spend, check_time=subject.check_time
        )
    except (MalformedContentError, LimitExceededError, MissingExtraError) as error:
        names = ", ".join(member.name for member in members[:_LISTED])
        reason = f"{len(members)} members ({names}) cannot be read: {error}"
        yield subject.gap(reason, code=_code(error))
        return
    if unpacked.problem is not None:
        size = unpacked.content.size
        reason = f"only {size} of {folder.size} packed bytes could be examined: {unpacked.problem}"
        yield subject.gap(reason, code=_code(unpacked.problem))
    for member in members:
        subject.check_time()
        subject.budget.open_member()
        start = min(member.offset, unpacked.content.size)
        length = min(member.size, unpacked.content.size - start)
        content = RegionSource(unpacked.content, offset=start, length=length)
        found = sniff(content, name=member.name)
        if found.format is not FileFormat.EMPTY:
            yield subject.nested(
                member=member.name, format=found.format, source=content, also=found.also
            )


def _code(error: MalformedContentError | LimitExceededError | MissingExtraError) -> Code:
    """Return the code of the gap that *error* leaves."""
    if isinstance(error, MalformedContentError):
        return Code.SCAN_MALFORMED
    return Code.SCAN_LIMIT if isinstance(error, LimitExceededError) else error.code
