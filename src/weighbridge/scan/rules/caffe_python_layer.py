"""Rule `caffe-python-layer`: a network has a layer whose class is imported by name."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.caffe import CaffeFacts
from weighbridge.scan.interface import Facts, Match, Rule


class CaffePythonLayer(Rule[CaffeFacts]):
    """A network has a layer whose class is imported by name."""

    id: ClassVar[str] = "caffe-python-layer"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = CaffeFacts

    def check(self, facts: CaffeFacts, /) -> Iterator[Match]:
        """Yield each such layer."""
        for at, name in facts.layers:
            yield Match(
                message="a layer of the network is a Python class that is imported and made",
                offset=at,
                evidence=(name,),
            )
