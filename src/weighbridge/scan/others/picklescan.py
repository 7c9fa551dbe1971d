"""picklescan 1.0: prints one line for each dangerous import, and a summary."""

import re
from typing import Final

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.evidence import Finding, Severity
from weighbridge.scan.interface import shorten
from weighbridge.scan.others.interface import (
    PATH_PLACE,
    WHOLE,
    Answer,
    Complaint,
    Outcome,
    Target,
    finding_of,
    lines_of,
    unexpected_exit,
)

_FOUND: Final = re.compile(r"(?P<place>.+): dangerous import '(?P<name>.*)' FOUND")
_TROUBLE: Final = re.compile(r"(?:WARNING|ERROR): (?P<what>.+)")
_ABOUT: Final = re.compile(r".*?(?:parse|scanning|scan|file) (?P<place>/.+?)(?: as \w+)?: .*")
_SUMMARY: Final = "----------- SCAN SUMMARY -----------"
_RULE: Final = "dangerous-import"
_CLEAN, _INFECTED = 0, 1


class Picklescan:
    """Runs `picklescan --path PATH`; its exit code is 1 for findings and 2 for failures."""

    program = "picklescan"
    asks_a_service = False

    def arguments(self) -> tuple[str, ...]:
        """Return what follows the program."""
        return ("--path", PATH_PLACE)

    def read(self, outcome: Outcome, target: Target) -> Answer:
        """Read the lines; the exit code has the last word on whether there is a finding."""
        if outcome.exit_code not in {_CLEAN, _INFECTED}:
            raise unexpected_exit(outcome.exit_code, expected="0 or 1")
        lines = lines_of(outcome.output)
        if _SUMMARY not in lines:
            raise MalformedContentError("there is no summary in what it printed")
        findings: list[Finding] = []
        complaints: list[Complaint] = []
        for line in lines:
            if found := _FOUND.fullmatch(line):
                findings.append(_finding(found["name"], target.place(found["place"])))
            elif trouble := _TROUBLE.fullmatch(line):
                complaints.append(_complaint(trouble["what"], target))
        if outcome.exit_code == _INFECTED and not findings:
            findings.append(_finding("an import that it does not name", (WHOLE, None)))
        return Answer(findings=tuple(findings), complaints=tuple(complaints))


def _finding(name: str, place: tuple[str, str | None]) -> Finding:
    dotted = name.replace(" ", ".", 1)
    return finding_of(
        _RULE,
        f"loading it would import {dotted}, which picklescan lists as dangerous",
        severity=Severity.CRITICAL,
        place=place,
        evidence=(dotted,),
    )


def _complaint(what: str, target: Target) -> Complaint:
    about = _ABOUT.fullmatch(what)
    path, member = target.place(about["place"]) if about else (WHOLE, None)
    return Complaint(path=path, member=member, reason=shorten(what))
