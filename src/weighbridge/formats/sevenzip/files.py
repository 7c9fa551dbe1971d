"""The part of a 7z header that names the members."""

from dataclasses import dataclass, field
from typing import Final

from weighbridge.core.limits.archives import MAX_ARCHIVE_MEMBERS
from weighbridge.formats.sevenzip.numbers import HeaderBytes
from weighbridge.formats.sevenzip.values import malformed

_END: Final = 0x00
_EMPTY_STREAM: Final = 0x0E
_EMPTY_FILE: Final = 0x0F
_ANTI: Final = 0x10
_NAMES: Final = 0x11
_ATTRIBUTES: Final = 0x15
_UNIX: Final = 0x8000
_TYPE_MASK: Final = 0o170000
_LINK: Final = 0o120000
_REGULAR: Final = 0o100000
_DIRECTORY: Final = 0o040000
_UTF16_BYTES: Final = 2


@dataclass(slots=True, kw_only=True)
class FileTable:
    """
    The members by their number.

    Attributes:
        names: One for each member.
        empty: Whether it has no content: a directory or an empty file.
        anti: Whether extracting it removes a file; for those without content.
        attributes: Of the operating system; None where there are none.
    """

    names: list[str] = field(default_factory=list)
    empty: tuple[bool, ...] = ()
    anti: tuple[bool, ...] = ()
    attributes: list[int | None] = field(default_factory=list)

    def kind_of(self, index: int) -> str:
        """Return what the member is if it is no file and no directory; empty otherwise."""
        attributes = self.attributes[index] if index < len(self.attributes) else None
        if attributes is None or not attributes & _UNIX:
            return ""
        mode = attributes >> 16 & _TYPE_MASK
        if mode == _LINK:
            return "link"
        return "" if mode in (0, _REGULAR, _DIRECTORY) else "device"


def read_files(header: HeaderBytes) -> FileTable:
    """
    Return the members that *header* goes on with.

    Raises:
        MalformedContentError: It does not follow the form.
        LimitExceededError: There are too many.
    """
    count = header.count(MAX_ARCHIVE_MEMBERS, "members")
    table = FileTable(empty=(False,) * count)
    while (kind := header.byte()) != _END:
        body = HeaderBytes(header.take(header.number()))
        if kind == _NAMES:
            body.expect(0, "names in the header itself")
            table.names = _read_names(body.take(body.left), count)
        elif kind == _EMPTY_STREAM:
            table.empty = body.bits(count)
        elif kind == _ANTI:
            table.anti = body.bits(sum(table.empty))
        elif kind == _ATTRIBUTES:
            defined = body.optional_bits(count)
            body.expect(0, "attributes in the header itself")
            table.attributes = [
                int.from_bytes(body.take(4), "little") if bit else None for bit in defined
            ]
    if len(table.names) != count:
        raise malformed(f"{len(table.names)} names for {count} members")
    return table


def _read_names(data: bytes, count: int) -> list[str]:
    """Return the names in *data*, UTF-16 with a zero behind each."""
    if len(data) % _UTF16_BYTES:
        raise malformed("names of an odd length")
    names = data.decode("utf-16-le", "backslashreplace").split("\0")
    if names.pop() or len(names) != count:
        raise malformed(f"{len(names)} names for {count} members")
    return names
