"""
7z archives (DOC/7zFormat.txt and DOC/Methods.txt of the LZMA SDK), read without extracting.

The header is parsed here, within bounds; what decodes the content is the standard library, and
for Zstandard the package of the extra `scan`. Content that is encrypted or packed by a method
that these lack is an error, which the caller reports.
"""

from weighbridge.formats.sevenzip.archive import read_archive
from weighbridge.formats.sevenzip.content import open_folder
from weighbridge.formats.sevenzip.values import (
    SevenZipAnomaly,
    SevenZipArchive,
    SevenZipFolder,
    SevenZipMember,
)

__all__ = [
    "SevenZipAnomaly",
    "SevenZipArchive",
    "SevenZipFolder",
    "SevenZipMember",
    "open_folder",
    "read_archive",
]
