"""Rule `polyglot`: the same bytes are a file of another format, too."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.artifact import Carries, carries
from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Facts, Match, Rule, SubjectFacts


class Polyglot(Rule[SubjectFacts]):
    """The same bytes are a file of another format, too."""

    id: ClassVar[str] = "polyglot"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = SubjectFacts

    def check(self, facts: SubjectFacts, /) -> Iterator[Match]:
        """Yield one match for each other reading of the bytes."""
        for other in facts.also:
            harmless = carries(other) is Carries.DATA
            yield Match(
                message=f"the file is {facts.subject.format} and {other} at once",
                severity=Severity.MEDIUM if harmless else None,
            )
