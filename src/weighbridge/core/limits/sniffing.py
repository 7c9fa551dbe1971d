"""Bounds of telling the format of a file."""

from typing import Final

from weighbridge.core.limits.units import KIB

SNIFF_BYTES: Final = 8 * KIB
"""Bytes at the start of a file from which its format is told."""

MAX_SNIFF_READS: Final = 32
"""Positioned reads of 4 KiB beyond the start of a file for telling its format: a pickle or a
protobuf message that pads its start with long strings can be followed that far."""

MAX_SNIFF_OPCODES: Final = 20_000
"""Pickle opcodes that are followed to tell a pickle from text, some ten milliseconds."""

SNIFF_TAIL_BYTES: Final = 66 * KIB
"""Bytes at the end of a file in which a zip's end record may lie (APPNOTE 4.3.16: 22 + 65535)."""
