"""A table of words in which keys are repeated."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.json_tables import RepeatedKeyFacts


class JsonRepeatedKey(Rule[RepeatedKeyFacts]):
    """Readers see other values, and nothing that a rule looks at; elsewhere this is a gap."""

    id = "json-repeated-key"
    severity = Severity.LOW
    consumes = RepeatedKeyFacts

    def check(self, facts: RepeatedKeyFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        several = "One key occurs" if facts.keys == 1 else f"{facts.keys} keys occur"
        differing = "none" if not facts.differing else str(facts.differing)
        yield Match(
            message=f"{several} more than once in a table of words, {differing} with different "
            "values: some readers keep the first value and some the last.",
            evidence=facts.examples,
        )
