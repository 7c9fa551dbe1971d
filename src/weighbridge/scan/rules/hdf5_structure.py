"""Rule `hdf5-structure`: an HDF5 file is not what the format demands."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.hdf5 import Hdf5StructureFacts
from weighbridge.scan.interface import Facts, Match, Rule


class Hdf5Structure(Rule[Hdf5StructureFacts]):
    """An HDF5 file is not what the format demands."""

    id: ClassVar[str] = "hdf5-structure"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = Hdf5StructureFacts

    def check(self, facts: Hdf5StructureFacts, /) -> Iterator[Match]:
        """Yield what breaks the format."""
        yield Match(
            message="readers of HDF5 may disagree about the file, or trust what is not true",
            evidence=(f"{facts.where}: {facts.problem}",),
        )
