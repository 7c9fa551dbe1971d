"""Rule `hdf5-external-link`: a name in an HDF5 file leads to an object of another file."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.formats.hdf5 import LinkKind
from weighbridge.scan.analyzers.hdf5 import Hdf5LinkFacts
from weighbridge.scan.interface import Facts, Match, Rule


class Hdf5ExternalLink(Rule[Hdf5LinkFacts]):
    """A name in an HDF5 file leads to an object of another file."""

    id: ClassVar[str] = "hdf5-external-link"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = Hdf5LinkFacts

    def check(self, facts: Hdf5LinkFacts, /) -> Iterator[Match]:
        """Yield where the link leads."""
        link = facts.link
        place = f"{facts.where.rstrip('/')}/{link.name}"
        if link.kind is LinkKind.EXTERNAL:
            message = f"reading {place} opens the file {link.file[:200]}"
            target = f"{link.file}:{link.target}"
        else:
            message = f"{place} is a link that only a program's own code can follow"
            target = link.target
        yield Match(message=message, evidence=(f"{place} -> {target}",))
