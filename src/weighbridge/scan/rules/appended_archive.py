"""Rule `appended-archive`: a zip archive is hidden behind content of another format."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule, SubjectFacts


class AppendedArchive(Rule[SubjectFacts]):
    """A zip archive is hidden behind content of another format."""

    id: ClassVar[str] = "appended-archive"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = SubjectFacts

    def check(self, facts: SubjectFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.archive_end is not None:
            yield Match(
                message=f"behind the {facts.subject.format} content there is a zip archive",
                offset=facts.archive_end,
            )
