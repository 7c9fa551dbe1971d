"""What a group can limit for all of its processes together, by the names that the kernel has."""

from __future__ import annotations

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    Shares = Mapping[str, int]
    """What a group may have at most of each resource that is limited."""

MEMORY: Final = "memory"
"""Bytes of the machine's memory, files in memory and caches of files included; nothing is swapped
out."""

PROCESSES: Final = "pids"
"""How many processes and threads there are."""

RESOURCES: Final = frozenset({MEMORY, PROCESSES})
