"""
Zip archives, NumPy's .npz among them: every member is told from its content and examined.

What a member is called decides nothing here: `numpy.load` looks at the content too, and tools
that unpack an archive hand its members on under any name.
"""

from collections.abc import Iterator

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.evidence import Gap
from weighbridge.formats.sniff import sniff
from weighbridge.formats.zip import ZipMember, open_member, read_archive
from weighbridge.scan.archive_facts import ZipFacts
from weighbridge.scan.interface import Analysis, Subject


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's anomalies and each of its members.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    yield from nested_members(subject, archive.members)


def nested_members(subject: Subject, members: tuple[ZipMember, ...]) -> Iterator[Subject | Gap]:
    """Yield *members* as subjects, and a gap for each that cannot be opened."""
    for member in members:
        subject.check_time()
        if member.directory and not member.size:
            continue
        content = open_or_gap(subject, member)
        if isinstance(content, Gap):
            yield content
            continue
        found = sniff(content, name=member.name).format
        if found is not FileFormat.EMPTY:
            yield subject.nested(member=member.name, format=found, source=content)


def open_or_gap(subject: Subject, member: ZipMember) -> ByteSource | Gap:
    """
    Return the content of *member*, or why it cannot be examined.

    A wrong checksum is no reason: there are loaders that do not look at it.
    """
    try:
        return open_member(subject.source, member, check_crc=False)
    except MalformedContentError as error:
        return _gap(subject, member, str(error), Code.SCAN_MALFORMED)
    except LimitExceededError as error:
        return _gap(subject, member, str(error), Code.SCAN_LIMIT)


def _gap(subject: Subject, member: ZipMember, reason: str, code: Code) -> Gap:
    """Return the gap about one member."""
    nested = subject.nested(member=member.name, format=FileFormat.UNKNOWN, source=subject.source)
    return nested.gap(reason, code=code)
