"""The whole zip: directory, local headers, and that every byte belongs to one of them."""

from collections.abc import Iterator

from weighbridge.core.content import ByteSource
from weighbridge.formats.member_names import find_collisions, find_name_fault
from weighbridge.formats.zip.directory import Directory, Entry, read_directory
from weighbridge.formats.zip.local import LocalHeader
from weighbridge.formats.zip.values import (
    DEFLATED,
    STORED,
    ZipAnomaly,
    ZipAnomalyKind,
    ZipArchive,
    ZipMember,
)

Span = tuple[int, int, str]
"""Start, end and name of a member in the file."""


def read_archive(source: ByteSource) -> ZipArchive:
    """
    Return the members of the zip *source* and every anomaly of its structure.

    Reads the end records, the directory and each local header, never the content of a member.

    Raises:
        MalformedContentError: No zip archive, or none whose directory can be read.
        LimitExceededError: A directory beyond `MAX_ARCHIVE_DIRECTORY_BYTES` or more than
            `MAX_ARCHIVE_MEMBERS` members.
    """
    directory = read_directory(source)
    anomalies = list(directory.anomalies)
    members: list[ZipMember] = []
    spans: list[Span] = []
    contents: list[tuple[int, int]] = []
    for entry in directory.entries:
        at = entry.offset + directory.base
        header = LocalHeader(source, entry, at=at)
        anomalies.extend(header.anomalies)
        member = _build_member(entry, at=at, data_offset=header.data_offset)
        anomalies.extend(_examine_member(member))
        members.append(member)
        if header.data_offset is not None:
            spans.append((at, header.end, entry.name))
            contents.append((header.data_offset, header.data_offset + entry.compressed_size))
    anomalies.extend(_compare_names(members))
    anomalies.extend(_account_for_bytes(directory, sorted(spans)))
    anomalies.extend(_examine_end_records(directory, contents))
    return ZipArchive(members=tuple(members), anomalies=tuple(anomalies))


def _build_member(entry: Entry, *, at: int, data_offset: int | None) -> ZipMember:
    """Return the member that *entry* describes."""
    return ZipMember(
        name=entry.name,
        method=entry.method,
        flags=entry.flags,
        crc32=entry.crc32,
        compressed_size=entry.compressed_size,
        size=entry.size,
        header_offset=at,
        data_offset=data_offset,
    )


def _examine_member(member: ZipMember) -> Iterator[ZipAnomaly]:
    """Yield what is odd about a member by itself."""
    if member.encrypted:
        yield _anomaly(ZipAnomalyKind.ENCRYPTED, member, "the content is encrypted")
    if member.method not in (STORED, DEFLATED):
        yield _anomaly(ZipAnomalyKind.UNSUPPORTED_METHOD, member, f"method {member.method}")
    if member.method == STORED and member.size != member.compressed_size and not member.encrypted:
        detail = f"{member.compressed_size} bytes stored for {member.size}"
        yield _anomaly(ZipAnomalyKind.SIZE_MISMATCH, member, detail)
    reason = find_name_fault(member.name)
    if reason:
        yield _anomaly(ZipAnomalyKind.UNSAFE_NAME, member, reason)
    elif member.directory and member.size:
        detail = f"a directory with {member.size} bytes of content"
        yield _anomaly(ZipAnomalyKind.UNSAFE_NAME, member, detail)


def _compare_names(members: list[ZipMember]) -> Iterator[ZipAnomaly]:
    """Yield names that occur twice, or twice to a reader who ignores case and form."""
    for found in find_collisions(member.name for member in members):
        member = members[found.index]
        if found.other is None:
            yield _anomaly(ZipAnomalyKind.DUPLICATE_NAME, member, "the name occurs twice")
        else:
            detail = f"there is {found.other[:200]!r} too"
            yield _anomaly(ZipAnomalyKind.CASE_COLLISION, member, detail)


def _account_for_bytes(directory: Directory, spans: list[Span]) -> Iterator[ZipAnomaly]:
    """Yield bytes of the file that no member has, and those that two have."""
    at = 0
    for start, end, name in spans:
        if start > at:
            yield _gap(at, start)
        elif start < at:
            detail = f"starts at byte {start}, before byte {at} where another member ends"
            yield ZipAnomaly(kind=ZipAnomalyKind.OVERLAP, member=name, detail=detail)
        at = max(at, end)
    if directory.start > at:
        yield _gap(at, directory.start)
    elif directory.start < at:
        detail = f"members reach byte {at}, into the directory at byte {directory.start}"
        yield ZipAnomaly(kind=ZipAnomalyKind.OVERLAP, member=None, detail=detail)


def _gap(start: int, end: int) -> ZipAnomaly:
    """Return the anomaly of unaccounted bytes."""
    kind = ZipAnomalyKind.GAP if start else ZipAnomalyKind.LEADING_DATA
    return ZipAnomaly(kind=kind, member=None, detail=f"bytes {start} to {end} belong to no member")


def _examine_end_records(
    directory: Directory, contents: list[tuple[int, int]]
) -> Iterator[ZipAnomaly]:
    """
    Yield other end records that a reader may take for the real one.

    An archive stored within this one has an end record of its own, which counts only where its
    comment would end with the file.
    """
    record = directory.record
    for at in record.candidates:
        inside = any(start <= at and at + 22 <= end for start, end in contents)
        if not inside or at in record.reaching:
            detail = f"at byte {at}, before the last one at byte {record.position}"
            yield ZipAnomaly(kind=ZipAnomalyKind.MULTIPLE_END_RECORDS, member=None, detail=detail)


def _anomaly(kind: ZipAnomalyKind, member: ZipMember, detail: str) -> ZipAnomaly:
    """Return the anomaly of *member*."""
    return ZipAnomaly(kind=kind, member=member.name, detail=detail)
