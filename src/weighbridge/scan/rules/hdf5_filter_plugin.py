"""Rule `hdf5-filter-plugin`: reading a dataset has a shared library loaded."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.hdf5 import Hdf5DatasetFacts
from weighbridge.scan.interface import Facts, Match, Rule

_FIRST_PLUGIN: Final = 256
_KNOWN: Final = frozenset(
    {
        305,  # LZO, of PyTables
        307,  # bzip2, of PyTables
        32000,  # LZF, of h5py
        32001,  # Blosc, of PyTables
        32004,  # LZ4
        32008,  # bitshuffle
        32013,  # ZFP
        32015,  # Zstandard, of netCDF
        32026,  # Blosc2, of PyTables
    }
)
"""Filters that common readers bring with them, or that everybody has (registered filters)."""


class Hdf5FilterPlugin(Rule[Hdf5DatasetFacts]):
    """Reading a dataset has a shared library loaded."""

    id: ClassVar[str] = "hdf5-filter-plugin"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = Hdf5DatasetFacts

    def check(self, facts: Hdf5DatasetFacts, /) -> Iterator[Match]:
        """Yield filters of numbers that nobody knows."""
        for each in facts.dataset.filters:
            if each.number < _FIRST_PLUGIN or each.number in _KNOWN:
                continue
            yield Match(
                message=f"reading {facts.where} makes the library look for a plugin to load",
                evidence=(f"{facts.where}: filter {each.number} {each.name}".rstrip(),),
            )
