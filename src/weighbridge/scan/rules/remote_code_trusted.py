"""Rule `remote-code-trusted`: a configuration asks for the code of a repository to be run."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import TrustFacts
from weighbridge.scan.interface import Facts, Match, Rule


class RemoteCodeTrusted(Rule[TrustFacts]):
    """A configuration asks the framework to run the code of a repository."""

    id: ClassVar[str] = "remote-code-trusted"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = TrustFacts

    def check(self, facts: TrustFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.value not in (False, None, 0, "", "false", "False", "no", "off", "null", "~"):
            yield Match(
                message="the configuration turns `trust_remote_code` on by itself",
                evidence=(f"{facts.where}: {facts.value!r}",),
            )
