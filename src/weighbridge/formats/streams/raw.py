"""Filters of LZMA and their properties, as zip and 7z archives write them down."""

import lzma
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.archives import MAX_DECODER_MEMORY
from weighbridge.formats.streams.decoders import broken

Filter = dict[str, int]
"""One filter in the form that `lzma` takes."""

_LZMA1_PROPERTIES: Final = 5
_LEAST_DICTIONARY: Final = 4096
_MAX_LZMA2_CODE: Final = 40
_LARGEST_DICTIONARY: Final = (1 << 32) - 1


def lzma1_filter(properties: bytes, *, size: int) -> Filter:
    """
    Return the filter for LZMA with these *properties* and *size* bytes of content.

    Raises:
        MalformedContentError: They are none.
        LimitExceededError: The dictionary is beyond `MAX_DECODER_MEMORY`.
    """
    if len(properties) != _LZMA1_PROPERTIES or properties[0] >= 9 * 5 * 5:
        raise broken(f"LZMA properties {properties[:8].hex()}")
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    dictionary = _bounded(int.from_bytes(properties[1:], "little"), size)
    return {"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": dictionary}


def lzma2_filter(properties: bytes, *, size: int) -> Filter:
    """
    Return the filter for LZMA2 with these *properties* and *size* bytes of content.

    Raises:
        MalformedContentError: They are none.
        LimitExceededError: The dictionary is beyond `MAX_DECODER_MEMORY`.
    """
    if len(properties) != 1 or properties[0] > _MAX_LZMA2_CODE:
        raise broken(f"LZMA2 properties {properties[:8].hex()}")
    code = properties[0]
    dictionary = _LARGEST_DICTIONARY
    if code < _MAX_LZMA2_CODE:
        dictionary = (2 | code & 1) << (code // 2 + 11)
    return {"id": lzma.FILTER_LZMA2, "dict_size": _bounded(dictionary, size)}


def _bounded(dictionary: int, size: int) -> int:
    """Return the size of a dictionary that does for *size* bytes: what is longer is never used."""
    needed = max(min(dictionary, size), _LEAST_DICTIONARY)
    if needed > MAX_DECODER_MEMORY:
        raise LimitExceededError(
            "the stream takes too much memory to decode",
            expected=f"a dictionary of at most {MAX_DECODER_MEMORY} bytes",
            found=str(needed),
        )
    return needed


def _delta_filter(properties: bytes) -> Filter:
    """Return the filter that adds up bytes at a distance."""
    if len(properties) != 1:
        raise broken(f"delta properties {properties[:8].hex()}")
    return {"id": lzma.FILTER_DELTA, "dist": properties[0] + 1}


def _branch_filter(number: int) -> Callable[[bytes], Filter]:
    """Return what makes the filter for the branches of one processor."""

    def make(properties: bytes) -> Filter:
        if properties:
            raise broken(f"branch filter properties {properties[:8].hex()}")
        return {"id": number}

    return make


PREFILTERS: Final[Mapping[bytes, Callable[[bytes], Filter]]] = MappingProxyType(
    {
        b"\x03": _delta_filter,
        b"\x04": _branch_filter(lzma.FILTER_X86),
        b"\x05": _branch_filter(lzma.FILTER_POWERPC),
        b"\x06": _branch_filter(lzma.FILTER_IA64),
        b"\x07": _branch_filter(lzma.FILTER_ARM),
        b"\x08": _branch_filter(lzma.FILTER_ARMTHUMB),
        b"\x09": _branch_filter(lzma.FILTER_SPARC),
        b"\x03\x03\x01\x03": _branch_filter(lzma.FILTER_X86),
        b"\x03\x03\x02\x05": _branch_filter(lzma.FILTER_POWERPC),
        b"\x03\x03\x04\x01": _branch_filter(lzma.FILTER_IA64),
        b"\x03\x03\x05\x01": _branch_filter(lzma.FILTER_ARM),
        b"\x03\x03\x07\x01": _branch_filter(lzma.FILTER_ARMTHUMB),
        b"\x03\x03\x08\x05": _branch_filter(lzma.FILTER_SPARC),
    }
)
"""Filters that change no length, by their numbers in 7z (DOC/Methods.txt) and in xz."""
