"""
What another scanner is to this one: a command, and an adapter that reads what it says.

Whatever such a scanner prints or writes is untrusted: it may be broken, and it read a hostile
file. An adapter turns it into findings and complaints; nothing that it says takes away a
finding or a gap of ours.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.evidence import Confidence, Finding, Severity
from weighbridge.core.values import frozen
from weighbridge.scan.interface import shorten

PATH_PLACE: Final = "{path}"
"""Stands in a command for the absolute path of the artifact."""

REPORT_PLACE: Final = "{report}"
"""Stands in a command for the file that the scanner writes its report to."""

WHOLE: Final = "."
"""The path of what is not about one file that the inventory has."""

_NOT_IN_A_RULE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_RULE_CHARS: Final = 80
_COLONS: Final = 64


@frozen
class Target:
    """
    What the scanner is pointed at.

    Attributes:
        root: Absolute path of the directory or file.
        name: The artifact's base name.
        paths: The files of the inventory; only `.` for a single file.
    """

    root: Path
    name: str
    paths: frozenset[str]

    def place(self, text: str, /) -> tuple[str, str | None]:
        """Return path and member of *text*, `PATH` or `PATH:MEMBER`; `.` for what is unknown."""
        inside = self._inside(text)
        if inside in self.paths:
            return inside, None
        at = len(inside)
        for _ in range(_COLONS):
            at = inside.rfind(":", 0, at)
            if at < 0:
                break
            if inside[:at] in self.paths:
                return inside[:at], shorten(inside[at + 1 :]) or None
        return WHOLE, None

    def _inside(self, text: str) -> str:
        """Return *text* relative to the root."""
        root = str(self.root)
        if self.paths == {WHOLE}:
            for name in (root, self.name, self.root.name):
                if text == name or text.startswith(name + ":"):
                    return WHOLE + text[len(name) :]
            return text
        return text.removeprefix(root + "/").removeprefix("./")


@frozen
class Outcome:
    """
    What a run of the scanner left.

    Attributes:
        exit_code: Of its process; None when it was ended or could not be started.
        output: Its standard output.
        talk: Its standard error.
        report: What it wrote to the place of the report; None when it wrote nothing.
        problem: Why it did not run to its end, as a sentence; None when it did.
        offline: Whether it had no network.
        confined: Whether it could read and write nothing but what it needs, either.
    """

    exit_code: int | None
    output: bytes = b""
    talk: bytes = b""
    report: bytes | None = None
    problem: str | None = None
    offline: bool = False
    confined: bool = False


@frozen
class Complaint:
    """Something that the scanner says it could not examine."""

    path: str
    member: str | None = None
    reason: str


@frozen
class Answer:
    """
    What the scanner says, read.

    Attributes:
        findings: Rules not yet under the scanner's name.
        complaints: What it could not examine.
        version: Its version, where it says so.
    """

    findings: tuple[Finding, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    version: str | None = None


class Adapter(Protocol):
    """Knows one scanner, or one kind of report."""

    @property
    def program(self) -> str | None:
        """The command's name on PATH; None when it has to be configured."""
        ...

    @property
    def asks_a_service(self) -> bool:
        """Whether it asks a process of this machine, by a Unix socket."""
        ...

    def arguments(self) -> tuple[str, ...]:
        """Return what follows the program, with `{path}` and `{report}` for the places."""
        ...

    def read(self, outcome: Outcome, target: Target) -> Answer:
        """
        Read what a run that came to its end left.

        Raises:
            MalformedContentError: It cannot be understood, exit code included.
        """
        ...


def finding_of(
    rule: str,
    message: str,
    *,
    severity: Severity,
    place: tuple[str, str | None],
    offset: int | None = None,
    evidence: Iterable[str] = (),
) -> Finding:
    """Return a finding with untrusted texts cut; the confidence is medium, for it is not ours."""
    path, member = place
    return Finding(
        rule=_NOT_IN_A_RULE.sub("-", rule)[:_RULE_CHARS].strip("-") or "finding",
        severity=severity,
        confidence=Confidence.MEDIUM,
        path=path,
        member=member,
        offset=offset,
        message=shorten(message),
        evidence=tuple(shorten(line) for line in evidence),
    )


def unexpected_exit(code: int | None, *, expected: str) -> MalformedContentError:
    """Return the error for an exit code that the scanner does not document for a whole run."""
    return MalformedContentError(f"the exit code is {code}, expected {expected}")


def lines_of(data: bytes, /) -> list[str]:
    """Return the lines of what a scanner printed; what is not UTF-8 is escaped."""
    return data.decode("utf-8", errors="backslashreplace").splitlines()
