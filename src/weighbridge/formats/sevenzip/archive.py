"""The whole 7z archive: the signature header, the header behind the content, the members."""

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.archives import MAX_ARCHIVE_NESTING, MAX_SEVEN_ZIP_HEADER_BYTES
from weighbridge.formats.member_names import find_collisions, find_name_fault
from weighbridge.formats.sevenzip.content import open_folder
from weighbridge.formats.sevenzip.files import FileTable, read_files
from weighbridge.formats.sevenzip.numbers import HeaderBytes
from weighbridge.formats.sevenzip.streams import END, SIGNATURE_BYTES, Streams, read_streams
from weighbridge.formats.sevenzip.values import (
    SevenZipAnomaly,
    SevenZipArchive,
    SevenZipFolder,
    SevenZipMember,
    malformed,
)

_MAGIC: Final = b"7z\xbc\xaf\x27\x1c"
_HEADER: Final = 0x01
_ARCHIVE_PROPERTIES: Final = 0x02
_ADDITIONAL_STREAMS: Final = 0x03
_MAIN_STREAMS: Final = 0x04
_FILES: Final = 0x05
_PACKED_HEADER: Final = 0x17


def read_archive(source: ByteSource, *, check_time: Callable[[], None]) -> SevenZipArchive:
    """
    Return the members of the 7z archive *source*, and what ordinary writers do not write.

    Reads the header, which may be packed itself, never the content of a member.

    Raises:
        MalformedContentError: No 7z archive, or one whose header cannot be read: encrypted, or
            packed by a method that is not read here.
        LimitExceededError: A header beyond the bounds.
        MissingExtraError: The header is packed by a method that needs a package.
    """
    start = source.read_at(0, SIGNATURE_BYTES)
    if len(start) < SIGNATURE_BYTES or not start.startswith(_MAGIC):
        raise malformed("no signature")
    anomalies: list[SevenZipAnomaly] = []
    offset = SIGNATURE_BYTES + int.from_bytes(start[12:20], "little")
    size = int.from_bytes(start[20:28], "little")
    if zlib.crc32(start[12:]) != int.from_bytes(start[8:12], "little"):
        anomalies.append(_anomaly("checksum", "the signature header has another checksum"))
    data = _read_header(source, offset, size)
    if zlib.crc32(data) != int.from_bytes(start[28:32], "little"):
        anomalies.append(_anomaly("checksum", "the header has another checksum"))
    spans = [(offset, offset + size)]
    header, streams, table = _parse(source, data, spans, check_time)
    if header.left:
        anomalies.append(_anomaly("gap", f"{header.left} bytes behind the header's end"))
    members, problems = _assign(streams, table)
    spans.extend((f.offset, f.offset + f.packed) for f in streams.folders)
    anomalies.extend(problems)
    anomalies.extend(_examine_names(table))
    anomalies.extend(_account_for_bytes(source, spans))
    return SevenZipArchive(
        folders=streams.folders,
        members=members,
        anomalies=tuple(anomalies),
        end=offset + size,
    )


def _read_header(source: ByteSource, offset: int, size: int) -> bytes:
    """Return the bytes of the header."""
    if size > MAX_SEVEN_ZIP_HEADER_BYTES:
        raise LimitExceededError(
            "the 7z archive's header is too large",
            expected=f"at most {MAX_SEVEN_ZIP_HEADER_BYTES} bytes",
            found=str(size),
        )
    if offset + size > source.size:
        raise malformed(f"a header that ends at byte {offset + size} of {source.size}")
    return source.read_at(offset, size)


def _parse(
    source: ByteSource,
    data: bytes,
    spans: list[tuple[int, int]],
    check_time: Callable[[], None],
) -> tuple[HeaderBytes, Streams, FileTable]:
    """Return the header behind its last item, the streams and the members."""
    for _ in range(MAX_ARCHIVE_NESTING):
        if not data:
            return HeaderBytes(b""), Streams(folders=(), sizes=()), FileTable()
        header = HeaderBytes(data)
        kind = header.byte()
        if kind == _HEADER:
            return (header, *_read_items(header))
        if kind != _PACKED_HEADER:
            raise malformed(f"{kind:#04x} where the header should be")
        streams = read_streams(header)
        if len(streams.folders) != 1:
            raise malformed(f"a header in {len(streams.folders)} packed streams")
        folder = streams.folders[0]
        spans.append((folder.offset, folder.offset + folder.packed))
        data = _unpack_header(source, folder, check_time)
    raise malformed("a header that is packed again and again")


