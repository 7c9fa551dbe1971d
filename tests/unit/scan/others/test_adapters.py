"""Adapters read what scanners print, and take nothing for a clean bill that is none."""

import json
from pathlib import Path

import pytest

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.evidence import Severity
from weighbridge.scan.others.catalogue import ADAPTERS
from weighbridge.scan.others.interface import Adapter, Answer, Outcome, Target, finding_of
from weighbridge.scan.others.sarif import Sarif

ROOT = Path("/models/bert")
FOLDER = Target(root=ROOT, name="bert", paths=frozenset({"a.pkl", "dir/w.pt", "x: y.pkl"}))
SINGLE = Target(root=Path("/models/a.pt"), name="a.pt", paths=frozenset({"."}))
SUMMARY = "----------- SCAN SUMMARY -----------\nScanned files: 1\n"
SARIF = Sarif(command=("{path}",), exit_codes=frozenset({0, 2}))


def read(adapter: Adapter, output: str, *, code: int = 0, target: Target = FOLDER) -> Answer:
    """Return what *adapter* makes of text on standard output."""
    return adapter.read(Outcome(exit_code=code, output=output.encode()), target)


def read_report(adapter: Adapter, report: object, *, code: int = 0) -> Answer:
    """Return what *adapter* makes of a report in a file, or on standard output for SARIF."""
    data = json.dumps(report).encode()
    if isinstance(adapter, Sarif):
        return adapter.read(Outcome(exit_code=code, output=data), FOLDER)
    return adapter.read(Outcome(exit_code=code, report=data), FOLDER)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/models/bert/a.pkl", ("a.pkl", None)),
        ("a.pkl", ("a.pkl", None)),
        ("./a.pkl", ("a.pkl", None)),
        ("/models/bert/dir/w.pt:w/data.pkl", ("dir/w.pt", "w/data.pkl")),
        ("dir/w.pt:w/data.pkl", ("dir/w.pt", "w/data.pkl")),
        ("dir/w.pt:a:b", ("dir/w.pt", "a:b")),
        ("dir/w.pt:", ("dir/w.pt", None)),
        ("x: y.pkl", ("x: y.pkl", None)),
        ("/models/other/a.pkl", (".", None)),
        ("../bert/a.pkl", (".", None)),
        ("", (".", None)),
        (":" * 100_000, (".", None)),
    ],
)
def test_places_of_a_directory(text: str, place: tuple[str, str | None]) -> None:
    """A path leads to a file of the inventory and its member, or to the artifact as a whole."""
    assert FOLDER.place(text) == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/models/a.pt", (".", None)),
        ("/models/a.pt:w/data.pkl", (".", "w/data.pkl")),
        ("a.pt:w/data.pkl", (".", "w/data.pkl")),
        ("/models/a.ptx", (".", None)),
        ("elsewhere:x", (".", None)),
    ],
)
def test_places_of_a_file(text: str, place: tuple[str, str | None]) -> None:
    """A single file is `.`, whichever way the scanner names it."""
    assert SINGLE.place(text) == place


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("Some Rule!", "Some-Rule"), ("", "finding"), ("::", "finding"), ("a" * 200, "a" * 80)],
)
def test_foreign_rules_become_ids(rule: str, expected: str) -> None:
    """What a scanner calls its rule is cut to what an id can have."""
    made = finding_of(rule, "m", severity=Severity.LOW, place=("a", None))
    assert made.rule == expected


