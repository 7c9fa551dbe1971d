"""Limits of this process, set for good (`setrlimit(2)`)."""

from __future__ import annotations

import resource

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NO_CORE: Final = 1
"""Bytes of a core file. The kernel gives a dump to a program of the machine even where 0 is
allowed, but not at 1; see core(5)."""


def lower(which: int, value: int, /) -> None:
    """
    Set the limit *which* to *value* for good, or leave it where it is lower already.

    Raises:
        OSError, ValueError: The system refuses.
    """
    _, most = resource.getrlimit(which)
    if most != resource.RLIM_INFINITY:
        value = min(value, most)
    resource.setrlimit(which, (value, value))
