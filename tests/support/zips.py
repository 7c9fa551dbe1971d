"""Zip archives with any field of any record set to any value."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Part:
    """
    One member as it will be written; `local` and `central` override header fields by name.

    Fields: version, flags, method, time, date, crc, compressed, size, name, extra; in the
    central directory also offset, attributes and disk.
    """

    name: bytes
    data: bytes = b""
    deflate: bool = False
    before: bytes = b""
    after: bytes = b""
    local: Mapping[str, int | bytes] = field(default_factory=dict)
    central: Mapping[str, int | bytes] = field(default_factory=dict)


@dataclass(kw_only=True)
class Ending:
    """What follows the members; None fields are computed."""

    prefix: bytes = b""
    between: bytes = b""
    directory_tail: bytes = b""
    behind: bytes = b""
    comment: bytes = b""
    comment_length: int | None = None
    entries: int | None = None
    total: int | None = None
    disk: int = 0
    size: int | None = None
    offset: int | None = None
    zip64: bytes = b""
    trailing: bytes = b""


def build_zip(parts: Sequence[Part], ending: Ending | None = None) -> bytes:
    """Return the archive of *parts*; offsets count from the first part, not from a prefix."""
    ending = ending or Ending()
    body = bytearray()
    directory = bytearray()
    for part in parts:
        body += part.before
        stored = _deflate(part.data) if part.deflate else part.data
        fields: dict[str, int | bytes] = {
            "version": 20,
            "flags": 0,
            "method": 8 if part.deflate else 0,
            "time": 0,
            "date": 33,
            "crc": zlib.crc32(part.data),
            "compressed": len(stored),
            "size": len(part.data),
            "name": part.name,
            "extra": b"",
            "offset": len(body),
            "attributes": 0,
            "disk": 0,
        }
        directory += _central({**fields, **part.central})
        body += _local({**fields, **part.local}) + stored + part.after
    body += ending.between
    offset = len(body)
    directory += ending.directory_tail
    count = len(parts) if ending.entries is None else ending.entries
    end = struct.pack(
        "<4s4H2LH",
        b"PK\x05\x06",
        ending.disk,
        ending.disk,
        count,
        count if ending.total is None else ending.total,
        len(directory) if ending.size is None else ending.size,
        offset if ending.offset is None else ending.offset,
        len(ending.comment) if ending.comment_length is None else ending.comment_length,
    )
    middle = bytes(body) + bytes(directory) + ending.behind + ending.zip64
    return ending.prefix + middle + end + ending.comment + ending.trailing


def zip64_records(
    *, entries: int, size: int, offset: int, at: int, locator: int | None = None, disks: int = 1
) -> bytes:
    """Return a zip64 end record that lies at byte *at*, and its locator."""
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, offset
    )
    where = at if locator is None else locator
    return record + struct.pack("<4sLQL", b"PK\x06\x07", 0, where, disks)


def zip_of(members: Mapping[str, bytes], *, deflate: bool = False) -> bytes:
    """Return the archive that Python's own writer makes of *members*."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            # With the time of day, bytes of a test's archive would differ from run to run.
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


def descriptor(part: Part, *, signature: bool = True, width: int = 4) -> bytes:
    """Return a data descriptor for *part*."""
    stored = _deflate(part.data) if part.deflate else part.data
    sizes = len(stored).to_bytes(width, "little") + len(part.data).to_bytes(width, "little")
    return (b"PK\x07\x08" if signature else b"") + struct.pack("<L", zlib.crc32(part.data)) + sizes


def _deflate(data: bytes) -> bytes:
    """Return *data* deflated without a wrapper."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _local(f: Mapping[str, int | bytes]) -> bytes:
    """Return a local header."""
    name, extra = f["name"], f["extra"]
    assert isinstance(name, bytes)
    assert isinstance(extra, bytes)
    numbers = [
        f[key]
        for key in ("version", "flags", "method", "time", "date", "crc", "compressed", "size")
    ]
    return struct.pack("<4s5H3L2H", b"PK\x03\x04", *numbers, len(name), len(extra)) + name + extra


def _central(f: Mapping[str, int | bytes]) -> bytes:
    """Return an entry of the central directory."""
    name, extra = f["name"], f["extra"]
    assert isinstance(name, bytes)
    assert isinstance(extra, bytes)
    numbers = [
        f[key]
        for key in ("version", "flags", "method", "time", "date", "crc", "compressed", "size")
    ]
    head = struct.pack("<4sH5H3L3H", b"PK\x01\x02", 20, *numbers, len(name), len(extra), 0)
    return head + struct.pack("<2H2L", f["disk"], 0, f["attributes"], f["offset"]) + name + extra
