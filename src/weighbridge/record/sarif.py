"""
SARIF 2.1.0 (OASIS standard, errata 01), for code-scanning services and editors.

A finding or a blocking reason is a result; whatever could not be examined is a notification of
the invocation, which then did not succeed: an empty list of results is no clean bill.
"""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from weighbridge.core.errors import one_line
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.core.verdict import Decision, Reason, Verdict
from weighbridge.record.json_v1 import Document, JsonValue
from weighbridge.scan.report import ScanReport

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_BASE: Final = "ARTIFACT"
_NO_HELP: Final[Mapping[str, str]] = MappingProxyType({})
_LEVELS: Final = MappingProxyType(
    {
        Severity.LOW: "note",
        Severity.MEDIUM: "warning",
        Severity.HIGH: "error",
        Severity.CRITICAL: "error",
    }
)


def scan_log(
    reports: Iterable[ScanReport],
    *,
    version: str | None = None,
    helps: Mapping[str, str] = _NO_HELP,
) -> Document:
    """
    Return the log of scans, one run for each artifact.

    Args:
        reports: The scans.
        version: This tool's version; the installed one by default.
        helps: Explanations by rule id; the others refer to `weighbridge explain`.
    """
    runs: list[JsonValue] = []
    runs.extend(_scan_run(report, version=version, helps=helps) for report in reports)
    return _log(runs)


def verdict_log(
    verdict: Verdict, *, version: str | None = None, helps: Mapping[str, str] = _NO_HELP
) -> Document:
    """
    Return the log of a check.

    Reasons to deny are errors, what nobody can tell are warnings and notifications as well,
    and everything else is a note.
    """
    results: list[JsonValue] = []
    results.extend(_reason_result(reason) for reason in verdict.reasons)
    notifications: list[JsonValue] = []
    notifications.extend(
        _notification(reason.code, reason.message, path=reason.path)
        for reason in verdict.reasons
        if reason.decision is Decision.INDETERMINATE
    )
    run = _run(
        results,
        rules=[reason.code for reason in verdict.reasons],
        notifications=notifications,
        version=version,
        helps=helps,
    )
    run["properties"] = {
        "decision": str(verdict.decision),
        "boundary": verdict.boundary,
        "artifact": None if verdict.artifact is None else verdict.artifact.name,
        "policySha256": verdict.policy.sha256,
        "rule": verdict.policy.rule,
    }
    return _log([run])


def installed_version() -> str:
    """Return the version of the installed package; `unknown` in a tree that is not installed."""
    try:
        return importlib.metadata.version("weighbridge")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _log(runs: list[JsonValue]) -> Document:
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}


def _scan_run(report: ScanReport, *, version: str | None, helps: Mapping[str, str]) -> Document:
    results: list[JsonValue] = []
    results.extend(_finding_result(finding) for finding in report.findings)
    notifications: list[JsonValue] = []
    notifications.extend(_gap_notification(gap) for gap in report.gaps)
    run = _run(
        results,
        rules=[finding.rule for finding in report.findings],
        notifications=notifications,
        version=version,
        helps=helps,
    )
    run["properties"] = {"artifact": report.inventory.name, "verdict": str(report.verdict)}
    return run


def _run(
    results: list[JsonValue],
    *,
    rules: Iterable[str],
    notifications: list[JsonValue],
    version: str | None,
    helps: Mapping[str, str],
) -> Document:
    return {
        "tool": {
            "driver": {
                "name": "weighbridge",
                "version": version or installed_version(),
                "rules": [_rule(identifier, helps) for identifier in sorted(set(rules))],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not notifications,
                "toolExecutionNotifications": notifications,
            }
        ],
        "originalUriBaseIds": {
            _BASE: {"description": {"text": "The artifact's directory, or its file's."}}
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    }


def _rule(identifier: str, helps: Mapping[str, str]) -> Document:
    text = helps.get(identifier) or f"Run: weighbridge explain {identifier}"
    return {
        "id": identifier,
        "shortDescription": {"text": _message(text.split("\n", 1)[0])},
        "help": {"text": _literal(text)},
    }


def _finding_result(finding: Finding) -> Document:
    evidence: list[JsonValue] = [one_line(line) for line in finding.evidence]
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding.message)},
        "locations": [_location(finding.path, member=finding.member, offset=finding.offset)],
        "partialFingerprints": _fingerprint(
            finding.rule, finding.path, finding.member, finding.message
        ),
        "properties": {
            "severity": str(finding.severity),
            "confidence": str(finding.confidence),
            "offset": finding.offset,
            "evidence": evidence,
        },
    }


def _reason_result(reason: Reason) -> Document:
    level = {
        Decision.DENY: "error",
        Decision.INDETERMINATE: "warning",
        Decision.ALLOW: "note",
    }[reason.decision]
    return {
        "ruleId": reason.code,
        "level": level,
        "message": {"text": _message(reason.message)},
        "locations": [] if reason.path is None else [_location(reason.path)],
        "partialFingerprints": _fingerprint(reason.code, reason.path, None, reason.message),
        "properties": {
            "severity": None if reason.severity is None else str(reason.severity),
            "decision": str(reason.decision),
        },
    }


def _gap_notification(gap: Gap) -> Document:
    return _notification(gap.code, gap.reason, path=gap.path, member=gap.member)


def _notification(
    code: str, message: str, *, path: str | None, member: str | None = None
) -> Document:
    return {
        "descriptor": {"id": code},
        "level": "error",
        "message": {"text": _message(message)},
        "locations": [] if path is None else [_location(path, member=member)],
    }


def _location(path: str, *, member: str | None = None, offset: int | None = None) -> Document:
    physical: Document = {"artifactLocation": {"uri": _uri(path), "uriBaseId": _BASE}}
    if member is None and offset is not None:
        # An offset within a member is not one within the file.
        physical["region"] = {"byteOffset": offset, "byteLength": 0}
    location: Document = {"physicalLocation": physical}
    if member is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": one_line(member), "kind": "member"}]
    return location


def _uri(path: str) -> str:
    """Return *path* as a relative URI (RFC 3986): UTF-8, percent-encoded, `/` kept."""
    return quote(path, safe="/", errors="surrogatepass")


def _message(text: str) -> str:
    """Return untrusted *text* on one line, without embedded links (3.11.6)."""
    return _literal(one_line(text).replace("](", "\\]("))


def _literal(text: str) -> str:
    """Return *text* without placeholders (3.11.5)."""
    return text.replace("{", "{{").replace("}", "}}")


def _fingerprint(rule: str, path: str | None, member: str | None, message: str) -> Document:
    """Return what makes two runs' results the same: not the offset, which edits move."""
    identity = json.dumps([rule, path, member, message]).encode()
    return {"weighbridge/v1": hashlib.sha256(identity).hexdigest()}
