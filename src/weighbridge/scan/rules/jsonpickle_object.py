"""Rule `jsonpickle-object`: a JSON document describes Python objects to rebuild."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import ObjectFacts
from weighbridge.scan.interface import Facts, Match, Rule


class JsonpickleObject(Rule[ObjectFacts]):
    """A JSON document describes Python objects to rebuild."""

    id: ClassVar[str] = "jsonpickle-object"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ObjectFacts

    def check(self, facts: ObjectFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        text = facts.value if isinstance(facts.value, str) else "..."
        yield Match(
            message="jsonpickle would import and call what the document names",
            evidence=(f"{facts.where}: {text}",),
        )
