"""What a 7z archive is, as values."""

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.values import frozen


@frozen
class Coder:
    """
    One step of packing.

    Attributes:
        method: Its number, as the archive writes it.
        properties: What the method was set to.
        size: Bytes that come out of it when it is undone.
    """

    method: bytes
    properties: bytes
    size: int


@frozen
class SevenZipFolder:
    """
    A packed stream, in which the contents of one or more members follow each other.

    Attributes:
        offset: Where the packed bytes start in the file.
        packed: How many there are.
        coders: To be undone in this order.
        problem: Why it cannot be unpacked, whatever its bytes are; empty where it can.
    """

    offset: int
    packed: int
    coders: tuple[Coder, ...]
    problem: str = ""

    @property
    def size(self) -> int:
        """Bytes of its content."""
        return self.coders[-1].size if self.coders else 0


@frozen
class SevenZipMember:
    """
    A member with content.

    Attributes:
        name: As the archive has it.
        folder: Number of the packed stream that holds it.
        offset: Where it starts in that stream's content.
        size: Bytes.
    """

    name: str
    folder: int
    offset: int
    size: int


@frozen
class SevenZipAnomaly:
    """
    Something about the archive that ordinary writers do not write.

    Attributes:
        kind: A word for it.
        member: The name of the member; None for the archive itself.
        detail: What was found. Holds untrusted text.
    """

    kind: str
    member: str | None
    detail: str


@frozen
class SevenZipArchive:
    """
    A 7z archive.

    Attributes:
        folders: Its packed streams.
        members: In their order, which is that of the folders' contents.
        anomalies: Empty for what well-behaved writers write.
        end: Where the archive ends in the file.
    """

    folders: tuple[SevenZipFolder, ...]
    members: tuple[SevenZipMember, ...]
    anomalies: tuple[SevenZipAnomaly, ...]
    end: int


def malformed(found: str) -> MalformedContentError:
    """Build the error for bytes that are no 7z archive."""
    return MalformedContentError("the 7z archive cannot be read", where="7z archive", found=found)