class TestPicklescan:
    """picklescan's lines."""

    ADAPTER = ADAPTERS["picklescan"]

    def test_findings(self) -> None:
        """Each line about a dangerous import is a critical finding at its place."""
        text = (
            "/models/bert/a.pkl: dangerous import 'posix system' FOUND\n"
            "/models/bert/dir/w.pt:w/data.pkl: dangerous import 'builtins eval' FOUND\n"
        )
        answer = read(self.ADAPTER, text + SUMMARY, code=1)
        assert [(f.path, f.member, f.evidence) for f in answer.findings] == [
            ("a.pkl", None, ("posix.system",)),
            ("dir/w.pt", "w/data.pkl", ("builtins.eval",)),
        ]
        assert {f.severity for f in answer.findings} == {Severity.CRITICAL}
        assert answer.complaints == ()

    def test_nothing(self) -> None:
        """A run with a summary and without such lines found nothing."""
        assert read(self.ADAPTER, SUMMARY) == Answer()

    @pytest.mark.parametrize(
        ("line", "path"),
        [
            ("WARNING: could not parse /models/bert/a.pkl as pickle: not enough data", "a.pkl"),
            ("ERROR: Invalid magic number for file /models/bert/dir/w.pt: None", "dir/w.pt"),
            ("ERROR: something else", "."),
        ],
    )
    def test_complaints(self, line: str, path: str) -> None:
        """What it could not examine is told, with the file where it names one."""
        answer = read(self.ADAPTER, f"{line}\n{SUMMARY}")
        assert [c.path for c in answer.complaints] == [path]
        assert answer.findings == ()

    def test_findings_without_a_line(self) -> None:
        """The exit code for findings is believed even where no line could be read."""
        (finding,) = read(self.ADAPTER, SUMMARY, code=1).findings
        assert finding.path == "."

    @pytest.mark.parametrize(("output", "code"), [(SUMMARY, 2), ("", 0), ("hello", 1)])
    def test_refused(self, output: str, code: int) -> None:
        """Another exit code, or no summary, is no answer."""
        with pytest.raises(MalformedContentError):
            read(self.ADAPTER, output, code=code)

    def test_a_name_cannot_fake_silence(self) -> None:
        """A file whose name imitates a summary does not hide its finding."""
        text = f"/models/bert/x\n{SUMMARY}.pkl: dangerous import 'os system' FOUND\n{SUMMARY}"
        (finding,) = read(self.ADAPTER, text, code=1).findings
        assert finding.path == "."


ISSUE = {
    "description": "Use of unsafe operator 'system' from module 'posix'",
    "operator": "system",
    "module": "posix",
    "source": "dir/w.pt:w/data.pkl",
    "scanner": "modelscan.scanners.PickleUnsafeOpScan",
    "severity": "HIGH",
}


class TestModelscan:
    """ModelScan's report."""

    ADAPTER = ADAPTERS["modelscan"]

    def report(self, **changes: object) -> dict[str, object]:
        """Return a report."""
        return {"summary": {"modelscan_version": "0.8.8"}, "issues": [], "errors": []} | changes

    def test_findings(self) -> None:
        """An issue is a finding with its severity, its place and its operator."""
        answer = read_report(self.ADAPTER, self.report(issues=[ISSUE]), code=1)
        (finding,) = answer.findings
        assert (finding.rule, finding.severity) == ("PickleUnsafeOpScan", Severity.HIGH)
        assert (finding.path, finding.member) == ("dir/w.pt", "w/data.pkl")
        assert finding.evidence == ("posix.system",)
        assert answer.version == "0.8.8"

    def test_what_is_not_graded_is_taken_for_the_worst(self) -> None:
        """An issue without anything is a critical finding of the whole."""
        (finding,) = read_report(self.ADAPTER, self.report(issues=[{}]), code=1).findings
        assert (finding.severity, finding.path) == (Severity.CRITICAL, ".")
        assert finding.evidence == ()

    def test_errors_are_complaints(self) -> None:
        """A file that it could not read is told."""
        errors = [{"description": "Parsing error", "source": "a.pkl"}, {}]
        answer = read_report(self.ADAPTER, self.report(errors=errors), code=2)
        assert [(c.path, c.reason) for c in answer.complaints] == [
            ("a.pkl", "Parsing error"),
            (".", "an error"),
        ]

    def test_nothing_supported_is_no_failure(self) -> None:
        """Its exit code 3 says that there was nothing for it to do."""
        assert read_report(self.ADAPTER, self.report(), code=3).findings == ()

    @pytest.mark.parametrize(
        ("report", "code"),
        [
            ([], 0),
            ({}, 0),
            ({"issues": [], "errors": {}}, 0),
            ({"issues": [1], "errors": []}, 1),
            ({"issues": [], "errors": []}, 1),
            ({"issues": [], "errors": []}, 2),
            ({"issues": [], "errors": []}, 4),
        ],
    )
    def test_refused(self, report: object, code: int) -> None:
        """A report of another shape, or one that its exit code contradicts, is no answer."""
        with pytest.raises(MalformedContentError):
            read_report(self.ADAPTER, report, code=code)

    def test_no_report_is_refused(self) -> None:
        """Without a report there is no answer, whatever the exit code says."""
        with pytest.raises(MalformedContentError):
            self.ADAPTER.read(Outcome(exit_code=0), FOLDER)


