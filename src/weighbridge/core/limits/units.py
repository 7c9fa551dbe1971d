"""Bytes in units."""

from __future__ import annotations

# Not imported from `typing`: see `sandbox.kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
