"""
SARIF 2.1.0 (OASIS standard, errata 01), for code-scanning services and editors.

A finding or a blocking reason is a result; whatever could not be examined is a notification of
the invocation, which then did not succeed: an empty list of results is no clean bill.
"""

import hashlib
import importlib.metadata
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from weighbridge.core.artifact import FileEntry, FileFormat
from weighbridge.core.errors import one_line
from weighbridge.core.evidence import Confidence, Finding, Gap, Severity
from weighbridge.core.limits.records import MAX_REPORT_ITEMS
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Decision, Reason, Verdict
from weighbridge.record.json_v1 import Document, JsonValue
from weighbridge.scan.report import ScanReport

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_BASE: Final = "ARTIFACT"
_ROOT: Final = "%SRCROOT%"
_FINGERPRINT: Final = "weighbridge/v1"
_EVIDENCE_IN_MESSAGE: Final = 1
_LEVELS: Final = MappingProxyType(
    {
        Severity.LOW: "note",
        Severity.MEDIUM: "warning",
        Severity.HIGH: "error",
        Severity.CRITICAL: "error",
    }
)


_NO_TEXTS: Final["Mapping[str, RuleText]"] = MappingProxyType({})


@frozen
class RuleText:
    """
    What a log says of a rule.

    Attributes:
        title: One sentence.
        body: The whole explanation, in Markdown.
        severity: What its findings usually have; None where that is unknown.
        confidence: What its findings usually have; None where that is unknown.
    """

    title: str
    body: str
    severity: Severity | None = None
    confidence: Confidence | None = None


@frozen
class Scanned:
    """
    A report with the place of its artifact.

    Attributes:
        report: The report.
        folder: Where the files' paths begin, relative to the repository and with a final `/`;
            empty for the repository itself, None for an artifact outside of it.
    """

    report: ScanReport
    folder: str | None = None


_SCORES: Final = MappingProxyType(
    {
        Severity.LOW: "2.0",
        Severity.MEDIUM: "5.5",
        Severity.HIGH: "8.0",
        Severity.CRITICAL: "9.5",
    }
)
"""Numbers within the ranges by which code-scanning services tell the same four words."""

_LINES: Final = frozenset(
    {
        FileFormat.JSON,
        FileFormat.PYTHON_SOURCE,
        FileFormat.SCRIPT,
        FileFormat.TEXT,
        FileFormat.YAML,
    }
)
"""Formats that have lines."""


def scan_log(
    reports: Iterable[ScanReport | Scanned],
    *,
    version: str | None = None,
    texts: Mapping[str, RuleText] = _NO_TEXTS,
) -> Document:
    """
    Return the log of scans, one run for each artifact.

    A gap is a result as well as a notification: viewers show results.

    Args:
        reports: The scans.
        version: This tool's version; the installed one by default.
        texts: Explanations by rule id or code; the others refer to `weighbridge explain`.
    """
    runs: list[JsonValue] = []
    for item in reports:
        scanned = item if isinstance(item, Scanned) else Scanned(report=item)
        runs.append(_scan_run(scanned, version=version, texts=texts))
    return _log(runs)


