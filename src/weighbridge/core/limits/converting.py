"""Bounds of conversions."""

from typing import Final

from weighbridge.core.limits.units import GIB, MIB

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

CONVERT_MEMORY_BYTES: Final = 4 * GIB
"""Address space of a converting process besides `CONVERT_MEMORY_RATIO`: a pickle of twenty million
values takes two, compressed tensors a quarter of one."""

CONVERT_MEMORY_RATIO: Final = 2
"""Address space that it gets besides for each byte of the largest checkpoint, a tensor of which is
put together in memory."""

CONVERT_SECONDS: Final = 600.0
"""Seconds that a plan, or the writing of a file, may take besides `CONVERT_BYTES_PER_SECOND`."""

CONVERT_BYTES_PER_SECOND: Final = 1 * MIB
"""How slow the disk may be: elements that are put in order one by one come at fifty times that."""

MAX_CONVERT_ANSWER_BYTES: Final = 512 * MIB
"""What a converting process may say of one checkpoint: its header, and the same names again."""

MAX_CONVERT_REPORT_VALUES: Final = 16_000_000
"""Values in it besides the header: names of tensors, and of what is left out."""

MAX_CONVERT_REPORT_CHARS: Final = 100_000
"""Characters of one text of a report; a refusal has forty lines of some hundred."""
