"""A file with more pickle streams than its format has."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import TORCH_DIALECTS, PickleFacts


class PickleSeveralStreams(Rule[PickleFacts]):
    """
    A reader of one stream never sees the others; each of them is examined all the same.

    Low; high when a stream does something else if it is read with the memo of the one before.
    """

    id = "pickle-several-streams"
    severity = Severity.LOW
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield every stream after the first of a plain file."""
        if facts.carried:
            yield Match(
                message="The stream does something else when it is read with the memo of the "
                "stream before it.",
                offset=facts.at(facts.trace.start),
                severity=Severity.HIGH,
            )
        elif facts.index and facts.dialect not in TORCH_DIALECTS:
            yield Match(
                message=f"This is stream {facts.index + 1} of the file; one is usual.",
                offset=facts.at(facts.trace.start),
            )
