"""A file of pickles with bytes that belong to none of them."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import UnreadFacts

_LINE_END: Final = b"\r\n"


class PickleTrailingData(Rule[UnreadFacts]):
    """
    Unpicklers stop at the end of a stream; something else may read what follows.

    Medium; low for zeros, which some writers pad with, and for the end of a line.
    """

    id = "pickle-trailing-data"
    severity = Severity.MEDIUM
    consumes = UnreadFacts

    def check(self, facts: UnreadFacts, /) -> Iterator[Match]:
        """Yield the bytes."""
        ends_line = facts.length <= len(_LINE_END) and _LINE_END.endswith(facts.preview)
        kind = "zeros" if facts.zeros else "bytes"
        yield Match(
            message=f"{facts.length} {kind} belong to no pickle stream.",
            offset=facts.start,
            evidence=(facts.preview.hex(" "),),
            severity=Severity.LOW if facts.zeros or ends_line else None,
        )
