"""A zip's local headers, held against the directory (APPNOTE 4.3.7, 4.3.9)."""

import struct
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.formats.zip.directory import Entry, iterate_extra
from weighbridge.formats.zip.values import (
    FLAG_DESCRIPTOR,
    SENTINEL_32,
    ZipAnomaly,
    ZipAnomalyKind,
)

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_LOCAL_SIGNATURE: Final = b"PK\x03\x04"
_DESCRIPTOR_SIGNATURE: Final = b"PK\x07\x08"
_EXTRA_ZIP64: Final = 0x0001
_VERSION_ZIP64: Final = 45
_NEWEST_VERSION: Final = 63
"""What Python's zipfile reads at most; others do not look (APPNOTE 4.4.3)."""

_IGNORED_FLAGS: Final = 0x0006
"""How hard the writer tried to compress: says nothing to a reader."""


class LocalHeader:
    """
    The local header of one entry.

    Attributes:
        data_offset: Where the content starts; None where no local header is.
        end: Where the member ends, its data descriptor included.
        anomalies: Every way in which it differs from the directory.
    """

    __slots__ = ("_entry", "anomalies", "data_offset", "end")

    def __init__(self, source: ByteSource, entry: Entry, *, at: int) -> None:
        self._entry = entry
        self.anomalies: list[ZipAnomaly] = []
        self.data_offset: int | None = None
        self.end = at
        head = source.read_at(at, _LOCAL.size + len(entry.raw_name)) if at >= 0 else b""
        if len(head) < _LOCAL.size or not head.startswith(_LOCAL_SIGNATURE):
            self._report(ZipAnomalyKind.LOCAL_HEADER, f"no local header at byte {at}")
            return
        fields = _LOCAL.unpack_from(head)
        name_size, extra_size = fields[9], fields[10]
        data_offset = at + _LOCAL.size + name_size + extra_size
        self.end = data_offset + entry.compressed_size
        if self.end > source.size:
            self._report(
                ZipAnomalyKind.LOCAL_HEADER, f"the content ends beyond the file: {self.end}"
            )
            self.end = at
            return
        self.data_offset = data_offset
        self._compare_plain(fields)
        self._compare_name(source, head, at=at, name_size=name_size)
        self._compare_sizes(source, fields, at=at + _LOCAL.size + name_size, extra_size=extra_size)
        if entry.flags & FLAG_DESCRIPTOR:
            self._skip_descriptor(source)

    def _report(self, kind: ZipAnomalyKind, detail: str) -> None:
        """Note an anomaly of this member."""
        self.anomalies.append(ZipAnomaly(kind=kind, member=self._entry.name, detail=detail))

    def _compare(self, kind: ZipAnomalyKind, what: str, local: int, central: int) -> None:
        """Note a field in which local header and directory differ."""
        if local != central:
            self._report(kind, f"{what} {local} in the local header, {central} in the directory")

    def _compare_plain(self, fields: tuple[int, ...]) -> None:
        """Compare version, flags and method."""
        entry = self._entry
        _, version, flags, method = fields[:4]
        # An entry of its own with zip64 fields only in the directory: where the member starts
        # beyond 4 GiB. The local header cannot know that it needs zip64.
        if version != entry.version_needed and not (
            entry.zip64 and entry.version_needed == _VERSION_ZIP64
        ):
            self._compare(ZipAnomalyKind.VERSION_MISMATCH, "version", version, entry.version_needed)
        self._compare(
            ZipAnomalyKind.FLAGS_MISMATCH,
            "flags",
            flags & ~_IGNORED_FLAGS,
            entry.flags & ~_IGNORED_FLAGS,
        )
        self._compare(ZipAnomalyKind.METHOD_MISMATCH, "method", method, entry.method)
        if entry.version_needed & 0xFF > _NEWEST_VERSION:
            detail = f"version {entry.version_needed & 0xFF} needed, which some readers refuse"
            self._report(ZipAnomalyKind.VERSION_MISMATCH, detail)

    def _compare_name(self, source: ByteSource, head: bytes, *, at: int, name_size: int) -> None:
        """Compare the names, byte for byte."""
        raw = head[_LOCAL.size :][:name_size]
        if name_size != len(self._entry.raw_name):
            raw = source.read_at(at + _LOCAL.size, name_size)
        if raw != self._entry.raw_name:
            detail = f"{raw[:200]!r} in the local header"
            self._report(ZipAnomalyKind.NAME_MISMATCH, detail)

    def _compare_sizes(
        self, source: ByteSource, fields: tuple[int, ...], *, at: int, extra_size: int
    ) -> None:
        """Compare checksum and sizes; with a data descriptor they may be zero here."""
        entry = self._entry
        crc32, compressed, size = fields[6:9]
        deferred = bool(entry.flags & FLAG_DESCRIPTOR)
        if SENTINEL_32 in (compressed, size):
            compressed, size = self._widen(source.read_at(at, extra_size), compressed, size)
        pairs = (
            (ZipAnomalyKind.CRC_MISMATCH, "checksum", crc32, entry.crc32),
            (ZipAnomalyKind.SIZE_MISMATCH, "compressed size", compressed, entry.compressed_size),
            (ZipAnomalyKind.SIZE_MISMATCH, "size", size, entry.size),
        )
        for kind, what, local, central in pairs:
            if not (deferred and local == 0):
                self._compare(kind, what, local, central)

    def _widen(self, extra: bytes, compressed: int, size: int) -> tuple[int, int]:
        """Return the sizes from the zip64 field; APPNOTE 4.5.3 demands both in a local header."""
        for tag, body in iterate_extra(extra):
            if tag == _EXTRA_ZIP64:
                at = 0
                if size == SENTINEL_32:
                    size = int.from_bytes(body[:8], "little")
                    at = 8
                if compressed == SENTINEL_32:
                    compressed = int.from_bytes(body[at : at + 8], "little")
                break
        return compressed, size

    def _skip_descriptor(self, source: ByteSource) -> None:
        """
        Take the data descriptor, in whichever of its four forms it agrees with the directory.

        The signature is optional and the sizes have four or eight bytes, and nothing says which.
        """
        entry = self._entry
        raw = source.read_at(self.end, 24)
        crc = entry.crc32.to_bytes(4, "little")
        for prefix in (_DESCRIPTOR_SIGNATURE, b""):
            for width in (4, 8):
                limit = 1 << (8 * width)
                if entry.compressed_size >= limit or entry.size >= limit:
                    continue
                form = prefix + crc
                form += entry.compressed_size.to_bytes(width, "little")
                form += entry.size.to_bytes(width, "little")
                if raw.startswith(form):
                    self.end += len(form)
                    return
        self._report(ZipAnomalyKind.DESCRIPTOR_MISMATCH, "no data descriptor as in the directory")
