"""The end of a zip: where its central directory is, and who might think otherwise."""

import struct
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.limits.sniffing import SNIFF_TAIL_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.zip.values import (
    SENTINEL_16,
    SENTINEL_32,
    ZipAnomaly,
    ZipAnomalyKind,
    malformed,
)

END_SIGNATURE: Final = b"PK\x05\x06"
DIRECTORY_SIGNATURE: Final = b"PK\x01\x02"
_ZIP64_END_SIGNATURE: Final = b"PK\x06\x06"
_ZIP64_LOCATOR_SIGNATURE: Final = b"PK\x06\x07"

_END: Final = struct.Struct("<4s4H2LH")  # APPNOTE 4.3.16
_ZIP64_END: Final = struct.Struct("<4sQ2H2L4Q")  # APPNOTE 4.3.14
_ZIP64_LOCATOR: Final = struct.Struct("<4sLQL")  # APPNOTE 4.3.15


@frozen
class EndRecord:
    """
    What the end of the archive says of its directory.

    Attributes:
        entries: How many the directory should have.
        size: Bytes of the directory.
        offset: Where it starts, as recorded.
        limit: Where the first of the end records starts; the directory ends there.
        position: Where the end record proper starts.
        candidates: Positions of other end records in the tail.
        reaching: Those of them whose comment ends with the file.
        anomalies: What is odd already.
    """

    entries: int
    size: int
    offset: int
    limit: int
    position: int
    candidates: tuple[int, ...]
    reaching: tuple[int, ...]
    anomalies: tuple[ZipAnomaly, ...]


def read_end(source: ByteSource) -> EndRecord:
    """
    Return the end record that most readers take: the last one in the file.

    Raises:
        MalformedContentError: There is none, or it spans disks.
    """
    start = max(0, source.size - SNIFF_TAIL_BYTES)
    tail = source.read_at(start, SNIFF_TAIL_BYTES)
    positions = _find_all(tail)
    if not positions:
        raise malformed("no end of a zip archive", expected="an end record", found="none")
    anomalies: list[ZipAnomaly] = []
    at = positions[-1]
    _, disk, first_disk, here, entries, size, offset, comment = _END.unpack_from(tail, at)
    rest = len(tail) - at - _END.size
    if comment != rest:
        detail = f"the end record has a comment of {comment} bytes, {rest} follow"
        anomalies.append(ZipAnomaly(kind=ZipAnomalyKind.TRAILING_DATA, member=None, detail=detail))
    position = start + at
    limit = position
    zip64 = _read_zip64(source, position, anomalies)
    if zip64 is not None:
        limit, wide = zip64
        narrow = (disk, first_disk, here, entries, size, offset)
        _compare_zip64(narrow, wide, anomalies)
        disk, first_disk, here, entries, size, offset = wide
    if disk or first_disk or here != entries:
        found = f"disk {disk} of an archive that starts on disk {first_disk}"
        raise malformed("the archive spans disks", expected="one file", found=found)
    others = positions[:-1]
    return EndRecord(
        entries=entries,
        size=size,
        offset=offset,
        limit=limit,
        position=position,
        candidates=tuple(start + p for p in others),
        reaching=tuple(start + p for p in others if _reaches_end(tail, p)),
        anomalies=tuple(anomalies),
    )


def _find_all(tail: bytes) -> list[int]:
    """Return where end records may start in *tail*."""
    positions = []
    at = tail.find(END_SIGNATURE)
    while at >= 0:
        if at + _END.size <= len(tail):
            positions.append(at)
        at = tail.find(END_SIGNATURE, at + 1)
    return positions


def _reaches_end(tail: bytes, at: int) -> bool:
    """Tell whether the record at *at* has a comment that ends with the file."""
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    return at + _END.size + comment == len(tail)


def _read_zip64(
    source: ByteSource, position: int, anomalies: list[ZipAnomaly]
) -> tuple[int, tuple[int, ...]] | None:
    """Return where the zip64 end record starts and its values; None without a locator."""
    locator_at = position - _ZIP64_LOCATOR.size
    if locator_at < 0:
        return None
    signature, disk, at, disks = _ZIP64_LOCATOR.unpack(
        source.read_at(locator_at, _ZIP64_LOCATOR.size)
    )
    if signature != _ZIP64_LOCATOR_SIGNATURE:
        return None
    raw = source.read_at(at, _ZIP64_END.size) if at < source.size else b""
    if len(raw) < _ZIP64_END.size or not raw.startswith(_ZIP64_END_SIGNATURE):
        raise malformed(
            "the zip64 locator points at no zip64 end record",
            expected="PK\\x06\\x06",
            found=f"{raw[:4]!r} at byte {at}",
        )
    _, record_size, _, _, *values = _ZIP64_END.unpack(raw)
    # Readers that ignore the locator's offset look directly before the locator.
    if at + 12 + record_size != locator_at or record_size != _ZIP64_END.size - 12:
        anomalies.append(
            _zip64(f"a record of {record_size} bytes at byte {at} before {locator_at}")
        )
    if disk != 0 or disks > 1:
        anomalies.append(_zip64(f"the locator names disk {disk} of {disks}"))
    return at, tuple(values)


def _compare_zip64(
    narrow: tuple[int, ...], wide: tuple[int, ...], anomalies: list[ZipAnomaly]
) -> None:
    """Report plain fields that neither defer to the zip64 record nor agree with it."""
    sentinels = (SENTINEL_16,) * 4 + (SENTINEL_32,) * 2
    for plain, real, sentinel in zip(narrow, wide, sentinels, strict=True):
        if plain not in (sentinel, real):
            anomalies.append(_zip64(f"the end record says {plain}, its zip64 form {real}"))


def _zip64(detail: str) -> ZipAnomaly:
    """Return the anomaly of zip64 fields that do not fit."""
    return ZipAnomaly(kind=ZipAnomalyKind.ZIP64_MISMATCH, member=None, detail=detail)
