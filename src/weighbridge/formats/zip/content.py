"""The content of a zip's members."""

import zlib
from typing import Final

from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_ARCHIVE_RATIO, MAX_MEMBER_BYTES
from weighbridge.core.limits.units import MIB
from weighbridge.formats.zip.values import (
    DEFLATED,
    STORED,
    ZipAnomaly,
    ZipAnomalyKind,
    ZipMember,
)

_BLOCK_BYTES: Final = MIB


def open_member(source: ByteSource, member: ZipMember, *, check_crc: bool = True) -> ByteSource:
    """
    Return the content of *member* of the zip *source*.

    A stored member is a view of the archive, and nothing of it is read: whoever reads it whole
    compares the checksum with `find_crc_anomaly`. A deflated one is inflated here, its size
    always and its checksum by default compared; without *check_crc* the content of a member
    with a wrong checksum can be examined all the same, as loaders that do not check would.

    Raises:
        MalformedContentError: Encrypted, of another method, broken, or not what the directory
            says.
        LimitExceededError: Larger than `MAX_MEMBER_BYTES`, or expanding beyond
            `MAX_ARCHIVE_RATIO`.
    """
    if member.data_offset is None:
        raise _malformed(member, expected="a local header", found="none")
    if member.encrypted:
        raise _malformed(member, expected="plain content", found="encrypted content")
    if member.data_offset + member.compressed_size > source.size:
        raise _malformed(member, expected="content within the file", found="its end before")
    view = RegionSource(source, offset=member.data_offset, length=member.compressed_size)
    if member.method == STORED:
        if member.size != member.compressed_size:
            found = f"{member.compressed_size} stored"
            raise _malformed(member, expected=f"{member.size} bytes", found=found)
        return view
    if member.method != DEFLATED:
        expected = "stored or deflated content"
        raise _malformed(member, expected=expected, found=f"method {member.method}")
    _check_limits(member)
    content = BytesSource(memoryview(_inflate(view, member)))
    anomaly = find_crc_anomaly(content, member) if check_crc else None
    if anomaly is not None:
        raise _malformed(member, expected=f"checksum {member.crc32:08x}", found=anomaly.detail)
    return content


def find_crc_anomaly(content: ByteSource, member: ZipMember) -> ZipAnomaly | None:
    """Return the anomaly of a *content* that has not the checksum of *member*; reads it all."""
    crc32 = 0
    for at in range(0, content.size, _BLOCK_BYTES):
        crc32 = zlib.crc32(content.read_at(at, _BLOCK_BYTES), crc32)
    if crc32 == member.crc32:
        return None
    detail = f"the content has checksum {crc32:08x}, the directory says {member.crc32:08x}"
    return ZipAnomaly(kind=ZipAnomalyKind.CONTENT_CHECKSUM, member=member.name, detail=detail)


def _check_limits(member: ZipMember) -> None:
    """Refuse to inflate what would not end well."""
    if member.size > MAX_MEMBER_BYTES:
        expected = f"a member of at most {MAX_MEMBER_BYTES} bytes"
    elif member.size > member.compressed_size * MAX_ARCHIVE_RATIO:
        expected = f"at most {MAX_ARCHIVE_RATIO} times the {member.compressed_size} stored bytes"
    else:
        return
    raise LimitExceededError(
        "the member is too large to be inflated",
        where=f"zip member {member.name[:200]}",
        expected=expected,
        found=f"{member.size}",
    )


def _inflate(view: ByteSource, member: ZipMember) -> bytearray:
    """Return the inflated content; never holds more than the size that the directory states."""
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    content = bytearray()
    try:
        for at in range(0, view.size, _BLOCK_BYTES):
            block = view.read_at(at, _BLOCK_BYTES)
            room = _BLOCK_BYTES
            more = b""
            while not inflater.eof and (block or len(more) == room):
                # One byte more than allowed: enough to see that there is more.
                room = min(_BLOCK_BYTES, member.size - len(content) + 1)
                more = inflater.decompress(block, room)
                block = inflater.unconsumed_tail
                content += more
                if len(content) > member.size:
                    expected = f"{member.size} bytes"
                    raise _malformed(member, expected=expected, found="more of them")
            if inflater.eof and (inflater.unused_data or at + _BLOCK_BYTES < view.size):
                found = "bytes behind the end of the deflate stream"
                raise _malformed(member, expected="one deflate stream", found=found)
    except zlib.error as error:
        raise _malformed(member, expected="a deflate stream", found=str(error)) from error
    if not inflater.eof or len(content) != member.size:
        found = f"{len(content)}, stream {'complete' if inflater.eof else 'incomplete'}"
        raise _malformed(member, expected=f"{member.size} bytes", found=found)
    return content


def _malformed(member: ZipMember, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a member that cannot be read."""
    return MalformedContentError(
        "the member cannot be read",
        where=f"zip member {member.name[:200]}",
        expected=expected,
        found=found,
    )
