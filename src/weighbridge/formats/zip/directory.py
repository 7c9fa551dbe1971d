"""A zip's central directory (APPNOTE 4.3.12)."""

import struct
import zlib
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.archives import MAX_ARCHIVE_DIRECTORY_BYTES, MAX_ARCHIVE_MEMBERS
from weighbridge.core.values import frozen
from weighbridge.formats.zip.end import DIRECTORY_SIGNATURE, EndRecord, read_end
from weighbridge.formats.zip.values import (
    FLAG_UTF8,
    SENTINEL_16,
    SENTINEL_32,
    ZipAnomaly,
    ZipAnomalyKind,
    malformed,
)

_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_EXTRA_HEAD: Final = struct.Struct("<2H")
_EXTRA_ZIP64: Final = 0x0001
_EXTRA_UNICODE_NAME: Final = 0x7075  # Info-ZIP's, APPNOTE 4.6.9
_LINK_MODE: Final = 0o120000
_FILE_TYPE_MASK: Final = 0o170000


@frozen
class Entry:
    """An entry of the directory before its local header has been looked at."""

    raw_name: bytes
    name: str
    version_needed: int
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    offset: int
    zip64: bool


@frozen
class Directory:
    """
    The central directory and where it lies.

    Attributes:
        entries: In their order.
        base: What has to be added to every recorded offset.
        start: Where the directory starts in the file.
        end: Where its last entry ends.
        record: The end record that led here.
        anomalies: What is odd so far.
    """

    entries: tuple[Entry, ...]
    base: int
    start: int
    end: int
    record: EndRecord
    anomalies: tuple[ZipAnomaly, ...]


def read_names(source: ByteSource) -> tuple[str, ...]:
    """
    Return the names in the directory of the zip *source*, without looking at the members.

    Raises:
        MalformedContentError: No zip archive.
        LimitExceededError: A directory beyond the limits.
    """
    return tuple(entry.name for entry in read_directory(source).entries)


def read_directory(source: ByteSource) -> Directory:
    """
    Return the central directory of the zip *source*.

    Raises:
        MalformedContentError: No zip archive.
        LimitExceededError: A directory beyond the limits.
    """
    record = read_end(source)
    anomalies = list(record.anomalies)
    _check_limits(record)
    start, base = _locate(source, record, anomalies)
    data = source.read_at(start, min(record.size, record.limit - start))
    entries: list[Entry] = []
    at = 0
    while data[at : at + 4] == DIRECTORY_SIGNATURE:
        if len(entries) >= MAX_ARCHIVE_MEMBERS:
            raise _too_large(f"at most {MAX_ARCHIVE_MEMBERS} members", "more")
        entry, at = _read_entry(data, at, anomalies)
        entries.append(entry)
    if len(entries) < record.entries:
        raise malformed(
            "the central directory is incomplete",
            expected=f"{record.entries} entries",
            found=str(len(entries)),
        )
    if len(entries) > record.entries:
        detail = f"the end record counts {record.entries} entries, {len(entries)} are there"
        anomalies.append(_anomaly(ZipAnomalyKind.DIRECTORY_COUNT, detail))
    if at != record.size:
        detail = f"{record.size - at} bytes of the directory are no entries"
        anomalies.append(_anomaly(ZipAnomalyKind.GAP, detail))
    return Directory(
        entries=tuple(entries),
        base=base,
        start=start,
        end=start + at,
        record=record,
        anomalies=tuple(anomalies),
    )


def _check_limits(record: EndRecord) -> None:
    """Refuse a directory that would take too much memory."""
    if record.size > MAX_ARCHIVE_DIRECTORY_BYTES:
        expected = f"a directory of at most {MAX_ARCHIVE_DIRECTORY_BYTES} bytes"
        raise _too_large(expected, f"{record.size}")
    if record.entries > MAX_ARCHIVE_MEMBERS:
        raise _too_large(f"at most {MAX_ARCHIVE_MEMBERS} members", f"{record.entries}")


def _locate(source: ByteSource, record: EndRecord, anomalies: list[ZipAnomaly]) -> tuple[int, int]:
    """
    Return where the directory starts and by how much offsets are off.

    Some readers go to the recorded offset, others count back from the end record and add the
    difference to every offset. Where only one place has a directory, it is that one.
    """
    adjacent = record.limit - record.size
    if adjacent == record.offset:
        return adjacent, 0
    recorded = _has_directory(source, record.offset)
    if adjacent < 0 or not _has_directory(source, adjacent):
        if not recorded or record.offset + record.size > record.limit:
            raise malformed(
                "the central directory is not where the end record says",
                expected=f"an entry at byte {record.offset} or {max(adjacent, 0)}",
                found="none",
            )
        detail = f"{record.limit - record.offset - record.size} bytes behind the directory"
        anomalies.append(_anomaly(ZipAnomalyKind.DIRECTORY_POSITION, detail))
        return record.offset, 0
    if recorded:
        detail = f"a directory at byte {record.offset} and another one at byte {adjacent}"
        anomalies.append(_anomaly(ZipAnomalyKind.DIRECTORY_POSITION, detail))
    base = adjacent - record.offset
    if base < 0:
        detail = f"offsets are {-base} bytes too large"
        anomalies.append(_anomaly(ZipAnomalyKind.DIRECTORY_POSITION, detail))
    return adjacent, base


def _has_directory(source: ByteSource, at: int) -> bool:
    """Tell whether an entry, or the end of an empty directory, is at *at*."""
    if at >= source.size:
        return False
    return source.read_at(at, 4) in (DIRECTORY_SIGNATURE, b"PK\x05\x06", b"PK\x06\x06")


