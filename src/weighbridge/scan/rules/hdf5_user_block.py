"""Rule `hdf5-user-block`: an HDF5 file has something before or behind it."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.hdf5 import Hdf5BlockFacts
from weighbridge.scan.interface import Facts, Match, Rule

_MATLAB: Final = re.compile(rb"MATLAB 7\.\d MAT-file")
_MATLAB_BYTES: Final = 512


class Hdf5UserBlock(Rule[Hdf5BlockFacts]):
    """An HDF5 file has something before or behind it."""

    id: ClassVar[str] = "hdf5-user-block"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = Hdf5BlockFacts

    def check(self, facts: Hdf5BlockFacts, /) -> Iterator[Match]:
        """Yield what is there, unless it is MATLAB's header."""
        header = _MATLAB.match(facts.head) is not None and facts.size <= _MATLAB_BYTES
        if header and not facts.behind:
            return
        place = "behind the end of" if facts.behind else "before"
        yield Match(
            message=f"{facts.size} bytes {place} the HDF5 file are none of it: a second file",
            offset=facts.start,
            evidence=(repr(facts.head),),
        )
