"""ClamAV 1: one line for each infected file. A limit that it met is no virus, but a gap."""

import re
from typing import Final

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

_FOUND: Final = re.compile(r"(?P<place>.+): (?P<name>\S+) FOUND")
_ERROR: Final = re.compile(r"(?:(?P<place>.+): )?(?P<what>.+) ERROR")
_LIMIT: Final = "Heuristics.Limits.Exceeded"
_CLEAN, _INFECTED = 0, 1


class Clamscan:
    """Runs `clamscan`, which reads the signatures itself; the exit code is 2 for failures."""

    program = "clamscan"
    asks_a_service = False

    def arguments(self) -> tuple[str, ...]:
        """Return what follows the program."""
        # Without the alert, files above its limits count as clean.
        return (
            "--recursive",
            "--infected",
            "--no-summary",
            "--stdout",
            "--alert-exceeds-max=yes",
            PATH_PLACE,
        )

    def read(self, outcome: Outcome, target: Target) -> Answer:
        """Read the lines; the exit code has the last word on whether there is a finding."""
        if outcome.exit_code not in {_CLEAN, _INFECTED}:
            raise unexpected_exit(outcome.exit_code, expected="0 or 1")
        findings: list[Finding] = []
        complaints: list[Complaint] = []
        for line in lines_of(outcome.output):
            if found := _FOUND.fullmatch(line):
                path, member = target.place(found["place"])
                name = found["name"]
                if name.startswith(_LIMIT):
                    reason = f"a limit of its configuration was met: {name}"
                    complaints.append(Complaint(path=path, member=member, reason=shorten(reason)))
                else:
                    findings.append(_finding(name, (path, member)))
            elif error := _ERROR.fullmatch(line):
                path, member = target.place(error["place"] or WHOLE)
                complaints.append(
                    Complaint(path=path, member=member, reason=shorten(error["what"]))
                )
        if outcome.exit_code == _INFECTED and not findings and not complaints:
            findings.append(_finding("unnamed", (WHOLE, None)))
        return Answer(findings=tuple(findings), complaints=tuple(complaints))


class Clamdscan(Clamscan):
    """Runs `clamdscan`, which asks a running `clamd`; limits are in that one's configuration."""

    program = "clamdscan"
    asks_a_service = True

    def arguments(self) -> tuple[str, ...]:
        """Return what follows the program; open files are handed over, for clamd reads less."""
        return ("--infected", "--no-summary", "--stdout", "--fdpass", PATH_PLACE)


def _finding(name: str, place: tuple[str, str | None]) -> Finding:
    return finding_of(
        "signature",
        f"ClamAV knows it as {name}",
        severity=Severity.CRITICAL,
        place=place,
        evidence=(name,),
    )
