"""What a zip archive is, as values."""

from enum import StrEnum
from typing import Final

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.values import frozen

STORED: Final = 0
"""The method of members whose bytes are in the archive as they are (APPNOTE 4.4.5)."""

DEFLATED: Final = 8
"""The method of members that are compressed with deflate."""

FLAG_ENCRYPTED: Final = 0x0001
FLAG_DESCRIPTOR: Final = 0x0008
FLAG_STRONG_ENCRYPTION: Final = 0x0040
FLAG_UTF8: Final = 0x0800
FLAG_MASKED_HEADERS: Final = 0x2000

SENTINEL_16: Final = 0xFFFF
SENTINEL_32: Final = 0xFFFFFFFF
"""Says that the real value is in a zip64 field (APPNOTE 4.4.1.4)."""


class ZipAnomalyKind(StrEnum):
    """In which way two readers may see two archives."""

    CASE_COLLISION = "case-collision"
    """Names that differ in case, Unicode form or a final slash only."""

    CONTENT_CHECKSUM = "content-checksum"
    """The content has another checksum than the archive states; not every reader looks."""

    CRC_MISMATCH = "crc-mismatch"
    """Local header and directory have different checksums."""

    DESCRIPTOR_MISMATCH = "descriptor-mismatch"
    """The data descriptor behind a member contradicts the directory."""

    DIRECTORY_COUNT = "directory-count"
    """The end record counts other entries than the directory has."""

    DIRECTORY_POSITION = "directory-position"
    """The end record's offset and size point at two places."""

    DUPLICATE_NAME = "duplicate-name"
    """One name twice: some readers take the first, some the last."""

    ENCRYPTED = "encrypted"
    """The content cannot be read without a key."""

    FLAGS_MISMATCH = "flags-mismatch"
    """Local header and directory have different flags."""

    GAP = "gap"
    """Bytes between members that no member accounts for."""

    LEADING_DATA = "leading-data"
    """Bytes before the first member: another file in front of the archive."""

    LINK = "link"
    """A symbolic link as a member."""

    LOCAL_HEADER = "local-header"
    """The directory points at something that is no local header."""

    METHOD_MISMATCH = "method-mismatch"
    """Local header and directory have different methods."""

    MULTIPLE_END_RECORDS = "multiple-end-records"
    """Another end record that some reader may take."""

    NAME_MISMATCH = "name-mismatch"
    """Local header and directory, or the Unicode name field, have different names."""

    NAME_NOT_UTF8 = "name-not-utf8"
    """A name that readers decode differently."""

    OVERLAP = "overlap"
    """Two members share bytes."""

    SIZE_MISMATCH = "size-mismatch"
    """Local header and directory, or the two sizes of a stored member, do not agree."""

    TRAILING_DATA = "trailing-data"
    """Bytes after the end record and its comment."""

    UNSAFE_NAME = "unsafe-name"
    """A name that leads outside the directory that it is extracted to, or is not canonical."""

    UNSUPPORTED_METHOD = "unsupported-method"
    """A compression that is not read here."""

    VERSION_MISMATCH = "version-mismatch"
    """Local header and directory need different versions, or one that some readers refuse."""

    ZIP64_MISMATCH = "zip64-mismatch"
    """A zip64 field contradicts the field that it replaces, or is not where it should be."""


@frozen
class ZipAnomaly:
    """
    One reason why two readers may see two archives.

    Attributes:
        kind: In which way.
        member: The name of the member; None for the archive itself.
        detail: What was found. Holds untrusted text.
    """

    kind: ZipAnomalyKind
    member: str | None
    detail: str


@frozen
class ZipMember:
    """
    One entry of the central directory.

    Attributes:
        name: Decoded as UTF-8 where it is; otherwise with escapes or as code page 437, and
            reported.
        method: `STORED`, `DEFLATED` or one that is not read here.
        flags: The general purpose bits (APPNOTE 4.4.4).
        crc32: Of the content, as the directory has it.
        compressed_size: Bytes in the archive.
        size: Bytes of the content.
        header_offset: Where the local header starts in the file.
        data_offset: Where the content starts; None where no local header is.
    """

    name: str
    method: int
    flags: int
    crc32: int
    compressed_size: int
    size: int
    header_offset: int
    data_offset: int | None

    @property
    def encrypted(self) -> bool:
        """Whether the content needs a key."""
        return bool(self.flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED_HEADERS))

    @property
    def directory(self) -> bool:
        """Whether the name is a directory's."""
        return self.name.endswith("/")


@frozen
class ZipArchive:
    """
    A zip's members, in the order of its directory, and all that is odd about it.

    Attributes:
        members: Every entry of the directory, duplicates included.
        anomalies: Empty for what well-behaved writers write.
    """

    members: tuple[ZipMember, ...]
    anomalies: tuple[ZipAnomaly, ...]


def malformed(message: str, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for bytes that are no zip archive."""
    return MalformedContentError(message, where="zip archive", expected=expected, found=found)