def verdict_log(
    verdict: Verdict, *, version: str | None = None, texts: Mapping[str, RuleText] = _NO_TEXTS
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
        _notification(reason.code, reason.message, _Places().of(reason.path))
        for reason in verdict.reasons
        if reason.decision is Decision.INDETERMINATE
    )
    run = _run(
        results,
        rules=[reason.code for reason in verdict.reasons],
        notifications=notifications,
        version=version,
        texts=texts,
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


def _scan_run(scanned: Scanned, *, version: str | None, texts: Mapping[str, RuleText]) -> Document:
    report = scanned.report
    entries = report.inventory.entries
    places = _Places(
        folder=scanned.folder,
        text_files=frozenset(entry.path for entry in entries if entry.format in _LINES),
        sizes={entry.path: entry.size for entry in entries},
    )
    results: list[JsonValue] = []
    results.extend(_finding_result(finding, places) for finding in report.findings)
    results.extend(_gap_result(gap, places) for gap in report.gaps)
    notifications: list[JsonValue] = []
    notifications.extend(
        _notification(gap.code, gap.reason, places.of(gap.path, member=gap.member))
        for gap in report.gaps
    )
    rules = [finding.rule for finding in report.findings] + [gap.code for gap in report.gaps]
    run = _run(results, rules=rules, notifications=notifications, version=version, texts=texts)
    if scanned.folder is not None:
        run["originalUriBaseIds"] = {
            _ROOT: {"description": {"text": "The repository, or where the scan was started."}}
        }
    if len(entries) <= MAX_REPORT_ITEMS:
        run["artifacts"] = [_artifact(entry, places) for entry in entries]
    run["properties"] = {
        "artifact": report.inventory.name,
        "verdict": str(report.verdict),
        "scanners": [answer.scanner for answer in report.consulted],
    }
    return run


def _artifact(entry: FileEntry, places: "_Places") -> Document:
    document: Document = {"location": places.location(entry.path), "length": entry.size}
    if entry.sha256 is not None:
        document["hashes"] = {"sha-256": entry.sha256.hex}
    if entry.format is not None:
        document["properties"] = {"format": str(entry.format)}
    return document


def _run(
    results: list[JsonValue],
    *,
    rules: Iterable[str],
    notifications: list[JsonValue],
    version: str | None,
    texts: Mapping[str, RuleText],
) -> Document:
    identifiers = sorted(set(rules))
    numbers = {identifier: number for number, identifier in enumerate(identifiers)}
    seen: Counter[str] = Counter()
    for result in results:
        if isinstance(result, dict):
            result["ruleIndex"] = numbers[str(result["ruleId"])]
            _tell_apart(result, seen)
    return {
        "tool": {
            "driver": {
                "name": "weighbridge",
                "version": version or installed_version(),
                "rules": [_rule(identifier, texts.get(identifier)) for identifier in identifiers],
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


def _rule(identifier: str, text: RuleText | None) -> Document:
    """Return a rule's metadata, with what code-scanning services read besides the standard's."""
    if text is None:
        text = RuleText(title=identifier, body=f"Run: weighbridge explain {identifier}")
    properties: Document = {"tags": ["security", "machine-learning", "supply-chain"]}
    rule: Document = {
        "id": identifier,
        "name": _pascal(identifier),
        "shortDescription": {"text": _message(text.title)},
        "fullDescription": {"text": _message(text.body.split("\n\n", 1)[0].replace("\n", " "))},
        "help": {"text": _literal(text.body), "markdown": text.body},
        "properties": properties,
    }
    if text.severity is not None:
        rule["defaultConfiguration"] = {"level": _LEVELS[text.severity]}
        properties["security-severity"] = _SCORES[text.severity]
    if text.confidence is not None:
        properties["precision"] = str(text.confidence)
    return rule


def _pascal(identifier: str) -> str:
    """Return *identifier* as a name of the kind that the standard recommends (3.49.7)."""
    parts = "".join(c if c.isalnum() else " " for c in identifier).split()
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _finding_result(finding: Finding, places: "_Places") -> Document:
    evidence: list[JsonValue] = [one_line(line) for line in finding.evidence]
    shown = [*finding.evidence[:_EVIDENCE_IN_MESSAGE]]
    message = finding.message if not shown else f"{finding.message} ({'; '.join(shown)})"
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(message)},
        "locations": [
            *places.of(
                finding.path, member=finding.member, offset=finding.offset, line=finding.line
            ),
        ],
        "partialFingerprints": _fingerprint(
            finding.rule, finding.path, finding.member, finding.message
        ),
        "properties": {
            "severity": str(finding.severity),
            "confidence": str(finding.confidence),
            "security-severity": _SCORES[finding.severity],
            "offset": finding.offset,
            "evidence": evidence,
        },
    }


def _gap_result(gap: Gap, places: "_Places") -> Document:
    return {
        "ruleId": gap.code,
        "level": "warning",
        "message": {"text": _message(f"Not wholly examined: {gap.reason}")},
        "locations": places.of(gap.path, member=gap.member),
        "partialFingerprints": _fingerprint(gap.code, gap.path, gap.member, gap.reason),
        "properties": {"severity": None, "stage": str(gap.stage)},
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
        "locations": _Places().of(reason.path),
        "partialFingerprints": _fingerprint(reason.code, reason.path, None, reason.message),
        "properties": {
            "severity": None if reason.severity is None else str(reason.severity),
            "decision": str(reason.decision),
        },
    }


def _notification(code: str, message: str, locations: list[JsonValue]) -> Document:
    return {
        "descriptor": {"id": code},
        "level": "error",
        "message": {"text": _message(message)},
        "locations": locations,
    }


@frozen
class _Places:
    """Says where things are, relative to the repository where the artifact lies within it."""

    folder: str | None = None
    text_files: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)

    def of(
        self,
        path: str | None,
        *,
        member: str | None = None,
        offset: int | None = None,
        line: int | None = None,
    ) -> list[JsonValue]:
        """Return the locations of a file, or of a member of one; none for the whole artifact."""
        if path is None:
            return []
        physical: Document = {"artifactLocation": self.location(path)}
        if path in self.text_files:
            # Viewers want a line; where it is not known, the first stands for the file.
            physical["region"] = {"startLine": line if line and member is None else 1}
        elif member is None and offset is not None:
            # An offset within a member is not one within the file.
            physical["region"] = {"byteOffset": offset, "byteLength": 0}
        elif path in self.sizes:
            physical["region"] = {"byteOffset": 0, "byteLength": self.sizes[path]}
        location: Document = {"physicalLocation": physical}
        if member is not None:
            name = one_line(member)
            location["logicalLocations"] = [
                {
                    "name": name.rpartition("/")[2] or name,
                    "fullyQualifiedName": name,
                    "kind": "member",
                }
            ]
        return [location]

    def location(self, path: str) -> Document:
        """Return where the file *path* is."""
        if self.folder is None:
            return {"uri": _uri(path), "uriBaseId": _BASE}
        return {"uri": _uri(self.folder + path), "uriBaseId": _ROOT}


def _tell_apart(result: Document, seen: Counter[str]) -> None:
    """Make the fingerprints of equal results differ by their order, so that none hides another."""
    fingerprints = result["partialFingerprints"]
    if isinstance(fingerprints, dict):
        identity = str(fingerprints[_FINGERPRINT])
        if seen[identity]:
            again = hashlib.sha256(f"{identity}:{seen[identity]}".encode())
            fingerprints[_FINGERPRINT] = again.hexdigest()
        seen[identity] += 1


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
    return {_FINGERPRINT: hashlib.sha256(identity).hexdigest()}
