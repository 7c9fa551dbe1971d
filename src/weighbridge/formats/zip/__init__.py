"""
Zip archives, read so that every difference between readers shows (APPNOTE 6.3.10).

Loaders do not agree on what a zip holds: one believes the central directory, another the local
headers; one takes the first of two equal names, another the last; one adds the length of a
prefix to all offsets. This reader takes the central directory and reports whatever would make
another reader see something else as an anomaly, which is a value and not an error: what could
be read is still there to be scanned.
"""

from weighbridge.formats.zip.archive import read_archive
from weighbridge.formats.zip.content import find_crc_anomaly, open_member
from weighbridge.formats.zip.directory import read_names
from weighbridge.formats.zip.prefix import MemberContent, read_prefix
from weighbridge.formats.zip.values import (
    DEFLATED,
    STORED,
    ZipAnomaly,
    ZipAnomalyKind,
    ZipArchive,
    ZipMember,
)

__all__ = [
    "DEFLATED",
    "STORED",
    "MemberContent",
    "ZipAnomaly",
    "ZipAnomalyKind",
    "ZipArchive",
    "ZipMember",
    "find_crc_anomaly",
    "open_member",
    "read_archive",
    "read_names",
    "read_prefix",
]