def _read_entry(data: bytes, at: int, anomalies: list[ZipAnomaly]) -> tuple[Entry, int]:
    """Return the entry at *at* and where the next one starts."""
    if at + _ENTRY.size > len(data):
        raise malformed("the central directory is cut", expected="an entry", found="its end")
    fields = _ENTRY.unpack_from(data, at)
    _, _, version, flags, method, _, _, crc32, compressed, size = fields[:10]
    name_size, extra_size, comment_size, disk, _, attributes, offset = fields[10:]
    name_at = at + _ENTRY.size
    extra_at = name_at + name_size
    end = extra_at + extra_size + comment_size
    if end > len(data):
        raise malformed("the central directory is cut", expected="an entry", found="its end")
    raw_name = data[name_at:extra_at]
    name = _decode_name(raw_name, flags=flags, anomalies=anomalies)
    zip64 = False
    if extra_size:
        extra = data[extra_at : extra_at + extra_size]
        narrow = (size, compressed, offset, disk)
        zip64, (size, compressed, offset, disk) = _apply_extra(
            extra, narrow, name=name, raw_name=raw_name, anomalies=anomalies
        )
    if disk:
        raise malformed("the archive spans disks", expected="disk 0", found=f"disk {disk}")
    if (attributes >> 16) & _FILE_TYPE_MASK == _LINK_MODE:
        anomalies.append(_anomaly(ZipAnomalyKind.LINK, "a symbolic link", member=name))
    entry = Entry(
        raw_name=raw_name,
        name=name,
        version_needed=version,
        flags=flags,
        method=method,
        crc32=crc32,
        compressed_size=compressed,
        size=size,
        offset=offset,
        zip64=zip64,
    )
    return entry, end


def _decode_name(raw: bytes, *, flags: int, anomalies: list[ZipAnomaly]) -> str:
    """Return the name as text; what is not UTF-8 is reported."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "backslashreplace") if flags & FLAG_UTF8 else raw.decode("cp437")
    detail = f"the name {raw[:200]!r} is not UTF-8"
    anomalies.append(_anomaly(ZipAnomalyKind.NAME_NOT_UTF8, detail, member=name))
    return name


def _apply_extra(
    extra: bytes,
    narrow: tuple[int, int, int, int],
    *,
    name: str,
    raw_name: bytes,
    anomalies: list[ZipAnomaly],
) -> tuple[bool, tuple[int, int, int, int]]:
    """Return whether there is a zip64 field, and size, compressed size, offset and disk."""
    seen_zip64 = False
    values = narrow
    for tag, body in iterate_extra(extra):
        if tag == _EXTRA_ZIP64 and seen_zip64:
            detail = "two zip64 fields"
            anomalies.append(_anomaly(ZipAnomalyKind.ZIP64_MISMATCH, detail, member=name))
        elif tag == _EXTRA_ZIP64:
            seen_zip64 = True
            values = _apply_zip64(body, narrow, name=name, anomalies=anomalies)
        elif tag == _EXTRA_UNICODE_NAME and _other_name(body, raw_name):
            detail = f"the Unicode name field says {body[5:205]!r}"
            anomalies.append(_anomaly(ZipAnomalyKind.NAME_MISMATCH, detail, member=name))
    return seen_zip64, values


def iterate_extra(extra: bytes) -> list[tuple[int, bytes]]:
    """Return the fields of an extra area; what is too short for a field is padding."""
    fields = []
    at = 0
    while at + _EXTRA_HEAD.size <= len(extra):
        tag, length = _EXTRA_HEAD.unpack_from(extra, at)
        body = extra[at + 4 : at + 4 + length]
        if len(body) < length:
            break
        fields.append((tag, body))
        at += 4 + length
    return fields


def _apply_zip64(
    body: bytes, narrow: tuple[int, int, int, int], *, name: str, anomalies: list[ZipAnomaly]
) -> tuple[int, int, int, int]:
    """Replace the fields that defer to the zip64 extra field, in its order (APPNOTE 4.5.3)."""
    values = list(narrow)
    at = 0
    for index, (width, sentinel) in enumerate(
        ((8, SENTINEL_32), (8, SENTINEL_32), (8, SENTINEL_32), (4, SENTINEL_16))
    ):
        if values[index] != sentinel:
            continue
        if at + width > len(body):
            raise malformed(
                "a zip64 field is too short", expected=f"{at + width} bytes", found=str(len(body))
            )
        values[index] = int.from_bytes(body[at : at + width], "little")
        at += width
    if at != len(body):
        # Readers that take the values in a fixed order would take these.
        detail = f"a zip64 field of {len(body)} bytes where {at} are called for"
        anomalies.append(_anomaly(ZipAnomalyKind.ZIP64_MISMATCH, detail, member=name))
    return values[0], values[1], values[2], values[3]


def _other_name(body: bytes, raw_name: bytes) -> bool:
    """Tell whether a Unicode name field that readers honour has another name."""
    if len(body) < 5 or body[0] != 1:  # noqa: PLR2004  version and checksum of the plain name
        return False
    return body[5:] != raw_name and int.from_bytes(body[1:5], "little") == zlib.crc32(raw_name)


def _anomaly(kind: ZipAnomalyKind, detail: str, *, member: str | None = None) -> ZipAnomaly:
    """Return the anomaly."""
    return ZipAnomaly(kind=kind, member=member, detail=detail)


def _too_large(expected: str, found: str) -> LimitExceededError:
    """Build the error for a directory beyond the limits."""
    return LimitExceededError(
        "the zip archive's directory is too large",
        where="zip archive",
        expected=expected,
        found=found,
    )
