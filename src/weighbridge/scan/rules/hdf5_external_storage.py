"""Rule `hdf5-external-storage`: the elements of a dataset are taken from other files."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.hdf5 import Hdf5DatasetFacts
from weighbridge.scan.interface import Facts, Match, Rule


class Hdf5ExternalStorage(Rule[Hdf5DatasetFacts]):
    """The elements of a dataset are taken from other files."""

    id: ClassVar[str] = "hdf5-external-storage"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = Hdf5DatasetFacts

    def check(self, facts: Hdf5DatasetFacts, /) -> Iterator[Match]:
        """Yield each other file once."""
        parts = {
            each.name: f"{each.size} bytes at {each.offset}" for each in facts.dataset.external
        }
        for name, part in parts.items():
            yield Match(
                message=f"reading {facts.where} reads the file {name[:200]}",
                evidence=(f"{facts.where} <- {name} ({part})",),
            )
        sources = {each.file: each.dataset for each in facts.dataset.sources if each.file != "."}
        for name, dataset in sources.items():
            yield Match(
                message=f"reading {facts.where} opens the file {name[:200]}",
                evidence=(f"{facts.where} <- {name}:{dataset}",),
            )
