"""Rule `suffix-lies`: the name of a file promises another format than its bytes have."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.artifact import Carries, carries
from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule, SubjectFacts


class SuffixLies(Rule[SubjectFacts]):
    """The name of a file promises another format than its bytes have."""

    id: ClassVar[str] = "suffix-lies"
    severity: ClassVar[Severity] = Severity.LOW
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = SubjectFacts

    def check(self, facts: SubjectFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        promised = facts.subject.suffix_format
        if promised is None:
            return
        actual = facts.subject.format
        harmless = carries(promised) in {Carries.DATA, Carries.CONFIGURATION}
        capable = carries(actual) in {Carries.CODE, Carries.CONTAINER}
        yield Match(
            message=f"the name promises {promised}, the content is {actual}",
            severity=Severity.HIGH if harmless and capable else Severity.LOW,
        )
