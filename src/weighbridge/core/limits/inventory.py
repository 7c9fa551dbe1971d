"""Bounds of walking and hashing an artifact."""

from typing import Final

from weighbridge.core.limits.units import KIB, MIB

MAX_FILES: Final = 1_000_000
"""Files and directories in one artifact; the largest public model repositories hold ~20,000."""

MAX_DEPTH: Final = 64
"""Directories below the artifact's root; real layouts stay under ten."""

MAX_PATH_BYTES: Final = 4096
"""UTF-8 bytes of a path relative to the root; Linux' PATH_MAX."""

HASH_BLOCK_BYTES: Final = 512 * KIB
"""Bytes read and hashed at a time: half a core's second-level cache, so that hashing finds the
block there. The value has no effect on any digest."""

TURN_BYTES: Final = 16 * MIB
"""Bytes after which a thread looks whether another large file should be gone on with: what the
threads may end apart, at two gigabytes a second for each."""

SMALL_FILE_BYTES: Final = 64 * KIB
"""Files up to this size are hashed where they are found: handing them to a thread costs more."""

DEFAULT_SHARD_BYTES: Final = 1_000_000_000
"""Bytes of a shard in the signature's shards mode; OMS default."""

MAX_SHARDS: Final = 1_000_000
"""Shards of one artifact: 1 PB at the default shard size, and as many as a signature file of
`MAX_BUNDLE_BYTES` can name. Each takes up to a kilobyte of memory while it is signed."""

MIN_SHARD_BYTES: Final = 1
"""Smallest shard size that the format allows."""

MAX_SHARD_BYTES: Final = 2**63 - 1
"""Largest shard size that is read: the largest offset in a file (POSIX off_t)."""
