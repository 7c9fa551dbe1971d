"""
The content of large streams whose decoder can only go forward: bzip2, LZ4, xz, Zstandard.

Nothing of a decoder's state can be copied, unlike zlib's (`large.py`). One pass finds out how much
there is and where streams start; whoever reads at a position behind the last one goes on from
there, and whoever goes back starts anew at the last stream before it. The start of the content,
which has been decoded anyway, its end and the last pieces are kept. So a file is examined in
bounded memory, and how much of it depends on how fast it can be decoded.
"""

from collections.abc import Callable
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_STREAMED_BYTES
from weighbridge.core.limits.units import KIB, MIB
from weighbridge.core.values import frozen
from weighbridge.formats.streams.decoders import DECODERS, Decoder, broken
from weighbridge.formats.streams.lz4 import Lz4Decoder
from weighbridge.formats.streams.pieces import read_pieces

PIECE: Final = 8 * MIB
_KEPT: Final = 8
_TAIL: Final = 4 * MIB
_BLOCK: Final = 256 * KIB
_MAX_MARKS: Final = 4096
_STARTS: Final = {
    FileFormat.BZIP2: (b"BZh",),
    FileFormat.LZ4: (b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"),
    FileFormat.XZ: (b"\xfd7zXZ\x00",),
    FileFormat.ZSTD: (b"\x28\xb5\x2f\xfd",),
}
FORWARD: Final = frozenset(_STARTS)
"""Formats whose content can be read so."""


class TooSlowError(Exception):
    """Decoding takes longer than the caller wants to wait for it."""


@frozen
class _Mark:
    """Where a stream starts, in the content and in the file."""

    position: int
    at: int


class ForwardContent:
    """
    A byte source for the content of streams.

    Attributes:
        end: Where the last stream ends in the file.
        problem: Why the content ends before the streams do; None where it does not.
    """

    def __init__(
        self,
        source: ByteSource,
        file_format: FileFormat,
        *,
        prefix: memoryview,
        check_time: Callable[[], None],
        check_pace: Callable[[], None],
        limit: int = MAX_STREAMED_BYTES,
    ) -> None:
        """
        Go through the streams once.

        Args:
            source: The compressed file, which starts with a stream.
            file_format: One of `FORWARD`.
            prefix: The start of the content, as far as it is decoded already.
            check_time: Called piece by piece; raises when the time is used up.
            check_pace: Called during the first pass; may raise `TooSlowError`.
            limit: Bytes of content at most.

        Raises:
            TooSlowError: *check_pace* has raised it.
            LimitExceededError: The time is used up.
        """
        self._source = source
        self._format = file_format
        self._prefix = prefix
        self._check_time = check_time
        self._marks: list[_Mark] = []
        self._pieces: dict[int, bytes] = {}
        self.problem: MalformedContentError | LimitExceededError | None = None
        self._run = _Run(self, _Mark(position=0, at=0))
        self._carry = bytearray()
        self._carry_at = 0
        tail = bytearray()
        while self.problem is None:
            check_pace()
            piece = self._next()
            if not piece:
                break
            tail += piece
            del tail[:-_TAIL]
            if self._run.position >= limit:
                self.problem = LimitExceededError(
                    "the content is larger than what is decoded", expected=f"at most {limit} bytes"
                )
        self._size = self._run.position
        self._tail = bytes(tail)
        self.end = self._run.at
        self._carry_at = self._size

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        return read_pieces(self._part, size=self._size, offset=offset, length=length)

    def _part(self, offset: int) -> bytes | memoryview:
        """Return some bytes from *offset* on."""
        if offset < len(self._prefix):
            return self._prefix[offset : offset + PIECE]
        tail = self._size - len(self._tail)
        if offset >= tail:
            return self._tail[offset - tail :]
        number = offset // PIECE
        return self._piece(number)[offset - number * PIECE :]

    def _piece(self, number: int) -> bytes:
        """Return one piece of the content, going on to it or starting anew."""
        found = self._pieces.pop(number, None)
        if found is None:
            start = number * PIECE
            stop = min(start + PIECE, self._size)
            if start < self._carry_at:
                mark = max(
                    (mark for mark in self._marks if mark.position <= start),
                    key=lambda mark: mark.position,
                    default=_Mark(position=0, at=0),
                )
                self._run = _Run(self, mark)
                self._carry.clear()
                self._carry_at = mark.position
            while self._carry_at + len(self._carry) < stop:
                piece = self._next()
                if not piece:
                    raise broken("it is not what it was before")
                self._carry += piece
                skipped = min(len(self._carry), start - self._carry_at)
                if skipped > 0:
                    del self._carry[:skipped]
                    self._carry_at += skipped
            at = start - self._carry_at
            found = bytes(self._carry[at : at + stop - start])
            while len(self._pieces) >= _KEPT:
                self._pieces.pop(next(iter(self._pieces)))
        self._pieces[number] = found
        return found

    def _next(self) -> bytes:
        """
        Decode on; empty at the end, and where the stream breaks or takes too much memory.

        What came before that is content all the same. Only the end of the time ends everything.
        """
        self._check_time()
        try:
            return self._run.decode()
        except (MalformedContentError, LimitExceededError) as error:
            if error.code is Code.SCAN_TIMEOUT:
                raise
            self.problem = error
        return b""

    def make_decoder(self) -> Decoder:
        """Return the decoder of one stream."""
        return DECODERS[self._format]()

    def find_stream(self, at: int) -> int | None:
        """Return where the next stream starts, behind zeros; None where none does."""
        while True:
            block = self._source.read_at(at, _BLOCK)
            rest = block.lstrip(b"\0")
            at += len(block) - len(rest)
            if rest or not block:
                break
            self._check_time()
        starts = _STARTS[self._format]
        return at if self._source.read_at(at, 8).startswith(starts) else None

    def read_block(self, at: int) -> bytes:
        """Return the next bytes of the file."""
        return self._source.read_at(at, _BLOCK)

    def mark(self, position: int, at: int) -> None:
        """Remember where a stream starts, if that is far from the last one."""
        last = self._marks[-1].position if self._marks else 0
        if position - last >= PIECE and len(self._marks) < _MAX_MARKS:
            self._marks.append(_Mark(position=position, at=at))


class _Run:
    """A decoder under way, from the start of a stream to the end of the last one."""

    def __init__(self, content: ForwardContent, mark: _Mark) -> None:
        self._content = content
        self._decoder = content.make_decoder()
        self.at = mark.at
        self.position = mark.position

    def decode(self) -> bytes:
        """
        Return the next bytes of the content; empty at the end.

        Raises:
            MalformedContentError: The stream is broken.
        """
        while True:
            if self._decoder.eof and not self._enter_next():
                return b""
            block = b""
            if self._decoder.needs_input:
                block = self._content.read_block(self.at)
                if not block:
                    if isinstance(self._decoder, Lz4Decoder) and self._decoder.may_end:
                        return b""
                    raise broken("its end is missing")
                self.at += len(block)
            piece = self._decoder.decompress(block, MIB)
            if piece:
                self.position += len(piece)
                return piece

    def _enter_next(self) -> bool:
        """Go on to the stream behind this one; tell whether there is one."""
        self.at -= len(self._decoder.unused_data)
        following = self._content.find_stream(self.at)
        if following is None:
            return False
        self.at = following
        self._content.mark(self.position, following)
        self._decoder = self._content.make_decoder()
        return True
