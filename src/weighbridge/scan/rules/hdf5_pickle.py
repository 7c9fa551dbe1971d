"""Rule `hdf5-pickle`: an attribute or a dataset of an HDF5 file is a pickle."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.hdf5 import Hdf5PickleFacts
from weighbridge.scan.interface import Facts, Match, Rule


class Hdf5Pickle(Rule[Hdf5PickleFacts]):
    """An attribute or a dataset of an HDF5 file is a pickle."""

    id: ClassVar[str] = "hdf5-pickle"
    severity: ClassVar[Severity] = Severity.LOW
    consumes: ClassVar[type[Facts]] = Hdf5PickleFacts

    def check(self, facts: Hdf5PickleFacts, /) -> Iterator[Match]:
        """Yield that there are pickles; what they would do is said by the rules for pickles."""
        if facts.unread:
            yield Match(
                message="PyTables unpickles a dataset that was not examined",
                severity=Severity.MEDIUM,
                evidence=(facts.unread,),
            )
        else:
            yield Match(
                message=f"PyTables and pandas unpickle parts of the file: {facts.count} of them",
                evidence=(", ".join(facts.where),),
            )
