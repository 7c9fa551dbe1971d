"""
Build types: what of a build's definition the caller could choose, and where its source stands.

One file for each platform. What a platform repeats of the source or of the inputs among its
parameters is left out of `Build.parameters` where both say the same, so that a policy has to
expect only what nothing else checks. Where they differ it stays, and fails as unexpected.
"""

from weighbridge.core.build_types import (
    BUILDER_ID,
    COMMAND_BUILD_TYPE,
    CONVERT_BUILD_TYPE,
    KNOWN_BUILD_TYPES,
    is_known_build_type,
)
from weighbridge.provenance.build_types.interface import Definition, Parts
from weighbridge.provenance.build_types.selection import parts_of

__all__ = [
    "BUILDER_ID",
    "COMMAND_BUILD_TYPE",
    "CONVERT_BUILD_TYPE",
    "KNOWN_BUILD_TYPES",
    "Definition",
    "Parts",
    "is_known_build_type",
    "parts_of",
]
