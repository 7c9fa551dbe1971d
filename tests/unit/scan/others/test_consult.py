"""What other scanners say is added, and never takes anything away."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.other_scanners import report_of, write_program
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Clean, Finding, Gap, Severity
from weighbridge.core.limits.scanning import MAX_SCANNER_FINDINGS
from weighbridge.scan.others.consult import OtherScanner, consult
from weighbridge.scan.others.interface import Answer, Complaint, Outcome, Target, finding_of
from weighbridge.scan.report import FileStatus, ScanReport


@dataclass
class Simulated:
    """An adapter with a fixed answer."""

    answer: Answer = field(default_factory=Answer)
    program: str | None = None
    asks_a_service: bool = False
    error: Exception | None = None

    def arguments(self) -> tuple[str, ...]:
        """Return one argument."""
        return ("{path}",)

    def read(self, outcome: Outcome, target: Target) -> Answer:
        """Return the answer, or fail."""
        if self.error is not None:
            raise self.error
        return self.answer


def finding(path: str, severity: Severity = Severity.HIGH) -> Finding:
    """Return a finding of another scanner."""
    return finding_of("x", "m", severity=severity, place=(path, None))


def ask(
    adapter: Simulated,
    report: ScanReport,
    *,
    outcome: Outcome | None = None,
    changes: Sequence[str | None] = (),
) -> ScanReport:
    """Return what becomes of *report*."""

    def run(command: Sequence[str]) -> Outcome:
        assert tuple(command) == ("/bin/acme", "{path}")
        return outcome or Outcome(exit_code=0, offline=True)

    scanner = OtherScanner(name="acme", adapter=adapter, program=("/bin/acme",))
    told = iter(changes)
    return consult(
        report, [scanner], root=Path("/m"), unchanged=lambda: next(told, None), runner=run
    )


def test_a_finding_is_added_under_its_name() -> None:
    """A file that was clean has the finding instead, in its place; the others are as before."""
    report = report_of("b.pkl")
    merged = ask(Simulated(Answer(findings=(finding("dir/c.pkl"),), version="2")), report)
    assert merged.statuses == {
        "a.pkl": FileStatus.CLEAN,
        "b.pkl": FileStatus.FINDINGS,
        "dir/c.pkl": FileStatus.FINDINGS,
    }
    assert [f.rule for f in merged.findings] == ["pickle-dangerous-global", "acme:x"]
    assert [item.path for item in merged.evidence] == ["a.pkl", "b.pkl", "dir/c.pkl"]
    (answer,) = merged.consulted
    assert (answer.scanner, answer.version, answer.finished) == ("acme", "2", True)
    assert (answer.alone, answer.silent) == (("dir/c.pkl",), ("b.pkl",))
    assert answer.findings == 1
    assert answer.offline


def test_silence_takes_nothing_away() -> None:
    """All evidence of a report stays when the other scanner finds nothing."""
    report = report_of("a.pkl", "b.pkl")
    merged = ask(Simulated(), report)
    assert set(merged.evidence) == set(report.evidence)
    assert merged.consulted[0].silent == ("a.pkl", "b.pkl")


def test_complaints_are_gaps() -> None:
    """What it could not read is a gap of that file, or of the whole."""
    complaints = (
        Complaint(path="a.pkl", member="m", reason="broken"),
        Complaint(path=".", reason="odd"),
    )
    merged = ask(Simulated(Answer(complaints=complaints)), report_of())
    assert [(g.path, g.member, g.reason, g.code) for g in merged.gaps] == [
        ("a.pkl", "m", "acme: broken", Code.SCANNER_INCOMPLETE),
        (None, None, "acme: odd", Code.SCANNER_INCOMPLETE),
    ]
    assert merged.statuses["a.pkl"] is FileStatus.GAP


@pytest.mark.parametrize(
    ("outcome", "error", "reason"),
    [
        (Outcome(exit_code=None, problem="it was ended by SIGSEGV"), None, "ended by SIGSEGV"),
        (Outcome(exit_code=0, talk=b"a\nlast words\n\n"), ValueError("x"), "said: last words"),
        (Outcome(exit_code=0, talk=b"\xff\x1b[2J"), ValueError("x"), "\\\\xff\\\\x1b[2J"),
        (Outcome(exit_code=0), RecursionError(), "broke the adapter: RecursionError()"),
    ],
)
def test_failures_are_gaps(outcome: Outcome, error: Exception | None, reason: str) -> None:
    """A run without an answer is a gap of the whole, whatever the adapter raises."""
    merged = ask(Simulated(error=error), report_of("a.pkl"), outcome=outcome)
    (gap,) = merged.gaps
    assert (gap.code, gap.path) == (Code.SCANNER_FAILED, None)
    assert reason.replace("\\\\", "\\") in gap.reason
    assert gap.reason.isprintable()
    assert not merged.consulted[0].finished
    assert merged.consulted[0].silent == ()
    assert merged.findings == report_of("a.pkl").findings


@pytest.mark.parametrize("changes", [["changed"], [None, "changed"]])
def test_changed_files_are_a_gap(changes: list[str | None]) -> None:
    """What it said about files that changed is kept, and a gap says that they did."""
    merged = ask(Simulated(Answer(findings=(finding("a.pkl"),))), report_of(), changes=changes)
    assert [g.code for g in merged.gaps] == [Code.FILE_CHANGED]
    assert len(merged.findings) == 1
    assert not merged.consulted[0].finished


def test_a_missing_scanner_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner that is not on PATH is a gap, and nothing is run."""
    monkeypatch.setenv("PATH", "/nowhere")
    scanner = OtherScanner(name="acme", adapter=Simulated(program="acme"))

    def run(command: Sequence[str]) -> Outcome:
        raise AssertionError(command)

    merged = consult(report_of(), [scanner], root=Path("/m"), unchanged=lambda: None, runner=run)
    (gap,) = merged.gaps
    assert (gap.code, gap.path) == (Code.SCANNER_MISSING, None)
    unnamed = OtherScanner(name="acme", adapter=Simulated())
    merged = consult(report_of(), [unnamed], root=Path("/m"), unchanged=lambda: None, runner=run)
    assert [g.code for g in merged.gaps] == [Code.SCANNER_MISSING]


def test_a_flood_is_bounded() -> None:
    """Of very many findings the gravest are kept, and a gap counts the rest."""
    small = [finding("a.pkl", Severity.LOW)] * MAX_SCANNER_FINDINGS
    merged = ask(
        Simulated(Answer(findings=(*small, finding("b.pkl", Severity.CRITICAL)))), report_of()
    )
    assert len(merged.findings) == MAX_SCANNER_FINDINGS
    assert merged.worst is Severity.CRITICAL
    assert [g.code for g in merged.gaps] == [Code.SCANNER_INCOMPLETE]


def test_several_are_asked_in_order(tmp_path: Path) -> None:
    """Each scanner is asked about the files, not about what the one before it said."""
    program = write_program(tmp_path / "p", ":")
    scanners = [
        OtherScanner(
            name=name,
            adapter=Simulated(Answer(findings=(finding("a.pkl"),))),
            program=(str(program),),
        )
        for name in ("one", "two")
    ]
    merged = consult(report_of(), scanners, root=tmp_path, unchanged=lambda: None)
    assert [f.rule for f in merged.findings] == ["one:x", "two:x"]
    assert [c.alone for c in merged.consulted] == [("a.pkl",), ("a.pkl",)]
    assert not any(isinstance(i, Clean) and i.path == "a.pkl" for i in merged.evidence)
    assert not any(isinstance(i, Gap) for i in merged.evidence)
