"""One header block of a tar, and the records of an extended one."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.values import frozen

BLOCK: Final = 512
_CHECKSUM: Final = slice(148, 156)
_POSITIVE: Final = 0x80
_NEGATIVE: Final = 0xFF
_SIGN_BIT: Final = 0x7F

POSIX_MAGIC: Final = b"ustar\0"
"""Of headers that have a prefix to the name; GNU's `ustar  ` puts other fields there."""


@frozen
class Header:
    """
    A header block.

    Attributes:
        name: Up to its NUL.
        prefix: As above; what stands before the name with a slash between.
        size: Bytes of content as this header has it; negative where it says so.
        kind: The type flag, one byte.
        posix: Whether the format has a prefix.
        extended: Whether a sparse map goes on in the next block.
    """

    name: bytes
    prefix: bytes
    size: int
    kind: bytes
    posix: bool
    extended: bool


def read_number(field: bytes) -> int | None:
    """
    Read a number of a header as generously as Python's tarfile does (`tarfile.nti`).

    That is more than writers use: any white space around it, no end at all, a prefix, or the
    binary form of large numbers. None for what is no number.
    """
    if field[0] in {_POSITIVE, _NEGATIVE}:
        number = int.from_bytes(field[1:], "big")
        return number if field[0] == _POSITIVE else number - 256 ** (len(field) - 1)
    text = field.partition(b"\0")[0].decode("ascii", "replace").strip()
    try:
        return int(text or "0", 8)
    except ValueError:
        return None


def has_valid_checksum(block: bytes) -> bool:
    """Tell whether *block* has the checksum that it states, as a sum of bytes of either sign."""
    stated = read_number(block[_CHECKSUM])
    rest = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(rest)
    if stated == unsigned or rest.isascii():
        return stated == unsigned
    return stated == unsigned - 256 * sum(byte > _SIGN_BIT for byte in rest)


def parse_header(block: bytes) -> Header | None:
    """Return the header in *block*, or None where it is none."""
    if len(block) < BLOCK or not has_valid_checksum(block):
        return None
    size = read_number(block[124:136])
    if size is None:
        return None
    kind = block[156:157]
    name = block[:100].partition(b"\0")[0]
    if kind in b"\0" and name.endswith(b"/"):
        kind = b"5"  # the oldest format marks directories so
    gnu = kind in b"SLK"
    return Header(
        name=name,
        prefix=b"" if gnu else block[345:500].partition(b"\0")[0],
        size=size,
        kind=kind,
        posix=block[257:263] == POSIX_MAGIC,
        extended=kind == b"S" and block[482] != 0,
    )


def read_records(data: bytes) -> Iterator[tuple[str, bytes]]:
    """
    Yield the records of a pax header, `length keyword=value` lines.

    Raises:
        MalformedContentError: A record does not follow the form.
    """
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space > 0 else b""
        if not digits.isdigit():
            raise _broken(f"{data[at : at + 20]!r} where a length should be")
        end = at + int(digits)
        equals = data.find(b"=", space + 1, end)
        if end > len(data) or equals < 0 or data[end - 1 : end] != b"\n":
            raise _broken(f"a record of {digits.decode()} bytes that does not end")
        yield data[space + 1 : equals].decode("utf-8", "replace"), data[equals + 1 : end - 1]
        at = end
    if data[at:].strip(b"\0"):
        raise _broken("bytes behind the last record")


def _broken(found: str) -> MalformedContentError:
    """Build the error for a header that cannot be read."""
    return MalformedContentError("a pax header is broken", found=found)
