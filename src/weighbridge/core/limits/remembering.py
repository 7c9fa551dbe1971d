"""Bounds of what is kept from one run to the next."""

from typing import Final

from weighbridge.core.limits.units import KIB, MIB

MAX_REMEMBERED_BYTES: Final = 512 * MIB
"""What is remembered of the files of one signature: some 200 bytes for each of `MAX_FILES`."""

MAX_REMEMBERED: Final = 64
"""Signatures whose files are remembered; the oldest are forgotten first."""

MAX_CHECK_ENTRY_BYTES: Final = 64 * MIB
"""What is remembered of one check: some 300 bytes for each file and shard."""

MAX_REMEMBERED_CHECKS: Final = 64
"""Checks that are remembered; the oldest are forgotten first."""

MIN_STAMP_AGE_NS: Final = 2_000_000_000
"""Nanoseconds for which a file must have been left alone when it was read: a change within the
granularity of the file system's clock, two seconds at the worst (FAT), leaves no trace."""

MAX_CACHE_BYTES: Final = 64 * MIB
"""All kept scan results together; the oldest go first."""

MAX_CACHE_ENTRY_BYTES: Final = 256 * KIB
"""One kept scan result; a thousand findings with short evidence."""

MAX_CACHED_FILE_BYTES: Final = 64 * MIB
"""A file whose result is kept; it is read and hashed once more, into memory, for that."""

MIN_CACHED_SECONDS: Final = 0.1
"""What is examined sooner is examined again: looking for a result costs as much."""
