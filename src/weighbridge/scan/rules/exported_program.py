"""Rule `exported-program`: a program of torch.export reaches for more than operators."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.exported_program import ProgramTextFacts
from weighbridge.scan.interface import Facts, Match, Rule

_LISTED: Final = 20


class ExportedProgram(Rule[ProgramTextFacts]):
    """A program of torch.export calls, evaluates or imports what is no operator of torch."""

    id: ClassVar[str] = "exported-program"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = ProgramTextFacts

    def check(self, facts: ProgramTextFacts, /) -> Iterator[Match]:
        """Yield each text once, critical where loading evaluates it."""
        for text in facts.expressions[:_LISTED]:
            yield Match(
                message="Loading the program evaluates a symbolic size that is no arithmetic.",
                evidence=(text,),
                severity=Severity.CRITICAL,
            )
        for text in facts.targets[:_LISTED]:
            yield Match(message=f"The program calls {text}, which is no operator.")
        for name in facts.modules[:_LISTED]:
            yield Match(message=f"Loading the program imports {name}.")
        for text in facts.guards[:_LISTED]:
            yield Match(
                message="The program is guarded by Python source that does more than compare.",
                evidence=(text,),
            )
