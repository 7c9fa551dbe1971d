"""Rule `zarr-pickle-codec`: chunks of an array are unpickled when it is read."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.zarr import ZarrCodecFacts


class ZarrPickleCodec(Rule[ZarrCodecFacts]):
    """Chunks of an array are unpickled when it is read."""

    id: ClassVar[str] = "zarr-pickle-codec"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ZarrCodecFacts

    def check(self, facts: ZarrCodecFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(
            message="reading the array unpickles its chunks, where the library is old",
            evidence=(facts.where or "/",),
        )
