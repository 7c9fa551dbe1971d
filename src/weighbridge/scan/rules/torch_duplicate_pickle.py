"""A checkpoint with more than one member that a reader may take for its pickle."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.scan.archive_facts import TorchFacts
from weighbridge.scan.interface import Match, Rule


class TorchDuplicatePickle(Rule[TorchFacts]):
    """torch takes the first of two equal names and ignores case, Python's zipfile does neither."""

    id = "torch-duplicate-pickle"
    severity = Severity.HIGH
    consumes = TorchFacts

    def check(self, facts: TorchFacts, /) -> Iterator[Match]:
        """Yield the members when there is not exactly one."""
        if len(facts.pickles) > 1:
            yield Match(
                message=f"{len(facts.pickles)} members can be taken for the checkpoint's pickle; "
                "which one is loaded depends on the reader.",
                evidence=tuple(facts.pickles[:8]),
            )