class TestClamav:
    """ClamAV's lines."""

    @pytest.mark.parametrize("name", ["clamscan", "clamdscan"])
    def test_findings(self, name: str) -> None:
        """An infected file is a critical finding with the signature's name."""
        answer = read(ADAPTERS[name], "/models/bert/a.pkl: Acme.Test-1 FOUND\n", code=1)
        (finding,) = answer.findings
        assert (finding.rule, finding.path) == ("signature", "a.pkl")
        assert finding.message == "ClamAV knows it as Acme.Test-1"

    def test_a_limit_is_a_complaint(self) -> None:
        """A file that is too large for it was not examined; that is neither clean nor a virus."""
        text = "/models/bert/a.pkl: Heuristics.Limits.Exceeded.MaxFileSize FOUND\n"
        answer = read(ADAPTERS["clamscan"], text, code=1)
        assert answer.findings == ()
        assert [c.path for c in answer.complaints] == ["a.pkl"]

    def test_errors_are_complaints(self) -> None:
        """A file that it could not open is told."""
        text = "/models/bert/a.pkl: Access denied. ERROR\nCan't get file status ERROR\n"
        answer = read(ADAPTERS["clamscan"], text)
        assert [(c.path, c.reason) for c in answer.complaints] == [
            ("a.pkl", "Access denied."),
            (".", "Can't get file status"),
        ]

    def test_findings_without_a_line(self) -> None:
        """The exit code for findings is believed even where no line could be read."""
        (finding,) = read(ADAPTERS["clamscan"], "", code=1).findings
        assert finding.path == "."

    def test_failures_are_refused(self) -> None:
        """Its exit code 2 says that it failed."""
        with pytest.raises(MalformedContentError):
            read(ADAPTERS["clamscan"], "", code=2)


def sarif(*results: object, **run: object) -> dict[str, object]:
    """Return a log with one run."""
    return {"version": "2.1.0", "runs": [{"results": list(results), **run}]}


def result(**changes: object) -> dict[str, object]:
    """Return a result about a.pkl."""
    place = {
        "artifactLocation": {"uri": "file:///models/bert/a.pkl"},
        "region": {"byteOffset": 7},
    }
    return {
        "ruleId": "X1",
        "level": "error",
        "message": {"text": "bad"},
        "locations": [{"physicalLocation": place}],
    } | changes


