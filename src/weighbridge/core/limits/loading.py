"""Bounds of loading and of the guard."""

from typing import Final

from weighbridge.core.limits.policy import MAX_POLICY_BYTES
from weighbridge.core.limits.units import KIB, MIB

HELD_INLINE_BYTES: Final = 64 * KIB
"""Files up to this size are held as plain bytes, larger ones in sealed memory of their own."""

HUGE_PAGE_BYTES: Final = 2 * MIB
"""A huge page of x86-64, and of ARM with pages of 4 KiB; elsewhere the value costs speed only."""

MAX_SEALED_FILES: Final = 128
"""Held files with a descriptor of their own; each takes up to three of the usual 1024 (itself and
two mappings). Further files are held in anonymous memory, at the price of a copy for PyTorch."""

PART_BYTES: Final = 4 * MIB
"""Bytes of a file that are verified together where a load leaves them in the file: what is read is
up to two of them more than was asked for, and each takes a digest."""

MIN_CUT_BYTES: Final = 16 * KIB
"""Bytes that a part has at least before it ends where a tensor does: tens of thousands of small
tensors would have more digests than numbers."""

PART_CACHE_BYTES: Final = 32 * MIB
"""Verified parts that are kept for the next read, of all files of an artifact together: parsers
read a file in small steps."""

MAX_SHOWN_DESCRIPTORS: Final = 256
"""Files that a directory of links shows, a descriptor each, and a quarter of what the process may
have at the most; models of more files are copied to the store."""

MAX_GUARD_ARTIFACTS: Final = 8
"""Artifacts whose verified bytes a guarded process keeps for later loads of their other files; the
one that was used least recently goes first."""

GUARD_RESTING_NUMBERS: Final = 64
"""Descriptors that lead to nothing, as their verified bytes were let go, before the first of them
leads to other verified bytes. A path is opened when it was given out, or by a loader within."""

MAX_ORDER_BYTES: Final = 2 * MAX_POLICY_BYTES + 64 * KIB
"""The file that tells guarded children what to enforce: a policy as JSON text, and some paths."""

MAX_OWN_PICKLES: Final = 4096
"""Digests of what a guarded process pickled last, to be recognised when it reads them back: less
than a mebibyte. What is older is judged like anybody's bytes."""

HELD_MEMORY_SHARE: Final = 4
"""
What part of the machine's memory, one of so many, a model may take that is held to be copied.

A larger one is read twice instead: servers have no more memory than their model needs.
"""
