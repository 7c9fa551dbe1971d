"""Rule `native-code`: machine code lies beside the weights."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.shared_object import NativeCodeFacts
from weighbridge.scan.interface import Facts, Match, Rule


class NativeCode(Rule[NativeCodeFacts]):
    """Machine code lies beside the weights."""

    id: ClassVar[str] = "native-code"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = NativeCodeFacts

    def check(self, facts: NativeCodeFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(message=f"the file is machine code: {facts.kind}")
