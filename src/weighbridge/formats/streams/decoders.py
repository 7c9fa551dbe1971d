"""The decoders of the standard library, behind one interface and with one kind of errors."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_DECODER_MEMORY
from weighbridge.formats.streams import lz4, zstd

_MEMORY_LIMIT: Final = "Memory usage limit"
"""How liblzma's binding begins to say that a stream asks for more memory than is allowed."""


class Decoder(Protocol):
    """One stream, decoded piece by piece."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was handed in behind the end of the stream."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before more is handed in."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """
        Return at most *max_length* bytes of content, *data* being what comes next.

        Raises:
            MalformedContentError: The stream is broken.
            LimitExceededError: It takes too much memory to decode.
        """
        ...


class _Zlib:
    """zlib's decoder in the manner of the others."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)
        self._full = False

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """What was handed in behind the end of the stream."""
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before more is handed in."""
        return not self._full and not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most *max_length* bytes of the content."""
        try:
            piece = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        except zlib.error as error:
            raise broken(str(error)) from error
        # A full piece may be followed by more, though all input is taken.
        self._full = len(piece) == max_length
        return piece


class _Library:
    """A decoder of the modules `bz2` and `lzma`, whose errors are mapped."""

    def __init__(self, inner: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """What was handed in behind the end of the stream."""
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before more is handed in."""
        return self._inner.needs_input

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most *max_length* bytes of the content."""
        try:
            return self._inner.decompress(data, max_length)
        except lzma.LZMAError as error:
            if str(error).startswith(_MEMORY_LIMIT):
                raise LimitExceededError(
                    "the stream takes too much memory to decode",
                    expected=f"at most {MAX_DECODER_MEMORY} bytes",
                ) from error
            raise broken(str(error)) from error
        except (OSError, ValueError, EOFError) as error:
            raise broken(str(error)) from error


def broken(found: str) -> MalformedContentError:
    """Build the error for a stream that cannot be decoded."""
    return MalformedContentError("the stream is broken", found=found)


def deflate_decoder() -> Decoder:
    """Return the decoder of a deflate stream without any wrapper (RFC 1951)."""
    return _Zlib(-zlib.MAX_WBITS)


def bzip2_decoder() -> Decoder:
    """Return the decoder of a bzip2 stream."""
    return _Library(bz2.BZ2Decompressor())


def raw_lzma_decoder(filters: list[dict[str, int]]) -> Decoder:
    """
    Return the decoder of an LZMA stream without any wrapper, under *filters* of `lzma`.

    Memory is the caller's concern: liblzma takes no bound here, and the dictionary's size is
    among the filters.

    Raises:
        MalformedContentError: There is no such chain of filters.
    """
    try:
        return _Library(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters))
    except (lzma.LZMAError, ValueError, OverflowError) as error:
        raise broken(f"filters {filters}: {error}") from error


def _xz_decoder() -> Decoder:
    """Return the decoder of an xz stream or one of the older lzma format."""
    return _Library(lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=MAX_DECODER_MEMORY))


DECODERS: Final[Mapping[FileFormat, Callable[[], Decoder]]] = MappingProxyType(
    {
        FileFormat.BZIP2: bzip2_decoder,
        FileFormat.DEFLATE: deflate_decoder,
        FileFormat.GZIP: lambda: _Zlib(16 + zlib.MAX_WBITS),
        FileFormat.LZ4: lz4.decoder,
        FileFormat.XZ: _xz_decoder,
        FileFormat.ZLIB: lambda: _Zlib(zlib.MAX_WBITS),
        FileFormat.ZSTD: zstd.decoder,
    }
)
"""What decodes one stream of each format."""
