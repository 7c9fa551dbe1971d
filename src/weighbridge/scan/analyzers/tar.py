"""
Tar archives, NeMo's and the first torch checkpoints among them: every member is examined.

Nothing is extracted. A link has no content of its own: what it names is a member that is
examined, or lies outside the archive, and is reported either way.
"""

from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource, RegionSource
from weighbridge.formats.sniff import sniff
from weighbridge.formats.tar import TarArchive, TarMember, read_archive
from weighbridge.formats.tar.values import MINOR
from weighbridge.scan import torch_tar
from weighbridge.scan.archive_facts import ArchiveFacts, ArchiveOddity
from weighbridge.scan.array_packs import is_numbers, sizes_of_arrays
from weighbridge.scan.interface import Analysis, Subject

_NOT_EMBEDDED: Final = frozenset({FileFormat.TEXT, FileFormat.UNKNOWN, FileFormat.EMPTY})


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's oddities, each of its members, and what follows its end.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members, or the time is used up.
    """
    archive = read_archive(subject.source, check_time=subject.check_time)
    yield ArchiveFacts(subject=subject, oddities=_oddities(archive))
    checkpoint = {member.name for member in archive.members} >= torch_tar.NAMES
    arrays = sizes_of_arrays(subject, archive)
    for member in archive.members:
        subject.check_time()
        array = not member.sparse and arrays.get(member.name) == member.size
        yield from _examine(subject, member, checkpoint=checkpoint, array=array)
    if archive.unread is not None:
        length = subject.source.size - archive.unread
        rest = RegionSource(subject.source, offset=archive.unread, length=length)
        found = sniff(rest, name="").format
        if found not in _NOT_EMBEDDED:
            subject.budget.open_member()
            yield subject.nested(member=f"bytes@{archive.unread}", format=found, source=rest)


def _oddities(archive: TarArchive) -> tuple[ArchiveOddity, ...]:
    """Return the archive's anomalies as facts."""
    return tuple(
        ArchiveOddity(
            kind=anomaly.kind,
            member=anomaly.member,
            detail=anomaly.detail,
            grave=anomaly.kind not in MINOR,
        )
        for anomaly in archive.anomalies
    )


def _examine(subject: Subject, member: TarMember, *, checkpoint: bool, array: bool) -> Analysis:
    """Yield one member as a subject, or the pickles in it; nothing of what is only numbers."""
    subject.budget.open_member()
    content: ByteSource = RegionSource(subject.source, offset=member.offset, length=member.size)
    if checkpoint and member.name in torch_tar.NAMES:
        nested = subject.nested(member=member.name, format=FileFormat.PICKLE, source=content)
        yield from torch_tar.walk_member(nested, member.name)
        return
    found = sniff(content, name=member.name)
    if found.format is FileFormat.EMPTY:
        return
    if array and not found.also and is_numbers(subject, content, found.format):
        return
    nested = subject.nested(
        member=member.name, format=found.format, source=content, also=found.also
    )
    if member.sparse:
        reason = "the member has holes, and was examined as if it had none"
        yield nested.gap(reason, code=Code.SCAN_UNSUPPORTED)
    yield nested
