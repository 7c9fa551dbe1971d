"""A pickle that breaks before its end."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import PickleFacts


class PickleBrokenStream(Rule[PickleFacts]):
    """
    What precedes the break has run by then, and scanners that give up there miss it.

    Medium; high when the stream has imported something by then.
    """

    id = "pickle-broken-stream"
    severity = Severity.MEDIUM
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield the break; a stream that met a bound is a gap and not broken."""
        trace = facts.trace
        if trace.complete or trace.limits or facts.carried:
            return
        imported = bool(facts.summary.names or facts.summary.computed)
        suffix = ", after it has imported something" if imported else ""
        yield Match(
            message=f"The pickle stream breaks{suffix}: {trace.error}.",
            offset=facts.at(trace.end),
            evidence=tuple(facts.summary.names)[:3],
            severity=Severity.HIGH if imported else None,
        )
