"""Rule `torchserve-handler`: a model archive has the server run code of its own."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.torchserve import HandlerFacts
from weighbridge.scan.interface import Facts, Match, Rule


class TorchserveHandler(Rule[HandlerFacts]):
    """A model archive names code or packages of its own, which the server runs or installs."""

    id: ClassVar[str] = "torchserve-handler"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = HandlerFacts

    def check(self, facts: HandlerFacts, /) -> Iterator[Match]:
        """Yield what is run and what is installed."""
        if facts.handler:
            yield Match(message=f"The server runs the archive's own handler {facts.handler}.")
        if facts.model_file:
            yield Match(message=f"The server imports the archive's own {facts.model_file}.")
        if facts.requirements:
            yield Match(
                message=f"The server installs the packages that {facts.requirements} lists, "
                "when it is set to do so.",
                severity=Severity.MEDIUM,
            )
