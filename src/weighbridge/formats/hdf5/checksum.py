"""The checksum of HDF5 metadata: Bob Jenkins' lookup3, `hashlittle` (H5checksum.c)."""

import struct
from typing import Final

_MASK: Final = 0xFFFFFFFF
_START: Final = 0xDEADBEEF
_BLOCK: Final = struct.Struct("<III")


def lookup3(data: bytes) -> int:
    """Return the checksum of *data*, 32 bits."""
    a = b = c = (_START + len(data)) & _MASK
    if not data:
        return c
    # The last block is mixed otherwise, and is never empty.
    whole = (len(data) - 1) // _BLOCK.size * _BLOCK.size
    for x, y, z in _BLOCK.iter_unpack(data[:whole]):
        a, b, c = _mix((a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK)
    x, y, z = _BLOCK.unpack(data[whole:].ljust(_BLOCK.size, b"\0"))
    return _finish((a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK)


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    """Mix three words, reversibly."""
    a = ((a - c) & _MASK) ^ ((c << 4 | c >> 28) & _MASK)
    c = (c + b) & _MASK
    b = ((b - a) & _MASK) ^ ((a << 6 | a >> 26) & _MASK)
    a = (a + c) & _MASK
    c = ((c - b) & _MASK) ^ ((b << 8 | b >> 24) & _MASK)
    b = (b + a) & _MASK
    a = ((a - c) & _MASK) ^ ((c << 16 | c >> 16) & _MASK)
    c = (c + b) & _MASK
    b = ((b - a) & _MASK) ^ ((a << 19 | a >> 13) & _MASK)
    a = (a + c) & _MASK
    c = ((c - b) & _MASK) ^ ((b << 4 | b >> 28) & _MASK)
    b = (b + a) & _MASK
    return a, b, c


def _finish(a: int, b: int, c: int) -> int:
    """Mix the last three words into one."""
    c = ((c ^ b) - (b << 14 | b >> 18)) & _MASK
    a = ((a ^ c) - (c << 11 | c >> 21)) & _MASK
    b = ((b ^ a) - (a << 25 | a >> 7)) & _MASK
    c = ((c ^ b) - (b << 16 | b >> 16)) & _MASK
    a = ((a ^ c) - (c << 4 | c >> 28)) & _MASK
    b = ((b ^ a) - (a << 14 | a >> 18)) & _MASK
    return ((c ^ b) - (b << 24 | b >> 8)) & _MASK
