"""Bounds of archives and compressed streams."""

from typing import Final

from weighbridge.core.limits.units import GIB, MIB

MAX_ARCHIVE_MEMBERS: Final = 200_000
"""Members of one archive."""

MAX_ARCHIVE_DIRECTORY_BYTES: Final = 64 * MIB
"""A zip's central directory."""

MAX_MEMBER_BYTES: Final = 256 * MIB
"""An archive member that is read whole."""

MAX_ARCHIVE_RATIO: Final = 1100
"""Inflated over stored bytes of a member; deflate cannot exceed 1032 (RFC 1951)."""

MAX_ARCHIVE_NESTING: Final = 6
"""Archives within archives."""

MAX_INFLATED_BYTES: Final = 512 * MIB
"""Everything that the scan of one file inflates, its archives' archives included."""

MAX_STREAMED_BYTES: Final = 4 * GIB
"""Content of one compressed file that is read in pieces and not held, some ten seconds of zlib."""

MAX_SCANNED_MEMBERS: Final = 400_000
"""Members of all archives within one file; twice what one archive may have."""

MAX_CHECKSUM_BYTES: Final = 4 * MIB
"""An uncompressed member whose checksum is compared: larger ones are numbers as a rule, of which
no scan needs more than the start."""

MAX_DECODER_MEMORY: Final = 192 * MIB
"""Working memory of a decompressor; `xz -9` needs 65 MiB, `zstd --ultra -22` 128."""

MAX_TAR_HEADER_BYTES: Final = 1 * MIB
"""An extended header of a tar member: a long name, or the pax records of one member."""

MAX_TAR_CHAIN: Final = 16
"""Extended headers before one tar member; writers use two."""

MAX_SEVEN_ZIP_HEADER_BYTES: Final = 16 * MIB
"""A 7z archive's header, packed or not; 100,000 members take some five."""

MAX_SEVEN_ZIP_FOLDERS: Final = 100_000
"""Packed streams of a 7z archive; one for each member at most."""

MAX_SEVEN_ZIP_CODERS: Final = 4
"""Filters and compressors behind each other in a 7z stream, as many as liblzma chains."""
