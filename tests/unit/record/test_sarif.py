"""SARIF output follows the OASIS schema and says what could not be examined."""

import importlib.metadata
import json
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from support.policies import clean, finding_of, inventory_of, judge, policy_of, sha256
from support.records import (
    HOSTILE,
    VECTORS,
    allowed_verdict,
    clean_report,
    consulted_report,
    denied_verdict,
    empty_report,
    empty_verdict,
    folders_report,
    many_reasons_verdict,
    scan_report,
    unclear_verdict,
)
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Confidence, Finding, Severity
from weighbridge.core.limits.records import MAX_REPORT_ITEMS
from weighbridge.core.verdict import Verdict
from weighbridge.record.json_v1 import Document
from weighbridge.record.rule_texts import rule_texts
from weighbridge.record.sarif import RuleText, Scanned, scan_log, verdict_log
from weighbridge.scan.report import ScanReport

SCHEMA = json.loads((VECTORS / "sarif" / "sarif-schema-2.1.0.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA)


def run_of(log: Document, *, number: int = 0) -> dict[str, Any]:
    """Return one run of *log*, as a reader of its JSON sees it."""
    run: dict[str, Any] = json.loads(json.dumps(log))["runs"][number]
    return run


@pytest.mark.parametrize(
    "verdict",
    [
        allowed_verdict(),
        denied_verdict(),
        unclear_verdict(),
        empty_verdict(),
        many_reasons_verdict(),
    ],
)
def test_verdicts_follow_the_schema(verdict: Verdict) -> None:
    """The log of a verdict is valid SARIF 2.1.0, and without its version it is not."""
    log = verdict_log(verdict, version="1.2.3")
    VALIDATOR.validate(log)
    del log["version"]
    assert not VALIDATOR.is_valid(log)


@pytest.mark.parametrize(
    "report", [scan_report(), clean_report(), empty_report(), consulted_report()]
)
def test_scans_follow_the_schema(report: ScanReport) -> None:
    """The log of a scan is valid SARIF 2.1.0."""
    VALIDATOR.validate(scan_log([report, report], version="1.2.3"))


def test_findings() -> None:
    """A finding has its level, its place as a relative URI, and a fingerprint."""
    run = run_of(scan_log([scan_report()], version="1.2.3"))
    assert run["tool"]["driver"]["version"] == "1.2.3"
    grave, low = run["results"][:2]
    assert (grave["ruleId"], grave["level"]) == ("pickle-dangerous-global", "error")
    (place,) = grave["locations"]
    uri = place["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "dir/%C3%A9%5B1%5D.bin"
    assert unquote(uri) == "dir/é[1].bin"
    assert place["physicalLocation"]["region"] == {"byteOffset": 0, "byteLength": 16}
    assert place["logicalLocations"] == [
        {"name": "data.pkl", "fullyQualifiedName": "archive/data.pkl", "kind": "member"}
    ]
    assert grave["message"]["text"] == ("calls [os.system\\](http://x) {{0}} (os.system('echo 0'))")
    assert low["level"] == "note"
    assert low["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert "logicalLocations" not in low["locations"][0]
    assert low["message"]["text"] == "a template\\nthat spans lines ({{{{ a }}}})"
    fingerprints = {r["partialFingerprints"]["weighbridge/v1"] for r in run["results"]}
    assert len(fingerprints) == len(run["results"]) == 5


def test_offsets_are_of_files_without_lines() -> None:
    """A binary file has the byte of the finding, a text file a line for viewers to go to."""
    run = run_of(scan_log([folders_report()], version="1"))
    regions = [r["locations"][0]["physicalLocation"].get("region") for r in run["results"]]
    assert regions[:3] == [{"byteOffset": n, "byteLength": 0} for n in range(3)]
    assert regions[-1] == {"byteOffset": 0, "byteLength": 16}


def test_the_line_of_a_text_is_where_viewers_go() -> None:
    """A finding in a text file is at its line where that is known, one in a member of it is not."""
    report = scan_report()
    (low,) = (f for f in report.findings if f.severity is Severity.LOW)
    for line, member, expected in ((7, None, 7), (None, None, 1), (7, "m", 1)):
        placed = replace(low, line=line, member=member)
        evidence = tuple(placed if each is low else each for each in report.evidence)
        run = run_of(scan_log([replace(report, evidence=evidence)], version="1"))
        regions = [
            result["locations"][0]["physicalLocation"]["region"]
            for result in run["results"]
            if result["ruleId"] == low.rule
        ]
        assert regions == [{"startLine": expected}]


def test_equal_results_are_told_apart() -> None:
    """Findings that differ in their offset only have fingerprints of their own, stable by order."""
    first = run_of(scan_log([folders_report()], version="1"))["results"]
    again = run_of(scan_log([folders_report()], version="1"))["results"]
    prints = [r["partialFingerprints"]["weighbridge/v1"] for r in first]
    assert len(set(prints)) == len(prints)
    assert prints == [r["partialFingerprints"]["weighbridge/v1"] for r in again]


@pytest.mark.parametrize(
    ("folder", "uri", "base"),
    [
        (None, "a.json", "ARTIFACT"),
        ("", "a.json", "%SRCROOT%"),
        ("models/é/", "models/%C3%A9/a.json", "%SRCROOT%"),
    ],
)
def test_places_are_relative_to_the_repository(folder: str | None, uri: str, base: str) -> None:
    """Files of an artifact within the repository are named from there, as viewers expect."""
    log = scan_log([Scanned(report=clean_report(), folder=folder)], version="1")
    VALIDATOR.validate(log)
    run = run_of(log)
    (artifact,) = run["artifacts"]
    assert artifact["location"] == {"uri": uri, "uriBaseId": base}
    assert artifact["hashes"]["sha-256"] == sha256(1).hex
    assert list(run["originalUriBaseIds"]) == [base]


def test_gaps_are_results_too() -> None:
    """What was not examined is shown by viewers that show results only."""
    run = run_of(scan_log([scan_report()], version="1"))
    gaps = [result for result in run["results"] if result["level"] == "warning"]
    assert [g["ruleId"] for g in gaps] == ["symlink-refused", "scan-unsupported", "scan-limit"]
    assert gaps[2]["locations"] == []
    assert gaps[1]["message"]["text"] == "Not wholly examined: it could not be examined"


def test_results_point_to_their_rules() -> None:
    """The index of each result leads to the rule of its id."""
    run = run_of(scan_log([consulted_report()], version="1"))
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_large_artifacts_are_not_listed() -> None:
    """The files without a result are left out where there are more than a report lists."""
    files = {f"{n}.json": FileFormat.JSON for n in range(MAX_REPORT_ITEMS + 1)}
    report = ScanReport(inventory=inventory_of(files=files), evidence=clean(*files))
    assert "artifacts" not in run_of(scan_log([report], version="1"))


def test_fingerprint_is_of_the_place_and_the_message() -> None:
    """Equal findings have equal fingerprints, and another path, rule or member changes them."""

    def print_of(finding: Finding) -> str:
        verdict = judge(policy_of("signature = { required = false }"), finding)
        result = run_of(verdict_log(verdict, version="1"))["results"][0]
        return str(result["partialFingerprints"]["weighbridge/v1"])

    others = [finding_of("b"), finding_of(rule="r"), finding_of(member="m")]
    assert print_of(finding_of()) == print_of(finding_of())
    assert len({print_of(finding) for finding in [finding_of(), *others]}) == 4


def test_rules_have_help() -> None:
    """Each rule that occurs is described once, by its given text or by where to find it."""
    text = RuleText(
        title="A template {it}.",
        body="A template\nof sorts.\n\nMore about {it}.",
        severity=Severity.HIGH,
        confidence=Confidence.LOW,
    )
    log = scan_log([scan_report()], version="1", texts={"chat-template": text})
    VALIDATOR.validate(log)
    first, second, *_ = run_of(log)["tool"]["driver"]["rules"]
    assert first == {
        "id": "chat-template",
        "name": "ChatTemplate",
        "shortDescription": {"text": "A template {{it}}."},
        "fullDescription": {"text": "A template of sorts."},
        "help": {
            "text": "A template\nof sorts.\n\nMore about {{it}}.",
            "markdown": "A template\nof sorts.\n\nMore about {it}.",
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["security", "machine-learning", "supply-chain"],
            "security-severity": "8.0",
            "precision": "low",
        },
    }
    assert second["id"] == "pickle-dangerous-global"
    assert second["help"]["text"] == "Run: weighbridge explain pickle-dangerous-global"
    assert "defaultConfiguration" not in second


def test_texts_come_from_the_catalogues() -> None:
    """Our own rules and codes are explained; what another scanner calls its rules is not."""
    texts = rule_texts({"pickle-dangerous-global", "scan-timeout", "acme:x", "acme"})
    assert sorted(texts) == ["pickle-dangerous-global", "scan-timeout"]
    rule = texts["pickle-dangerous-global"]
    assert rule.severity is Severity.CRITICAL
    assert rule.body.startswith("**What it means.**")
    assert rule.title.endswith(".")
    assert not rule.title.startswith("**")
    assert texts["scan-timeout"].severity is None


def test_gaps_are_notifications() -> None:
    """What was not examined makes the invocation unsuccessful and is named there."""
    (invocation,) = run_of(scan_log([scan_report()], version="1"))["invocations"]
    assert invocation["executionSuccessful"] is False
    notifications = invocation["toolExecutionNotifications"]
    codes = [n["descriptor"]["id"] for n in notifications]
    assert codes == ["symlink-refused", "scan-unsupported", "scan-limit"]
    assert notifications[1]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "inner"
    assert notifications[2]["locations"] == []
    (invocation,) = run_of(scan_log([clean_report()], version="1"))["invocations"]
    assert invocation == {"executionSuccessful": True, "toolExecutionNotifications": []}


def test_version_is_the_installed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is given, the version is the installed package's, or unknown without one."""

    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", lambda _: "9.9")
    assert run_of(scan_log([clean_report()]))["tool"]["driver"]["version"] == "9.9"
    monkeypatch.setattr(importlib.metadata, "version", absent)
    assert run_of(verdict_log(allowed_verdict()))["tool"]["driver"]["version"] == "unknown"


def test_one_run_for_each_artifact() -> None:
    """Several scans are several runs, each with its own verdict."""
    log = scan_log([scan_report(), clean_report()], version="1")
    assert run_of(log)["properties"]["verdict"] == "findings"
    assert run_of(log, number=1)["properties"]["verdict"] == "clean"


def test_verdict_levels() -> None:
    """Reasons to deny are errors, open questions warnings and notifications, others notes."""
    run = run_of(verdict_log(denied_verdict(), version="1"))
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels["pickle-dangerous-global"] == "error"
    assert levels["scan-timeout"] == "warning"
    assert run["properties"]["decision"] == "deny"
    (invocation,) = run["invocations"]
    assert [n["descriptor"]["id"] for n in invocation["toolExecutionNotifications"]] == [
        "scan-timeout"
    ]
    run = run_of(verdict_log(allowed_verdict(), version="1"))
    assert {result["level"] for result in run["results"]} == {"note"}
    assert run["invocations"][0]["executionSuccessful"] is True
    allowed = next(r for r in run["results"] if r["ruleId"] == "allowed")
    assert allowed["locations"] == []


def test_hostile_names() -> None:
    """A hostile path is percent-encoded, and hostile text stays on its line."""
    text = json.dumps(verdict_log(denied_verdict(), version="1"))
    assert "\\u001b" not in text
    assert "\\u202e" not in text
    uris = [
        place["physicalLocation"]["artifactLocation"]["uri"]
        for result in json.loads(text)["runs"][0]["results"]
        for place in result["locations"]
    ]
    assert HOSTILE in map(unquote, uris)
