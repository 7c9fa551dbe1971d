"""The content of a 7z archive's packed streams."""

import lzma
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_MEMBER_BYTES
from weighbridge.core.limits.units import KIB, MIB
from weighbridge.core.values import frozen
from weighbridge.formats.sevenzip.values import Coder, SevenZipFolder, malformed
from weighbridge.formats.streams import zstd
from weighbridge.formats.streams.decoders import (
    Decoder,
    bzip2_decoder,
    deflate_decoder,
    raw_lzma_decoder,
)
from weighbridge.formats.streams.raw import PREFILTERS, Filter, lzma1_filter, lzma2_filter

_COPY: Final = b"\x00"
_BLOCK: Final = 256 * KIB
_STORED_CHUNK: Final = 64 * KIB
_MIN_DICTIONARY: Final = 4096

_DECODERS: Final[Mapping[bytes, Callable[[Coder], Decoder]]] = MappingProxyType(
    {
        b"\x03\x01\x01": lambda c: raw_lzma_decoder([lzma1_filter(c.properties, size=c.size)]),
        b"\x21": lambda c: raw_lzma_decoder([lzma2_filter(c.properties, size=c.size)]),
        b"\x04\x01\x08": lambda _: deflate_decoder(),
        b"\x04\x02\x02": lambda _: bzip2_decoder(),
        b"\x04\xf7\x11\x01": lambda _: zstd.decoder(),
    }
)
"""Methods that pack, by their numbers (DOC/Methods.txt)."""

_NAMES: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"\x03\x04\x01": "PPMd",
        b"\x04\x01\x09": "Deflate64",
        b"\x06\xf1\x07\x01": "encryption",
    }
)


@frozen
class FolderContent:
    """
    What comes out of a packed stream.

    Attributes:
        content: Up to where it ends, breaks or meets a bound.
        problem: Why there is no more; None where it ended as the header says.
    """

    content: ByteSource
    problem: MalformedContentError | LimitExceededError | None


def open_folder(
    source: ByteSource,
    folder: SevenZipFolder,
    *,
    spend: Callable[[int], None],
    check_time: Callable[[], None],
) -> FolderContent:
    """
    Return the content of *folder* of the 7z archive *source*.

    Args:
        source: The archive.
        folder: One of its packed streams.
        spend: Called with the number of bytes that were unpacked; may raise
            `LimitExceededError`, which ends the content there.
        check_time: Called piece by piece; may raise `LimitExceededError`, too.

    Raises:
        MalformedContentError: Nobody could unpack it here: encrypted, joined from several
            streams, by an unknown method, or beyond the end of the file.
        MissingExtraError: A method needs a package that is not installed.
    """
    if folder.problem:
        raise malformed(folder.problem)
    if folder.offset + folder.packed > source.size:
        raise malformed("a packed stream that ends beyond the file")
    content: ByteSource = RegionSource(source, offset=folder.offset, length=folder.packed)
    problem: MalformedContentError | LimitExceededError | None = None
    for coder in folder.coders:
        if coder.method == _COPY:
            continue
        check_time()
        unpacking = _Unpacking(spend, check_time)
        if coder.method in PREFILTERS:
            prefilter = PREFILTERS[coder.method](coder.properties)
            problem = unpacking.undo_filter(content, prefilter) or problem
        else:
            problem = unpacking.undo(content, coder, _decoder_of(coder)) or problem
        content = BytesSource(memoryview(unpacking.out))
    if problem is None and content.size != folder.size:
        problem = malformed(f"a packed stream of {content.size} bytes instead of {folder.size}")
    return FolderContent(content=content, problem=problem)


def _decoder_of(coder: Coder) -> Decoder:
    """Return the decoder of *coder*."""
    make = _DECODERS.get(coder.method)
    if make is None:
        name = _NAMES.get(coder.method, f"the method {coder.method.hex()}")
        raise malformed(f"{name}, which is not read here")
    return make(coder)


class _Unpacking:
    """One step of unpacking."""

    def __init__(self, spend: Callable[[int], None], check_time: Callable[[], None]) -> None:
        self._spend = spend
        self._check_time = check_time
        self.out = bytearray()

    def undo(
        self, packed: ByteSource, coder: Coder, decoder: Decoder
    ) -> MalformedContentError | LimitExceededError | None:
        """
        Unpack with *decoder*; return why it ended before its time, if it did.

        LZMA has no end of its own in 7z archives: the header's size ends it.
        """
        at = 0
        try:
            self._spend(0)  # raises where there is nothing left to spend
            while not decoder.eof and len(self.out) < coder.size:
                self._check_time()
                block = packed.read_at(at, _BLOCK) if decoder.needs_input else b""
                if decoder.needs_input and not block:
                    return malformed("a packed stream without its end")
                at += len(block)
                room = min(MIB, coder.size - len(self.out))
                self._keep(decoder.decompress(block, room))
        except (MalformedContentError, LimitExceededError) as error:
            return error
        return None

    def undo_filter(
        self, filtered: ByteSource, prefilter: Filter
    ) -> MalformedContentError | LimitExceededError | None:
        """
        Undo a filter that changes no length; return why it ended before its time, if it did.

        liblzma applies such filters only before one of its compressors, so the bytes are handed
        to it as chunks of LZMA2 that are stored as they are.
        """
        stored = {"id": lzma.FILTER_LZMA2, "dict_size": _MIN_DICTIONARY}
        decoder = raw_lzma_decoder([prefilter, stored])
        try:
            for at in range(0, filtered.size, _STORED_CHUNK):
                self._check_time()
                data = filtered.read_at(at, _STORED_CHUNK)
                # Control byte 1: stored, dictionary reset; two bytes of length less one.
                self._keep(decoder.decompress(b"\x01" + (len(data) - 1).to_bytes(2) + data, MIB))
            self._keep(decoder.decompress(b"\x00", MIB))
        except (MalformedContentError, LimitExceededError) as error:
            return error
        return None

    def _keep(self, piece: bytes) -> None:
        """Append *piece* while that is within bounds."""
        room = MAX_MEMBER_BYTES - len(self.out)
        if len(piece) > room:
            self.out += piece[:room]
            raise LimitExceededError(
                "the packed stream is larger than what is unpacked",
                expected=f"at most {MAX_MEMBER_BYTES} bytes",
            )
        self._spend(len(piece))
        self.out += piece
