"""Rule `r-code-object`: R data holds objects that are code."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.r_data import RDataFacts
from weighbridge.scan.interface import Facts, Match, Rule

DANGEROUS: Final = frozenset(
    {
        "Sys.setenv", "download.file", "dyn.load", "file.remove", "install.packages",
        "library.dynam", "pipe", "shell", "shell.exec", "socketConnection", "source",
        "sys.source", "system", "system2", "unlink", "url", "writeLines",
    }
)  # fmt: skip
"""Functions of R that run commands, fetch, write or remove."""


class RCodeObject(Rule[RDataFacts]):
    """R data holds objects that are code."""

    id: ClassVar[str] = "r-code-object"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = RDataFacts

    def check(self, facts: RDataFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        found = facts.contents
        if found.promises:
            yield _match("a promise is evaluated as soon as R touches the value", found.promises)
        if found.bytecodes:
            yield _match(
                "the data holds compiled code, and what follows is not read", found.bytecodes
            )
        dangerous = sorted(DANGEROUS.intersection(found.functions))
        if dangerous:
            yield Match(
                message="code in the data calls what runs commands, fetches or writes",
                evidence=(", ".join(dangerous),),
            )
        if found.closures:
            severity = Severity.HIGH if facts.is_workspace else Severity.MEDIUM
            yield _match("the data holds functions", found.closures, severity)
        if found.persistent:
            message = "the data has R call a function that finds objects by name"
            yield _match(message, found.persistent, Severity.MEDIUM)
        if found.calls and not (found.closures or found.promises):
            yield _match(
                "the data holds calls that are not evaluated yet", found.calls, Severity.LOW
            )


def _match(message: str, places: tuple[int, ...], severity: Severity | None = None) -> Match:
    """Return the match for objects at *places*."""
    return Match(
        message=message,
        offset=places[0],
        severity=severity,
        evidence=(f"{len(places)} of them, the first at byte {places[0]}",),
    )
