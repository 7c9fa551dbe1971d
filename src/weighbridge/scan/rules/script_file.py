"""Rule `script-file`: a script lies beside the weights."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.script import ScriptFacts
from weighbridge.scan.interface import Facts, Match, Rule


class ScriptFile(Rule[ScriptFacts]):
    """A script lies beside the weights."""

    id: ClassVar[str] = "script-file"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ScriptFacts

    def check(self, facts: ScriptFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(
            message="the file is a script",
            severity=Severity.LOW if facts.on_request else None,
            evidence=(f"run by {facts.interpreter or 'an interpreter that it does not name'}",),
        )
