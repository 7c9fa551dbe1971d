"""
Streams of one compressed file: what joblib, pandas and others make of a pickle.

The content is inflated within bounds and examined as a file within the file.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Final, Protocol

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits import MAX_MEMBER_BYTES, MIB
from weighbridge.formats.sniff import sniff
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.pickle_facts import UnreadFacts

_PREVIEW: Final = 32


class _Inflater(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Zlib:
    """zlib's decompressor in the manner of the two others."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """What follows the stream."""
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most *max_length* bytes of the content."""
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_INFLATERS: Final[dict[FileFormat, Callable[[], _Inflater]]] = {
    FileFormat.ZLIB: lambda: _Zlib(zlib.MAX_WBITS),
    FileFormat.GZIP: lambda: _Zlib(16 + zlib.MAX_WBITS),
    FileFormat.BZIP2: bz2.BZ2Decompressor,
    FileFormat.XZ: lzma.LZMADecompressor,
}
_CONCATENATED: Final = frozenset({FileFormat.GZIP, FileFormat.BZIP2, FileFormat.XZ})
"""Formats of which readers take several streams for one file."""


def analyze(subject: Subject) -> Analysis:
    """
    Yield the content as a subject, and the bytes behind it that are no stream.

    Raises:
        MalformedContentError: The stream is broken.
        LimitExceededError: There is more content than is inflated.
    """
    if subject.source.size > MAX_MEMBER_BYTES:
        raise LimitExceededError("the compressed file is too large to be examined")
    rest = subject.source.read_at(0, subject.source.size)
    content = bytearray()
    streams = 0
    while rest and (not streams or subject.format in _CONCATENATED):
        try:
            tail = _inflate(subject, rest, content)
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
            if not streams:
                raise MalformedContentError("the stream cannot be inflated") from error
            break
        rest = tail
        streams += 1
    source = BytesSource(bytes(content))
    found = sniff(source, name="").format
    if found is not FileFormat.EMPTY:
        yield subject.nested(member="content", format=found, source=source)
    if rest:
        yield UnreadFacts(
            subject=subject,
            start=subject.source.size - len(rest),
            length=len(rest),
            zeros=not rest.strip(b"\0"),
            preview=rest[:_PREVIEW],
        )


def _inflate(subject: Subject, data: bytes, content: bytearray) -> bytes:
    """Append the content of the stream at the start of *data*; return what follows it."""
    inflater = _INFLATERS[subject.format]()
    chunk = data
    while not inflater.eof:
        subject.check_time()
        piece = inflater.decompress(chunk, MIB)
        chunk = b""
        content += piece
        if len(content) > MAX_MEMBER_BYTES:
            raise LimitExceededError(
                "the content is larger than what is inflated",
                expected=f"at most {MAX_MEMBER_BYTES} bytes",
            )
        if not piece and not inflater.eof:
            raise MalformedContentError("the stream ends before its end")
    return inflater.unused_data
