"""
Tar archives (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar's headers), never extracted.

Readers do not agree on what a tar holds: which of two equal names counts, whether the size in an
extended header or that in the plain one does, where the archive ends. This reader goes on as
Python's tarfile does, since loaders of models use it, and reports whatever would make another
reader see something else.
"""

from weighbridge.formats.tar.archive import read_archive
from weighbridge.formats.tar.values import TarAnomaly, TarAnomalyKind, TarArchive, TarMember

__all__ = ["TarAnomaly", "TarAnomalyKind", "TarArchive", "TarMember", "read_archive"]