def _unpack_header(
    source: ByteSource, folder: SevenZipFolder, check_time: Callable[[], None]
) -> bytes:
    """Return the content of a packed header."""
    if folder.size > MAX_SEVEN_ZIP_HEADER_BYTES:
        raise LimitExceededError(
            "the 7z archive's header is too large",
            expected=f"at most {MAX_SEVEN_ZIP_HEADER_BYTES} bytes",
            found=str(folder.size),
        )
    unpacked = open_folder(source, folder, spend=lambda _: None, check_time=check_time)
    if unpacked.problem is not None:
        raise unpacked.problem
    return unpacked.content.read_at(0, unpacked.content.size)


def _read_items(header: HeaderBytes) -> tuple[Streams, FileTable]:
    """Return the streams and the members of a header that is not packed."""
    streams, table = Streams(folders=(), sizes=()), FileTable()
    while (kind := header.byte()) != END:
        if kind == _MAIN_STREAMS:
            streams = read_streams(header)
        elif kind == _FILES:
            table = read_files(header)
        elif kind == _ARCHIVE_PROPERTIES:
            while header.byte() != END:
                header.take(header.number())
        elif kind == _ADDITIONAL_STREAMS:
            raise malformed("additional streams, which no writer writes")
        else:
            raise malformed(f"{kind:#04x} in the header")
    return streams, table


def _assign(
    streams: Streams, table: FileTable
) -> tuple[tuple[SevenZipMember, ...], list[SevenZipAnomaly]]:
    """Return the members with content, each with its place, and what does not add up."""
    members: list[SevenZipMember] = []
    problems: list[SevenZipAnomaly] = []
    names = iter([name for name, none in zip(table.names, table.empty, strict=True) if not none])
    for number, sizes in enumerate(streams.sizes):
        at = 0
        for size in sizes:
            name = next(names, None)
            if name is None:
                detail = f"{size} bytes in the packed stream {number}"
                problems.append(_anomaly("content-without-name", detail))
            members.append(
                SevenZipMember(
                    name=f"content@{number}.{at}" if name is None else name,
                    folder=number,
                    offset=at,
                    size=size,
                )
            )
            at += size
        if at < streams.folders[number].size:
            detail = f"{streams.folders[number].size - at} bytes of the packed stream {number}"
            problems.append(_anomaly("content-without-name", detail))
            rest = streams.folders[number].size - at
            name = f"content@{number}.{at}"
            members.append(SevenZipMember(name=name, folder=number, offset=at, size=rest))
    left = list(names)
    if left:
        detail = f"{len(left)} members, {left[0][:200]!r} the first"
        problems.append(_anomaly("name-without-content", detail))
    return tuple(members), problems


def _examine_names(table: FileTable) -> Iterator[SevenZipAnomaly]:
    """Yield members that are more than files, and names that are not what they seem."""
    for index, name in enumerate(table.names):
        kind = table.kind_of(index)
        if kind:
            yield _anomaly(kind, "by its attributes", name)
        fault = find_name_fault(name)
        if fault:
            yield _anomaly("unsafe-name", fault, name)
    if any(table.anti):
        yield _anomaly("anti-item", "extracting the archive removes files")
    for found in find_collisions(table.names):
        name = table.names[found.index]
        detail = "the name occurs twice" if found.other is None else f"{found.other[:200]!r} too"
        yield _anomaly("duplicate-name" if found.other is None else "case-collision", detail, name)


def _account_for_bytes(
    source: ByteSource, spans: list[tuple[int, int]]
) -> Iterator[SevenZipAnomaly]:
    """Yield bytes of the file that neither header nor content has."""
    at = SIGNATURE_BYTES
    for start, end in sorted(spans):
        if start > at:
            yield _anomaly("gap", f"bytes {at} to {start} belong to nothing")
        elif start < at and end > start:
            yield _anomaly("overlap", f"packed bytes at {start}, before byte {at}")
        at = max(at, end)
    if at < source.size:
        yield _anomaly("trailing-data", f"{source.size - at} bytes from byte {at}")


def _anomaly(kind: str, detail: str, member: str | None = None) -> SevenZipAnomaly:
    """Return the anomaly."""
    return SevenZipAnomaly(kind=kind, member=member, detail=detail)
