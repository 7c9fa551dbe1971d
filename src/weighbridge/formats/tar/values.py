"""What a tar archive is, as values."""

from enum import StrEnum

from weighbridge.core.values import frozen


class TarAnomalyKind(StrEnum):
    """In which way two readers may see two archives, or extracting one reaches out of it."""

    BROKEN_HEADER = "broken-header"
    """A block where a header should be is none; readers end here or go on searching."""

    CASE_COLLISION = "case-collision"
    """Names that differ in case, Unicode form or a final slash only."""

    DEVICE = "device"
    """A device or a pipe as a member."""

    DUPLICATE_NAME = "duplicate-name"
    """One name twice: some readers take the first, some the last."""

    EXTENDED_HEADER = "extended-header"
    """An extended header that is broken, repeated or without a member."""

    GLOBAL_OVERRIDE = "global-override"
    """A global header that sets the name or the size of every member."""

    LINK = "link"
    """A symbolic or hard link as a member."""

    MISSING_END = "missing-end"
    """The file ends without the block of zeros that ends an archive."""

    NAME_NOT_UTF8 = "name-not-utf8"
    """A name that readers decode differently."""

    PREFIX = "prefix"
    """A name with a prefix in a header whose format has none."""

    SIZE_MISMATCH = "size-mismatch"
    """The plain header and the extended one have different sizes, or a link has content."""

    SPARSE = "sparse"
    """A member with holes: its content is not what is stored."""

    TRAILING_DATA = "trailing-data"
    """Bytes behind the end of the archive that are not zero."""

    UNSAFE_NAME = "unsafe-name"
    """A name that leads outside the directory that it is extracted to, or is not canonical."""


MINOR: frozenset[TarAnomalyKind] = frozenset(
    {TarAnomalyKind.MISSING_END, TarAnomalyKind.NAME_NOT_UTF8}
)
"""Kinds that change nothing of what is read."""


@frozen
class TarAnomaly:
    """
    One reason why two readers may see two archives.

    Attributes:
        kind: In which way.
        member: The name of the member; None for the archive itself.
        detail: What was found. Holds untrusted text.
    """

    kind: TarAnomalyKind
    member: str | None
    detail: str


@frozen
class TarMember:
    """
    A member with content.

    Attributes:
        name: Decoded as UTF-8, other bytes escaped; without a leading `./`.
        offset: Where its content starts.
        size: Bytes of it that are stored.
        sparse: Whether the content is those bytes with holes between them.
    """

    name: str
    offset: int
    size: int
    sparse: bool


@frozen
class TarArchive:
    """
    A tar's members in their order, and all that is odd about it.

    Attributes:
        members: Files with content; directories and links have none.
        anomalies: Empty for what well-behaved writers write.
        end: Where the archive ends, its final zeros not counted.
        unread: Where bytes behind the end start that are not zero; None without any.
    """

    members: tuple[TarMember, ...]
    anomalies: tuple[TarAnomaly, ...]
    end: int
    unread: int | None
