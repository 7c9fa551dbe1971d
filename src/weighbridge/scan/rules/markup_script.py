"""Rule `markup-script`: a drawing, a page or a notebook runs script where it is shown."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.markup import ActiveMarkupFacts
from weighbridge.scan.interface import Facts, Match, Rule


class MarkupScript(Rule[ActiveMarkupFacts]):
    """A drawing, a page or a notebook runs script where it is shown."""

    id: ClassVar[str] = "markup-script"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ActiveMarkupFacts

    def check(self, facts: ActiveMarkupFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        # Script is what pages are made of, and what libraries put into the output of notebooks,
        # which is shown without it until somebody trusts them. Nobody expects it in a drawing.
        is_page = facts.subject.format in {FileFormat.HTML, FileFormat.NOTEBOOK}
        yield Match(
            message="showing the file in a browser runs what it holds",
            severity=Severity.LOW if is_page else None,
            evidence=(f"line {facts.line}: {facts.text}",),
        )
