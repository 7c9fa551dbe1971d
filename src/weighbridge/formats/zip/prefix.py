"""
The content of a zip's member as far as a reader hands it out.

Readers inflate piece by piece, and compare sizes and checksums at the end if at all. So what
comes out before the member breaks, or before a bound is met, is content like any other.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_MEMBER_BYTES
from weighbridge.core.limits.units import KIB, MIB
from weighbridge.core.values import frozen
from weighbridge.formats.streams import zstd
from weighbridge.formats.streams.decoders import (
    Decoder,
    broken,
    bzip2_decoder,
    deflate_decoder,
    raw_lzma_decoder,
)
from weighbridge.formats.streams.large import RAW_WBITS, LargeContent
from weighbridge.formats.streams.raw import lzma1_filter
from weighbridge.formats.zip.values import DEFLATED, STORED, ZipMember

_BZIP2: Final = 12
_LZMA: Final = 14
_ZSTD: Final = 93
_BLOCK: Final = 256 * KIB
_LZMA_HEAD: Final = 4
"""Bytes before LZMA's properties: a version and their length (APPNOTE 5.8.8)."""


@frozen
class MemberContent:
    """
    What a reader of a member gets.

    Attributes:
        content: Up to where the member ends, breaks or meets a bound.
        problem: Why there is no more; None where it ended as the directory says.
    """

    content: ByteSource
    problem: MalformedContentError | LimitExceededError | None


def read_prefix(
    source: ByteSource,
    member: ZipMember,
    *,
    spend: Callable[[int], None],
    check_time: Callable[[], None],
) -> MemberContent:
    """
    Return what a reader of *member* of the zip *source* gets; a stored member is a view.

    A member that claims to be encrypted is read as if it were not, as torch does
    (CVE-2025-1945); that it may be is its problem.

    Args:
        source: The archive.
        member: One of its members.
        spend: Called with the number of bytes that were inflated; may raise
            `LimitExceededError`, which ends the content there.
        check_time: Called piece by piece; may raise `LimitExceededError`, too.

    Raises:
        MalformedContentError: The member has no content that anybody could read: by a method
            that is not known here, or outside the file.
        MissingExtraError: The method needs a package that is not installed.
    """
    if member.data_offset is None:
        raise _unreadable(member, "no local header")
    length = member.compressed_size
    if member.data_offset + length > source.size:
        raise _unreadable(member, "an end beyond the file's")
    view = RegionSource(source, offset=member.data_offset, length=length)
    if member.method == STORED:
        return MemberContent(content=view, problem=_locked(member) or _compare(view.size, member))
    maker = _DECODERS.get(member.method)
    if maker is None:
        raise _unreadable(member, f"content of method {member.method}")
    out = bytearray()
    problem: MalformedContentError | LimitExceededError | None
    try:
        spend(0)  # raises where there is nothing left to spend
        at, decoder = maker(view, member)
        _inflate(view, at, decoder, out, spend=spend, check_time=check_time)
    except (MalformedContentError, LimitExceededError) as error:
        problem = error
    else:
        problem = _locked(member) or _compare(len(out), member)
    if len(out) >= MAX_MEMBER_BYTES and member.method == DEFLATED:
        # What was inflated so far is let go of: the whole is read in pieces instead.
        out.clear()
        return _read_large(view, member, check_time)
    return MemberContent(content=BytesSource(memoryview(out)), problem=problem)


def _read_large(
    view: ByteSource, member: ZipMember, check_time: Callable[[], None]
) -> MemberContent:
    """Return the content of a deflated member that is too large to be held."""
    large = LargeContent(view, RAW_WBITS, check_time=check_time)
    problem = large.problem or _locked(member) or _compare(large.size, member)
    if problem is None and large.end < view.size:
        problem = broken(f"{view.size - large.end} bytes behind its end")
    return MemberContent(content=large, problem=problem)


def _inflate(
    view: ByteSource,
    at: int,
    decoder: Decoder,
    out: bytearray,
    *,
    spend: Callable[[int], None],
    check_time: Callable[[], None],
) -> None:
    """Append the content of the stream at *at* to *out*."""
    while not decoder.eof:
        check_time()
        block = b""
        if decoder.needs_input:
            block = view.read_at(at, _BLOCK)
            at += len(block)
            if not block:
                raise broken("its end is missing")
        piece = decoder.decompress(block, MIB)
        room = MAX_MEMBER_BYTES - len(out)
        if len(piece) > room:
            out += piece[:room]
            raise LimitExceededError(
                "the member is larger than what is inflated",
                expected=f"at most {MAX_MEMBER_BYTES} bytes",
            )
        spend(len(piece))
        out += piece
    behind = len(decoder.unused_data) + view.size - at
    if behind:
        raise broken(f"{behind} bytes behind its end")


def _locked(member: ZipMember) -> MalformedContentError | None:
    """Return what is wrong where a member claims to be encrypted."""
    return _unreadable(member, "content that claims to be encrypted") if member.encrypted else None


def _compare(size: int, member: ZipMember) -> MalformedContentError | None:
    """Return what is wrong where a member has another size than the directory says."""
    if size == member.size:
        return None
    return MalformedContentError(
        "the member has another size than the directory says",
        where=f"zip member {member.name[:200]}",
        expected=f"{member.size} bytes",
        found=str(size),
    )


def _open_lzma(view: ByteSource, member: ZipMember) -> tuple[int, Decoder]:
    """Return where the LZMA stream of *view* starts, and its decoder."""
    length = int.from_bytes(view.read_at(2, 2), "little")
    properties = view.read_at(_LZMA_HEAD, length)
    # No reader goes on beyond the size that the directory states.
    return _LZMA_HEAD + length, raw_lzma_decoder([lzma1_filter(properties, size=member.size)])


_DECODERS: Final[Mapping[int, Callable[[ByteSource, ZipMember], tuple[int, Decoder]]]] = (
    MappingProxyType(
        {
            DEFLATED: lambda _, __: (0, deflate_decoder()),
            _BZIP2: lambda _, __: (0, bzip2_decoder()),
            _LZMA: _open_lzma,
            _ZSTD: lambda _, __: (0, zstd.decoder()),
        }
    )
)
"""The methods that Python's zipfile reads, the newest one from 3.14 on (APPNOTE 4.4.5)."""


def _unreadable(member: ZipMember, found: str) -> MalformedContentError:
    """Build the error for a member without content that could be read."""
    return MalformedContentError(
        "the member cannot be read",
        where=f"zip member {member.name[:200]}",
        found=found,
    )
