"""Rule `compressed-trailing-data`: bytes of a compressed file that are in none of its streams."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.compressed import UnreadSpanFacts
from weighbridge.scan.interface import Facts, Match, Rule


class CompressedTrailingData(Rule[UnreadSpanFacts]):
    """Bytes of a compressed file belong to none of its streams; low for zeros, which pad."""

    id: ClassVar[str] = "compressed-trailing-data"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = UnreadSpanFacts

    def check(self, facts: UnreadSpanFacts, /) -> Iterator[Match]:
        """Yield the bytes."""
        kind = "zeros" if facts.zeros else "bytes"
        yield Match(
            message=f"{facts.length} {kind} belong to no compressed stream.",
            offset=facts.start,
            evidence=(facts.preview.hex(" "),),
            severity=Severity.LOW if facts.zeros else None,
        )
