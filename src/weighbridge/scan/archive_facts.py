"""Facts about archives, shared by the analyzers that open them."""

from weighbridge.core.values import frozen
from weighbridge.formats.zip import ZipAnomaly, ZipArchive
from weighbridge.scan.interface import Facts


@frozen
class ZipFacts(Facts):
    """
    A zip archive.

    Attributes:
        archive: Its members and all that is odd about it.
    """

    archive: ZipArchive


@frozen
class ZipContentFacts(Facts):
    """
    Members of a zip whose content has not the checksum that the archive states.

    Attributes:
        anomalies: One for each member.
    """

    anomalies: tuple[ZipAnomaly, ...]


@frozen
class TorchFacts(Facts):
    """
    A torch checkpoint in a zip.

    Attributes:
        pickles: Names of the members that some reader takes for `data.pkl`.
    """

    pickles: tuple[str, ...]


@frozen
class ArchiveOddity:
    """
    Something about an archive that is not a zip by which two readers may see two archives.

    Attributes:
        kind: A word for it.
        member: The name of the member; None for the archive itself.
        detail: What was found. Holds untrusted text.
        grave: Whether another member, or another content of one, may be read, or something
            outside the archive be written.
    """

    kind: str
    member: str | None
    detail: str
    grave: bool


@frozen
class ArchiveFacts(Facts):
    """
    A tar or 7z archive.

    Attributes:
        oddities: Empty for what well-behaved writers write.
    """

    oddities: tuple[ArchiveOddity, ...]
