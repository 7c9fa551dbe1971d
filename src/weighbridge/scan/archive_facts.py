"""Facts about archives, shared by the analyzers that open them."""

from dataclasses import dataclass

from weighbridge.formats.zip import ZipArchive
from weighbridge.scan.interface import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipFacts(Facts):
    """
    A zip archive.

    Attributes:
        archive: Its members and all that is odd about it.
    """

    archive: ZipArchive


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchFacts(Facts):
    """
    A torch checkpoint in a zip.

    Attributes:
        pickles: Names of the members that some reader takes for `data.pkl`.
    """

    pickles: tuple[str, ...]
