"""Rule `python-bytecode`: compiled Python lies beside the weights."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.python_bytecode import PythonBytecodeFacts
from weighbridge.scan.interface import Facts, Match, Rule


class PythonBytecode(Rule[PythonBytecodeFacts]):
    """Compiled Python lies beside the weights."""

    id: ClassVar[str] = "python-bytecode"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = PythonBytecodeFacts

    def check(self, _: PythonBytecodeFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(message="the file is compiled Python: it runs when imported and cannot be read")
