"""Rule `keras-file-reference`: a Keras layer opens a file or an address of the model's choosing."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.keras.facts import KerasFileFacts


class KerasFileReference(Rule[KerasFileFacts]):
    """A Keras layer opens a file or an address of the model's choosing."""

    id: ClassVar[str] = "keras-file-reference"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = KerasFileFacts

    def check(self, facts: KerasFileFacts, /) -> Iterator[Match]:
        """Yield the file; one beside the model is less grave than any other."""
        path = facts.path.replace("\\", "/")
        inside = not path.startswith("/") and ":" not in path and ".." not in path.split("/")
        yield Match(
            message=f"building the layer {facts.layer} opens {facts.path[:200]}",
            severity=Severity.MEDIUM if inside else None,
            evidence=(f"{facts.where}: {facts.path}",),
        )
