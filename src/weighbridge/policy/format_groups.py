"""Names for formats in a policy: each format's own, and a few groups."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.artifact import FileFormat

FORMAT_GROUPS: Final[Mapping[str, frozenset[FileFormat]]] = MappingProxyType(
    {
        "torch": frozenset({FileFormat.TORCH_ZIP, FileFormat.TORCH_LEGACY}),
        "numpy": frozenset({FileFormat.NPY, FileFormat.NPZ}),
        "archive": frozenset({FileFormat.ZIP, FileFormat.TAR, FileFormat.SEVEN_ZIP}),
        "compressed": frozenset(
            {
                FileFormat.GZIP,
                FileFormat.BZIP2,
                FileFormat.XZ,
                FileFormat.ZLIB,
                FileFormat.DEFLATE,
                FileFormat.LZ4,
                FileFormat.ZSTD,
            }
        ),
        "python": frozenset({FileFormat.PYTHON_SOURCE, FileFormat.PYTHON_BYTECODE}),
    }
)
"""
Several formats under one name; no name is also a format's.

A group admits its formats but never lifts `deny-executable`: what can execute has to be listed
under its own name.
"""

FORMAT_NAMES: Final = (*sorted(FileFormat), *sorted(FORMAT_GROUPS))
"""Everything that `formats.allow` and `formats.deny` may list."""


def expand_format(name: str) -> frozenset[FileFormat]:
    """
    Return the formats that *name* stands for.

    Raises:
        KeyError: Neither a format nor a group has this name.
    """
    if name in set(FileFormat):
        return frozenset({FileFormat(name)})
    return FORMAT_GROUPS[name]
