"""Bounds of loads in a confined process of their own, and of what comes back from there."""

from typing import Final

from weighbridge.core.limits.units import GIB, KIB, MIB

MAX_ISOLATED_SECONDS: Final = 600.0
"""Seconds that an isolated load may take in all; pickles of some gigabytes take one or two
minutes, and importing a framework from a cold disk up to one."""

MAX_ISOLATED_CPU_SECONDS: Final = 600
"""Processor seconds of each process of an isolated load, threads together."""

ISOLATED_MEMORY_BYTES: Final = 6 * GIB
"""Address space of each process of an isolated load, besides `ISOLATED_MEMORY_RATIO`, where the
rule says nothing: PyTorch and its libraries take two, most of it never touched."""

ISOLATED_MEMORY_RATIO: Final = 4
"""Address space that an isolated load gets besides, for each byte of the file: the objects, and
what is put together of them to be handed back."""

MAX_ISOLATED_FILES: Final = 256
"""Descriptors of each process of an isolated load: modules and libraries that are imported."""

MAX_ISOLATED_RESULT_RATIO: Final = 32
"""Bytes that come back for each byte of the file: compressed files, and views of one storage."""

MIN_ISOLATED_RESULT_BYTES: Final = 256 * MIB
"""Bytes that may come back whatever the ratio is."""

MAX_ISOLATED_HEAD_BYTES: Final = 64 * MIB
"""The part of what comes back that is no array: a million values take some ten."""

MAX_ISOLATED_VALUES: Final = 8_000_000
"""Values in what comes back: each takes up to a hundred bytes of memory here."""

MAX_ISOLATED_EXPANDED: Final = 16_000_000
"""Values in it if what is shared were there in each of its places: programs go through all of
them, and a structure that doubles at each level is small and has no end."""

MAX_ISOLATED_DEPTH: Final = 200
"""Values within values of what comes back. Programs go through them by recursion, of which Python
has a thousand levels; a network of twenty modules within modules takes sixty."""

MAX_ISOLATED_INLINE_CHARS: Final = 200
"""Characters of a text among the values; longer ones lie with the arrays."""

MAX_ISOLATED_INTEGER_CHARS: Final = 100_000
"""Hexadecimal digits of one integer; cryptographic ones have a thousand."""

MAX_ISOLATED_NAME_CHARS: Final = 1000
"""Characters of the name of a class, and of a note about an object."""

MAX_ISOLATED_COLLISIONS: Final = 64
"""Different keys of one container with one hash; more are made to take time."""

MAX_ISOLATED_RECORD_DEPTH: Final = 8
"""Records within records of an array's type; real ones have two."""

MAX_ISOLATED_RECORD_FIELDS: Final = 10_000
"""Fields of an array's records; wide tables have a thousand."""

MAX_ISOLATED_TALK_BYTES: Final = 1 * MIB
"""What the process may write to standard error before it is ended: libraries warn in lines."""

MAX_ISOLATED_SHOWN_BYTES: Final = 2 * KIB
"""How much of that is quoted, from its end."""

MAX_UNPICKLE_LINES: Final = 2000
"""Lines of the tree that `weighbridge unpickle` draws; the rest is counted."""

MAX_UNPICKLE_ITEMS: Final = 40
"""Items of one list or dict that are drawn in it."""

MAX_UNPICKLE_TEXT_CHARS: Final = 200
"""Characters of one text or number that are drawn in it."""

MAX_UNPICKLE_DOCUMENT_VALUES: Final = 1_000_000
"""Values of the document that `weighbridge unpickle` writes. What occurs in several places is
written in each, so little can stand for much."""

MAX_UNPICKLE_DOCUMENT_CHARS: Final = 1 * GIB
"""Characters of the texts and bytes in that document, each counted in all of its places."""
