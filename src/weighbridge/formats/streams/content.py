"""The content of a compressed file: all of its streams, within bounds."""

from collections.abc import Callable
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_ARCHIVE_MEMBERS, MAX_MEMBER_BYTES
from weighbridge.core.limits.units import KIB, MIB
from weighbridge.core.values import frozen
from weighbridge.formats.streams.decoders import DECODERS, Decoder, broken
from weighbridge.formats.streams.lz4 import Lz4Decoder

CONCATENATED: Final = frozenset(
    {FileFormat.BZIP2, FileFormat.GZIP, FileFormat.LZ4, FileFormat.XZ, FileFormat.ZSTD}
)
"""Formats of which readers take several streams for one file."""

_SKIPPING: Final = frozenset({FileFormat.LZ4, FileFormat.ZSTD})
_SKIPPABLE: Final = b"\x2a\x4d\x18"
_SKIPPABLE_FIRST: Final = range(0x50, 0x60)
_SKIPPABLE_HEAD: Final = 8
_MAGIC: Final = {
    b"\x04\x22\x4d\x18": FileFormat.LZ4,
    b"\x02\x21\x4c\x18": FileFormat.LZ4,
    b"\x28\xb5\x2f\xfd": FileFormat.ZSTD,
}
_BLOCK: Final = 256 * KIB
_FIRST_BLOCK: Final = 8 * KIB
"""What is read of a stream at first: a file may be millions of tiny ones."""

Span = tuple[int, int]
"""Start and end of bytes in the file."""


@frozen
class Inflated:
    """
    What came out of a compressed file.

    Attributes:
        content: Up to where the file ends, breaks or meets a bound.
        streams: How many streams there are, a broken one included.
        unread: Bytes of the file that are in no stream: frames that readers skip, padding, and
            what follows the last stream.
        problem: Why there is no more content; None where the last stream has ended.
    """

    content: memoryview
    streams: int
    unread: tuple[Span, ...]
    problem: MalformedContentError | LimitExceededError | None


def inflate(
    source: ByteSource,
    file_format: FileFormat,
    *,
    spend: Callable[[int], None],
    check_time: Callable[[], None],
    limit: int | None = None,
) -> Inflated:
    """
    Return the content of *source*, a file of streams of *file_format*.

    What is broken or too large is not an error: it is the result's problem, beside all that
    came before.

    Args:
        source: The compressed file.
        file_format: One of `DECODERS`.
        spend: Called with the number of bytes that came out, piece by piece; may raise
            `LimitExceededError`, which ends the content there.
        check_time: Called piece by piece; may raise `LimitExceededError`, too.
        limit: Bytes of content at most; `MAX_MEMBER_BYTES` by default.

    Raises:
        MissingExtraError: The format's decoder is not installed.
    """
    bound = MAX_MEMBER_BYTES if limit is None else limit
    return _Inflation(source, file_format, spend=spend, check_time=check_time, limit=bound).run()


class _Inflation:
    """One file's inflation."""

    def __init__(
        self,
        source: ByteSource,
        file_format: FileFormat,
        *,
        spend: Callable[[int], None],
        check_time: Callable[[], None],
        limit: int,
    ) -> None:
        self._source = source
        self._format = file_format
        self._spend = spend
        self._check_time = check_time
        self._limit = limit
        self._content = bytearray()
        self._unread: list[Span] = []
        self._streams = 0
        self._at = 0

    def run(self) -> Inflated:
        """Take stream by stream."""
        problem: MalformedContentError | LimitExceededError | None = None
        self._skip_frames()
        make = DECODERS[self._actual_format()]
        try:
            self._spend(0)  # raises where there is nothing left to spend
            while self._at < self._source.size and self._is_stream():
                self._count_stream()
                self._take_stream(make())
                self._skip_zeros()
                self._skip_frames()
        except (MalformedContentError, LimitExceededError) as error:
            problem = error
        else:
            self._add_unread(self._at, self._source.size)
        return Inflated(
            content=memoryview(self._content),
            streams=self._streams,
            unread=tuple(self._unread),
            problem=problem,
        )

    def _actual_format(self) -> FileFormat:
        """Return the format behind skipped frames: LZ4 and Zstandard have the same ones."""
        if self._format not in _SKIPPING:
            return self._format
        return _MAGIC.get(self._source.read_at(self._at, 4), self._format)

    def _is_stream(self) -> bool:
        """Tell whether another stream is taken for a part of the same file."""
        return not self._streams or self._format in CONCATENATED

    def _count_stream(self) -> None:
        """Count one more stream, unless there were too many."""
        if self._streams >= MAX_ARCHIVE_MEMBERS:
            raise LimitExceededError(f"more than {MAX_ARCHIVE_MEMBERS} streams in one file")
        self._streams += 1

    def _take_stream(self, decoder: Decoder) -> None:
        """Append the content of the stream at the current position, and go to its end."""
        first = self._at
        before = len(self._content)
        size = _FIRST_BLOCK
        while not decoder.eof:
            self._check_time()
            block = b""
            if decoder.needs_input:
                block = self._source.read_at(self._at, size)
                size = _BLOCK
                if not block:
                    if isinstance(decoder, Lz4Decoder) and decoder.may_end:
                        return
                    raise broken("its end is missing")
                self._at += len(block)
            try:
                piece = decoder.decompress(block, MIB)
            except MalformedContentError:
                if self._streams > 1 and len(self._content) == before:
                    # What follows a stream and is none from its start on: readers ignore it.
                    self._at = first
                    self._streams -= 1
                    self._add_unread(first, self._source.size)
                    self._at = self._source.size
                    return
                raise
            self._keep(piece)
        self._at -= len(decoder.unused_data)

    def _keep(self, piece: bytes) -> None:
        """Append *piece* to the content while that is within bounds."""
        room = self._limit - len(self._content)
        if len(piece) > room:
            self._content += piece[:room]
            raise LimitExceededError(
                "the content is larger than what is inflated",
                expected=f"at most {self._limit} bytes",
            )
        self._spend(len(piece))
        self._content += piece

    def _skip_zeros(self) -> None:
        """Go to the next byte that is not zero: padding between streams, as gzip readers do."""
        if self._format not in CONCATENATED:
            return
        start = self._at
        while self._at < self._source.size:
            self._check_time()
            block = self._source.read_at(self._at, _BLOCK)
            rest = block.lstrip(b"\0")
            self._at += len(block) - len(rest)
            if rest:
                break
        self._add_unread(start, self._at)

    def _skip_frames(self) -> None:
        """Go past frames that LZ4 and Zstandard readers skip."""
        while self._format in _SKIPPING:
            self._check_time()
            head = self._source.read_at(self._at, _SKIPPABLE_HEAD)
            if len(head) < _SKIPPABLE_HEAD or head[0] not in _SKIPPABLE_FIRST:
                return
            if head[1:4] != _SKIPPABLE:
                return
            end = self._at + _SKIPPABLE_HEAD + int.from_bytes(head[4:], "little")
            end = min(end, self._source.size)
            self._add_unread(self._at, end)
            self._at = end

    def _add_unread(self, start: int, end: int) -> None:
        """Note bytes that are in no stream."""
        if start < end:
            self._unread.append((start, end))
