"""Tar archives: those of Python's writer, and single headers with any field set."""

import io
import tarfile
from collections.abc import Mapping, Sequence

BLOCK = 512
END = bytes(2 * BLOCK)


def tar_of(members: Mapping[str, bytes], *, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002  tarfile's name
    """Return the archive that Python's own writer makes of *members*."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def header(
    name: bytes,
    *,
    size: int = 0,
    kind: bytes = b"0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    link: bytes = b"",
    raw_size: bytes | None = None,
    extended: bool = False,
) -> bytes:
    """Return one header block with a right checksum."""
    block = bytearray(BLOCK)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = raw_size if raw_size is not None else b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[157 : 157 + len(link)] = link
    block[257:265] = magic
    block[345 : 345 + len(prefix)] = prefix
    block[482] = extended or block[482]
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(
    name: bytes,
    data: bytes = b"",
    *,
    kind: bytes = b"0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    link: bytes = b"",
) -> bytes:
    """Return a header and its content, padded."""
    head = header(name, size=len(data), kind=kind, magic=magic, prefix=prefix, link=link)
    return head + padded(data)


def padded(data: bytes) -> bytes:
    """Return *data* with zeros up to a whole block."""
    return data + bytes(-len(data) % BLOCK)


def pax(records: Sequence[tuple[str, str]], *, kind: bytes = b"x") -> bytes:
    """Return an extended header with *records*."""
    body = b"".join(_record(key, value) for key, value in records)
    return member(b"pax", body, kind=kind)


def _record(key: str, value: str) -> bytes:
    """Return one record with its length, which counts itself."""
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest
