"""Rule `hdf5-shape-bomb`: a dataset declares far more elements than the file can hold."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.core.limits.units import GIB
from weighbridge.scan.analyzers.hdf5 import Hdf5DatasetFacts
from weighbridge.scan.interface import Facts, Match, Rule

_MOST_BYTES: Final = 4 * GIB
_MOST_RATIO: Final = 1000
"""The bounds that Keras sets itself (saving_lib, since CVE-2026-0897)."""


class Hdf5ShapeBomb(Rule[Hdf5DatasetFacts]):
    """A dataset declares far more elements than the file can hold."""

    id: ClassVar[str] = "hdf5-shape-bomb"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = Hdf5DatasetFacts

    def check(self, facts: Hdf5DatasetFacts, /) -> Iterator[Match]:
        """Yield the dataset with what it declares."""
        stored = facts.subject.source.size
        if facts.declared > max(_MOST_BYTES, _MOST_RATIO * stored):
            shape = facts.dataset.shape
            yield Match(
                message=f"reading {facts.where} takes {facts.declared} bytes of memory",
                evidence=(f"{facts.where}: shape {shape} in a file of {stored} bytes",),
            )
