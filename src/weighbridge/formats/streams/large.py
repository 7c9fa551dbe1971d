"""
The content of large deflate streams, read at any position without ever being held.

zlib's state can be copied. One pass through the stream keeps a copy every few mebibytes, and
whoever reads at a position has the piece around it inflated again from the copy before. So a
checkpoint of gigabytes in a gzip or a zip is examined in the memory of two pieces.
"""

import zlib
from collections.abc import Callable
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_STREAMED_BYTES
from weighbridge.core.limits.units import KIB, MIB
from weighbridge.core.values import frozen
from weighbridge.formats.streams.decoders import broken
from weighbridge.formats.streams.pieces import read_pieces

PIECE: Final = 8 * MIB
_KEPT: Final = 3
_BLOCK: Final = 256 * KIB
_GZIP_WBITS: Final = 16 + zlib.MAX_WBITS
RAW_WBITS: Final = -zlib.MAX_WBITS
"""Of deflate streams without any wrapper, as in zip archives."""

WBITS: Final = {
    FileFormat.DEFLATE: RAW_WBITS,
    FileFormat.GZIP: _GZIP_WBITS,
    FileFormat.ZLIB: zlib.MAX_WBITS,
}
"""Formats whose content can be read so."""


@frozen
class _Mark:
    """The state of the decoder where a piece starts."""

    decoder: "zlib._Decompress"
    at: int


class LargeContent:
    """
    A byte source for the content of a deflate stream.

    Attributes:
        end: Where the last stream ends in the file.
        problem: Why the content ends before the stream does; None where it does not.
    """

    def __init__(
        self,
        source: ByteSource,
        wbits: int,
        *,
        check_time: Callable[[], None],
        limit: int = MAX_STREAMED_BYTES,
    ) -> None:
        """
        Go through the stream once.

        Raises:
            LimitExceededError: The time is used up.
        """
        self._source = source
        self._wbits = wbits
        self._check_time = check_time
        self._marks: list[_Mark] = []
        self._kept: dict[int, bytes] = {}
        self.problem: MalformedContentError | LimitExceededError | None = None
        mark: _Mark | None = _Mark(decoder=zlib.decompressobj(wbits), at=0)
        size = 0
        self.end = 0
        while mark is not None:
            if size >= limit:
                self.problem = LimitExceededError(
                    "the content is larger than what is inflated",
                    expected=f"at most {limit} bytes",
                )
                break
            self._marks.append(mark)
            piece, mark = self._inflate(mark)
            size += len(piece)
        self._size = size

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        return read_pieces(self._part, size=self._size, offset=offset, length=length)

    def _part(self, offset: int) -> bytes:
        """Return some bytes from *offset* on."""
        return self._piece(offset // PIECE)[offset % PIECE :]

    def _piece(self, number: int) -> bytes:
        """Return one piece of the content, of the last few without inflating it."""
        found = self._kept.pop(number, None)
        if found is None:
            mark = self._marks[number]
            copy = _Mark(decoder=mark.decoder.copy(), at=mark.at)
            found, _ = self._inflate(copy)
            while len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
        self._kept[number] = found
        return found

    def _inflate(self, mark: _Mark) -> tuple[bytes, _Mark | None]:
        """Return the piece at *mark*, and where the next one starts; None at the end."""
        decoder, at = mark.decoder.copy(), mark.at
        out = bytearray()
        while len(out) < PIECE:
            self._check_time()
            if decoder.eof:
                at -= len(decoder.unused_data)
                self.end = max(self.end, at)
                if not self._goes_on(at):
                    return bytes(out), None
                decoder = zlib.decompressobj(self._wbits)
            block = decoder.unconsumed_tail
            if not block:
                block = self._source.read_at(at, _BLOCK)
                at += len(block)
            try:
                piece = decoder.decompress(block, PIECE - len(out))
            except zlib.error as error:
                self.problem = broken(str(error))
                return bytes(out), None
            if not block and not piece and not decoder.eof:
                self.problem = broken("its end is missing")
                return bytes(out), None
            out += piece
        return bytes(out), _Mark(decoder=decoder, at=at)

    def _goes_on(self, at: int) -> bool:
        """Tell whether another gzip member follows directly."""
        return self._wbits == _GZIP_WBITS and self._source.read_at(at, 3) == b"\x1f\x8b\x08"
