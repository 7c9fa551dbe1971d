"""What an array of texts holds, and the first numbers of one of numbers, without NumPy."""

import struct
from types import MappingProxyType
from typing import Final

from weighbridge.load.isolated.plain import StoredArray

_CODES: Final = MappingProxyType(
    {
        **{f"i{size}": code for size, code in zip((1, 2, 4, 8), "bhiq", strict=True)},
        **{f"u{size}": code for size, code in zip((1, 2, 4, 8), "BHIQ", strict=True)},
        **{f"f{size}": code for size, code in zip((2, 4, 8), "efd", strict=True)},
        "b1": "?",
    }
)


def is_text(stored: StoredArray, /) -> bool:
    """Tell whether it is an array of texts, which JSON can hold."""
    return stored.type.word.startswith("U") and not stored.type.fields


def texts_of(stored: StoredArray, /) -> tuple[str, ...] | None:
    """Return the elements of an array of texts in the order of its bytes; None for any other."""
    if not is_text(stored):
        return None
    width = stored.type.itemsize
    if not width:
        count = 1
        for length in stored.shape:
            count *= length
        return ("",) * min(count, 1)
    data = stored.block.read_at(stored.start, stored.size)
    return tuple(
        data[at : at + width].decode("utf-32-le", "replace").rstrip("\0")
        for at in range(0, len(data), width)
    )


def numbers_of(stored: StoredArray, /, *, most: int) -> tuple[object, ...]:
    """Return the elements of an array of up to *most* numbers; nothing for any other."""
    code = _CODES.get(stored.type.word)
    if stored.fortran and len(stored.shape) > 1:
        return ()
    count = stored.size // stored.type.itemsize if stored.type.itemsize else 0
    if code is None or not 0 < count <= most:
        return ()
    data = stored.block.read_at(stored.start, stored.size)
    return struct.unpack(f"={count}{code}", data)
