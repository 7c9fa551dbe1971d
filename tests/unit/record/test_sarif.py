"""SARIF output follows the OASIS schema and says what could not be examined."""

import importlib.metadata
import json
from importlib.metadata import PackageNotFoundError
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from support.policies import finding_of, judge, policy_of
from support.records import (
    HOSTILE,
    VECTORS,
    allowed_verdict,
    clean_report,
    denied_verdict,
    empty_report,
    empty_verdict,
    many_reasons_verdict,
    scan_report,
    unclear_verdict,
)
from weighbridge.core.evidence import Finding
from weighbridge.core.verdict import Verdict
from weighbridge.record.json_v1 import Document
from weighbridge.record.sarif import scan_log, verdict_log
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


@pytest.mark.parametrize("report", [scan_report(), clean_report(), empty_report()])
def test_scans_follow_the_schema(report: ScanReport) -> None:
    """The log of a scan is valid SARIF 2.1.0."""
    VALIDATOR.validate(scan_log([report, report], version="1.2.3"))


def test_findings() -> None:
    """A finding has its level, its place as a relative URI, and a fingerprint."""
    run = run_of(scan_log([scan_report()], version="1.2.3"))
    assert run["tool"]["driver"]["version"] == "1.2.3"
    grave, low = run["results"]
    assert (grave["ruleId"], grave["level"]) == ("pickle-dangerous-global", "error")
    (place,) = grave["locations"]
    uri = place["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "dir/%C3%A9%5B1%5D.bin"
    assert unquote(uri) == "dir/é[1].bin"
    assert "region" not in place["physicalLocation"]
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "archive/data.pkl"
    assert grave["message"]["text"] == "calls [os.system\\](http://x) {{0}}"
    assert low["level"] == "note"
    assert low["locations"][0]["physicalLocation"]["region"]["byteOffset"] == 3
    assert "logicalLocations" not in low["locations"][0]
    assert low["message"]["text"] == "a template\\nthat spans lines"
    fingerprints = {r["partialFingerprints"]["weighbridge/v1"] for r in run["results"]}
    assert len(fingerprints) == 2


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
    """Each rule that occurs is described once, by its given help or by where to find it."""
    helps = {"chat-template": "A template.\nMore about {it}."}
    run = run_of(scan_log([scan_report()], version="1", helps=helps))
    first, second = run["tool"]["driver"]["rules"]
    assert first["id"] == "chat-template"
    assert first["shortDescription"]["text"] == "A template."
    assert first["help"]["text"] == "A template.\nMore about {{it}}."
    assert second["id"] == "pickle-dangerous-global"
    assert second["help"]["text"] == "Run: weighbridge explain pickle-dangerous-global"


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
