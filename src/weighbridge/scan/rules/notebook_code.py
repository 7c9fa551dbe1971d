"""Rule `notebook-code`: a notebook with code lies beside the weights."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.notebook import NotebookFacts
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.rules.python_dangerous_call import judge

_SHOWN = 5


class NotebookCode(Rule[NotebookFacts]):
    """A notebook with code lies beside the weights."""

    id: ClassVar[str] = "notebook-code"
    severity: ClassVar[Severity] = Severity.LOW
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = NotebookFacts

    def check(self, facts: NotebookFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(
            message="the notebook has code for whoever opens and runs it",
            evidence=(f"{facts.cells} cells", *facts.commands[:_SHOWN]),
        )
        names: dict[str, None] = {}
        for reference in facts.references:
            danger = judge(reference)
            if danger is not None and danger.severity.at_least(Severity.HIGH):
                names[f"{reference.name}: {danger.purpose}"] = None
        if names:
            yield Match(
                message="code in the notebook runs commands, or code that it makes",
                severity=Severity.MEDIUM,
                confidence=Confidence.MEDIUM,
                evidence=tuple(names)[:_SHOWN],
            )
