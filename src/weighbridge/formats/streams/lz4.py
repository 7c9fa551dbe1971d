"""LZ4 streams: frames, and the legacy form of the first `lz4` programs."""

from importlib import import_module
from types import ModuleType
from typing import Any, Final

from weighbridge.core.errors import MalformedContentError, MissingExtraError

_LEGACY_MAGIC: Final = b"\x02\x21\x4c\x18"
_LEGACY_BLOCK: Final = 8 << 20
"""Bytes that a block of the legacy form holds (lz4 frame format, "Legacy frame")."""
_LARGEST_PACKED: Final = _LEGACY_BLOCK + _LEGACY_BLOCK // 255 + 16
_LENGTH_BYTES: Final = 4


def decoder() -> "Lz4Decoder":
    """
    Return the decoder of one frame.

    Raises:
        MissingExtraError: The package lz4 is not installed.
    """
    try:
        return Lz4Decoder(import_module("lz4.frame"), import_module("lz4.block"))
    except ImportError as error:
        raise MissingExtraError.for_extra("scan", purpose="examining LZ4 streams") from error


class Lz4Decoder:
    """One LZ4 frame of either form, told by its magic number."""

    def __init__(self, frame: ModuleType, block: ModuleType) -> None:
        self._frame = frame
        self._inner: Any = frame.LZ4FrameDecompressor()
        self._block = block
        self._legacy: _Legacy | None = None
        self._begun = b""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended; the legacy form has no end of its own."""
        return self._legacy.eof if self._legacy else bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        """What was handed in behind the end of the frame."""
        if self._legacy:
            return self._legacy.rest if self._legacy.eof else b""
        return bytes(self._inner.unused_data or b"")

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before more is handed in."""
        return self._legacy.needs_input if self._legacy else bool(self._inner.needs_input)

    @property
    def may_end(self) -> bool:
        """Whether the file may end here though the frame has not: behind a legacy block."""
        return self._legacy is not None and not self._legacy.rest

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """
        Return at most *max_length* bytes of the content.

        Raises:
            MalformedContentError: The frame is broken.
        """
        if self._legacy is None and data.startswith(_LEGACY_MAGIC) and not self._begun:
            self._legacy = _Legacy(self._block)
            data = data[len(_LEGACY_MAGIC) :]
        self._begun = self._begun or data[:1]
        if self._legacy is not None:
            return self._legacy.decompress(data, max_length)
        try:
            return bytes(self._inner.decompress(data, max_length))
        # RuntimeError is what the binding raises for broken frames; EOFError and ValueError for
        # misuse that broken frames lead to.
        except (RuntimeError, EOFError, ValueError) as error:
            raise MalformedContentError("the stream is broken", found=str(error)) from error


class _Legacy:
    """Blocks of eight mebibytes with their packed lengths before them, to the end of the file."""

    def __init__(self, block: ModuleType) -> None:
        self._block = block
        self._out = b""
        self.rest = b""
        self.eof = False

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before more is handed in."""
        return not self._out

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most *max_length* bytes of the content."""
        self.rest += data
        if not self._out and len(self.rest) >= _LENGTH_BYTES:
            length = int.from_bytes(self.rest[:_LENGTH_BYTES], "little")
            if length > _LARGEST_PACKED:
                # Readers take what is no length for the magic number of a further frame.
                self.eof = True
            elif len(self.rest) >= _LENGTH_BYTES + length:
                packed = self.rest[_LENGTH_BYTES:][:length]
                self.rest = self.rest[_LENGTH_BYTES + length :]
                self._out = self._unpack(packed)
        piece, self._out = self._out[:max_length], self._out[max_length:]
        return piece

    def _unpack(self, packed: bytes) -> bytes:
        """Return the content of one block."""
        try:
            return bytes(self._block.decompress(packed, uncompressed_size=_LEGACY_BLOCK))
        except (self._block.LZ4BlockError, ValueError) as error:
            raise MalformedContentError("the stream is broken", found=str(error)) from error
