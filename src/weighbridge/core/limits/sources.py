"""Bounds of what servers and registries say of an artifact, and of what comes from them."""

from typing import Final

from weighbridge.core.limits.units import GIB, KIB, MIB

MAX_HUB_LISTING_BYTES: Final = 64 * MIB
"""What a hub says of one repository: some 300 bytes a file, over 200,000 files."""

MAX_HUB_CACHE_BYTES: Final = 64 * MIB
"""Bytes of remote files that are kept while they are examined; longer reads are not kept."""

MAX_HUB_SECONDS: Final = 30.0
"""Seconds for which a server may be silent."""

MIN_HUB_BYTES_PER_SECOND: Final = 32 * KIB
"""How slow an answer may be on the whole, beside those seconds: a trickle never ends."""

MAX_MANIFEST_BYTES: Final = 64 * MIB
"""A registry's manifest or a hub's listing: some 300 bytes a file, over 200,000 files."""

MAX_STATED_FILE_BYTES: Final = 4 * KIB
"""What a hub's client keeps about one file, or a pointer in its place; three lines."""

MIN_MANIFEST_SAMPLE: Final = 8
"""Files that are read when a manifest is checked on a sample; all where there are no more."""

MANIFEST_SAMPLE_SHARE: Final = 10
"""One of so many files is in the sample, where that is more than `MIN_MANIFEST_SAMPLE`."""

MAX_STREAM_BYTES: Final = 1 * GIB
"""A file that cannot seek, read into memory; larger ones are scanned by their path."""
