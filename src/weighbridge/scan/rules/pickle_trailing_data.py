"""A file of pickles with bytes that belong to none of them."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import UnreadFacts


class PickleTrailingData(Rule[UnreadFacts]):
    """
    Unpicklers stop at the end of a stream; something else may read what follows.

    Medium; low for zeros, which some writers pad with.
    """

    id = "pickle-trailing-data"
    severity = Severity.MEDIUM
    consumes = UnreadFacts

    def check(self, facts: UnreadFacts, /) -> Iterator[Match]:
        """Yield the bytes."""
        kind = "zeros" if facts.zeros else "bytes"
        yield Match(
            message=f"{facts.length} {kind} belong to no pickle stream.",
            offset=facts.start,
            evidence=(facts.preview.hex(" "),),
            severity=Severity.LOW if facts.zeros else None,
        )
