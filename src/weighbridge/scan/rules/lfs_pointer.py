"""Rule `lfs-pointer`: a Git LFS pointer stands where the weights should be."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.lfs import LfsPointerFacts
from weighbridge.scan.interface import Facts, Match, Rule


class LfsPointer(Rule[LfsPointerFacts]):
    """A Git LFS pointer stands where the weights should be."""

    id: ClassVar[str] = "lfs-pointer"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = LfsPointerFacts

    def check(self, facts: LfsPointerFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(
            message="the weights are missing: this is a Git LFS pointer (run `git lfs pull`)",
            evidence=(f"{facts.oid or 'no object named'}, {facts.size or 0} bytes",),
        )
