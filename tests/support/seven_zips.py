"""7z archives whose contents are stored, and the parts of a header."""

import zlib
from collections.abc import Mapping

_SMALL = 0x80
_LARGE = 1 << 14


def build(header: bytes, packed: bytes = b"") -> bytes:
    """Return an archive of *packed* streams and a *header* behind them."""
    rest = len(packed).to_bytes(8, "little") + len(header).to_bytes(8, "little")
    rest += zlib.crc32(header).to_bytes(4, "little")
    start = b"7z\xbc\xaf\x27\x1c\x00\x04" + zlib.crc32(rest).to_bytes(4, "little") + rest
    return start + packed + header


def names(*each: str) -> bytes:
    """Return the property of the members' names."""
    body = b"\0" + b"".join(name.encode("utf-16-le") + b"\0\0" for name in each)
    return b"\x11" + number(len(body)) + body


def number(value: int) -> bytes:
    """Return a number as the header has it."""
    if value < _SMALL:
        return bytes([value])
    if value < _LARGE:
        return bytes([_SMALL | value >> 8, value & 0xFF])
    return b"\xff" + value.to_bytes(8, "little")


def seven_zip_of(members: Mapping[str, bytes]) -> bytes:
    """Return an archive of *members*, each in a stream of its own."""
    count = number(len(members))
    sizes = b"".join(number(len(data)) for data in members.values())
    pack = b"\x06\x00" + count + b"\x09" + sizes + b"\x00"
    unpack = (
        b"\x07\x0b" + count + b"\x00" + b"\x01\x01\x00" * len(members) + b"\x0c" + sizes + b"\x00"
    )
    files = b"\x05" + count + names(*members) + b"\x00"
    return build(
        b"\x01\x04" + pack + unpack + b"\x00" + files + b"\x00", b"".join(members.values())
    )