class TestSarif:
    """Any scanner's SARIF."""

    def test_findings(self) -> None:
        """A result is a finding with its rule, level, place and offset."""
        driver = {"name": "acme", "semanticVersion": "3.1"}
        answer = read_report(SARIF, sarif(result(), tool={"driver": driver}), code=2)
        (finding,) = answer.findings
        assert (finding.rule, finding.severity) == ("X1", Severity.HIGH)
        assert (finding.path, finding.offset, finding.message) == ("a.pkl", 7, "bad")
        assert answer.version == "3.1"

    @pytest.mark.parametrize(
        ("changes", "severity"),
        [
            ({"level": "none"}, Severity.LOW),
            ({"level": "note"}, Severity.LOW),
            ({"level": "warning"}, Severity.MEDIUM),
            ({"level": "odd"}, Severity.MEDIUM),
            ({"level": None}, Severity.MEDIUM),
            ({"ruleId": "S95"}, Severity.CRITICAL),
            ({"ruleId": "S70"}, Severity.HIGH),
            ({"ruleId": "S40"}, Severity.MEDIUM),
            ({"ruleId": "S01"}, Severity.LOW),
            ({"ruleId": "Sxx"}, Severity.HIGH),
            ({"ruleId": "Snan"}, Severity.HIGH),
            ({"ruleId": None, "rule": {"id": "S95"}}, Severity.CRITICAL),
        ],
    )
    def test_severities(self, changes: dict[str, object], severity: Severity) -> None:
        """The rule's number decides where it has one, else the level of the result."""
        scores = {"S95": "9.5", "S70": "7.0", "S40": "4.0", "S01": "0.1", "Sxx": "?", "Snan": "nan"}
        rules = [{"id": i, "properties": {"security-severity": s}} for i, s in scores.items()]
        log = sarif(result(**changes), tool={"driver": {"rules": rules}})
        (finding,) = read_report(SARIF, log).findings
        assert finding.severity is severity

    @pytest.mark.parametrize("kind", ["pass", "notApplicable", "informational"])
    def test_what_is_no_failure_is_left_out(self, kind: str) -> None:
        """A result that says that all is well is no finding."""
        assert read_report(SARIF, sarif(result(kind=kind))) == Answer()

    @pytest.mark.parametrize("kind", ["open", "review"])
    def test_open_questions_are_complaints(self, kind: str) -> None:
        """A result that leaves a question open is a gap."""
        answer = read_report(SARIF, sarif(result(kind=kind)))
        assert answer.findings == ()
        assert [c.path for c in answer.complaints] == ["a.pkl"]

    def test_failed_invocations_are_complaints(self) -> None:
        """A run that says that it did not succeed is a gap, with what it says about it."""
        notes = [{"message": {"text": "disk full"}}]
        invocations = [
            {"executionSuccessful": True},
            {"executionSuccessful": False, "toolExecutionNotifications": notes},
            {},
        ]
        answer = read_report(SARIF, sarif(invocations=invocations))
        assert [c.reason for c in answer.complaints] == [
            "disk full",
            "it says that it did not succeed",
        ]

    @pytest.mark.parametrize(
        "changes",
        [
            {"locations": []},
            {"locations": None},
            {"locations": [{}]},
            {"locations": [{"physicalLocation": {"artifactLocation": {"uri": "http://x/"}}}]},
            {"message": None, "ruleId": None, "level": 3},
        ],
    )
    def test_odd_results_stay_findings(self, changes: dict[str, object]) -> None:
        """A result of which little is understood is a finding all the same."""
        (finding,) = read_report(SARIF, sarif(result(**changes))).findings
        assert finding.path in {".", "a.pkl"}

    def test_escaped_addresses(self) -> None:
        """A relative, percent-encoded address leads to the file."""
        place = {"artifactLocation": {"uri": "x%3A%20y.pkl"}, "region": {"byteOffset": True}}
        (finding,) = read_report(
            SARIF, sarif(result(locations=[{"physicalLocation": place}]))
        ).findings
        assert (finding.path, finding.offset) == ("x: y.pkl", None)

    @pytest.mark.parametrize(
        ("report", "code"),
        [
            ([], 0),
            ({}, 0),
            ({"runs": []}, 0),
            ({"runs": [1]}, 0),
            ({"runs": [{}]}, 0),
            ({"runs": [{"results": None}]}, 0),
            ({"runs": [{"results": []}]}, 1),
        ],
    )
    def test_refused(self, report: object, code: int) -> None:
        """What is no SARIF, a run without results, and another exit code are no answer."""
        with pytest.raises(MalformedContentError):
            read_report(SARIF, report, code=code)

    def test_report_in_a_file(self) -> None:
        """A command with a place for a report is read from there and nowhere else."""
        adapter = Sarif(command=("-o", "{report}", "{path}"), exit_codes=frozenset({0}))
        data = json.dumps(sarif(result())).encode()
        assert adapter.read(Outcome(exit_code=0, report=data), FOLDER).findings
        with pytest.raises(MalformedContentError):
            adapter.read(Outcome(exit_code=0, output=data), FOLDER)
        assert adapter.program is None
