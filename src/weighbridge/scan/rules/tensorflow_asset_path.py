"""Rule `tensorflow-asset-path`: a SavedModel names an asset outside of its directory."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.savedmodel import TensorFlowFacts
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.paths import escapes


class TensorFlowAssetPath(Rule[TensorFlowFacts]):
    """A SavedModel names an asset outside of its directory."""

    id: ClassVar[str] = "tensorflow-asset-path"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = TensorFlowFacts

    def check(self, facts: TensorFlowFacts, /) -> Iterator[Match]:
        """Yield each such asset."""
        for node, file in facts.assets:
            if escapes(file):
                yield Match(
                    message="an asset lies outside the directory of the model's assets",
                    evidence=(f"{node or 'an asset'}: {file!r}",),
                )
