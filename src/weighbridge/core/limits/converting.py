"""Bounds of conversions."""

from typing import Final

from weighbridge.core.limits.units import MIB

CONVERT_BLOCK_BYTES: Final = 1 * MIB
"""Bytes of a tensor that are read and written at a time."""

CONVERT_WINDOW_BYTES: Final = 8 * MIB
"""Bytes of a file in which the elements of a tensor are put in order at a time; up to twice as many
are read where its rows overlap."""

MAX_CONVERT_RATIO: Final = 16
"""Bytes of the tensors that are written over bytes of the checkpoint. Views of one storage and
dimensions of stride zero take no room in a checkpoint: a few bytes of one could fill any disk."""

MIN_CONVERT_ROOM: Final = 64 * MIB
"""Bytes that may be written whatever the ratio is."""

MAX_CONVERT_FILES: Final = 512
"""Checkpoints of one model; each is open meanwhile. The largest models have about 200 shards."""

MAX_CONVERT_NOTES: Final = 1_000_000
"""Values in the notes on a state dict; PyTorch has one for each module."""
