"""Rule `arrow-python-type`: a column's type is a Python class that readers unpickle."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.arrow import ArrowTypeFacts
from weighbridge.scan.interface import Facts, Match, Rule


class ArrowPythonType(Rule[ArrowTypeFacts]):
    """A column's type is a Python class that pyarrow before 14.0.1 unpickles (CVE-2023-47248)."""

    id: ClassVar[str] = "arrow-python-type"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ArrowTypeFacts

    def check(self, facts: ArrowTypeFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(
            message="opening the table unpickles the type of a column, where pyarrow is old",
            evidence=(f"column {facts.column!r}",),
        )
