"""Any scanner that reports in SARIF 2.1.0, on standard output or to a file."""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.evidence import Finding, Severity
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.scan.interface import shorten
from weighbridge.scan.others.interface import (
    REPORT_PLACE,
    WHOLE,
    Answer,
    Complaint,
    Outcome,
    Target,
    finding_of,
    unexpected_exit,
)

_LEVELS: Final[Mapping[str, Severity]] = MappingProxyType(
    {
        "none": Severity.LOW,
        "note": Severity.LOW,
        "warning": Severity.MEDIUM,
        "error": Severity.HIGH,
    }
)
_SCORES: Final = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
_UNDECIDED: Final = frozenset({"open", "review"})
_NO_MATTER: Final = frozenset({"pass", "notApplicable", "informational"})

Object = dict[str, JsonValue]


@frozen
class Sarif:
    """
    A configured command whose report is SARIF.

    Attributes:
        command: What follows the program, with `{path}` and perhaps `{report}`.
        exit_codes: Those that say that the run came to its end, with findings or without.
    """

    command: tuple[str, ...]
    exit_codes: frozenset[int]

    @property
    def program(self) -> str | None:
        """Configured, never looked for."""
        return None

    @property
    def asks_a_service(self) -> bool:
        """A configured command works by itself."""
        return False

    def arguments(self) -> tuple[str, ...]:
        """Return what follows the program."""
        return self.command

    def read(self, outcome: Outcome, target: Target) -> Answer:
        """Read the log."""
        if outcome.exit_code not in self.exit_codes:
            listed = ", ".join(map(str, sorted(self.exit_codes)))
            raise unexpected_exit(outcome.exit_code, expected=f"one of {listed}")
        in_file = any(REPORT_PLACE in part for part in self.command)
        data = outcome.report if in_file else outcome.output
        if data is None:
            raise MalformedContentError("it wrote no report")
        log = parse_json(data, what="the report")
        runs = log.get("runs") if isinstance(log, dict) else None
        if not isinstance(runs, list) or not runs:
            raise MalformedContentError("the report has no runs, so it is not SARIF")
        findings: list[Finding] = []
        complaints: list[Complaint] = []
        for run in runs:
            if not isinstance(run, dict) or not isinstance(run.get("results"), list):
                # SARIF 3.14.23: without results the tool did not examine anything.
                raise MalformedContentError("a run of the report has no results")
            for item in _read_run(run, target):
                if isinstance(item, Finding):
                    findings.append(item)
                else:
                    complaints.append(item)
        return Answer(
            findings=tuple(findings), complaints=tuple(complaints), version=_version(runs)
        )


def _read_run(run: Object, target: Target) -> Iterator[Finding | Complaint]:
    scores = dict(_scores(run))
    for result in _objects(run.get("results")):
        kind = _text(result, "kind")
        if kind in _NO_MATTER:
            continue
        path, member, offset = _place(result, target)
        message = _text(_object(result, "message"), "text") or "a result without a message"
        rule = _text(result, "ruleId") or _text(_object(result, "rule"), "id") or "result"
        if kind in _UNDECIDED:
            yield Complaint(path=path, member=member, reason=shorten(message))
            continue
        severity = scores.get(rule) or _LEVELS.get(_text(result, "level"), Severity.MEDIUM)
        yield finding_of(rule, message, severity=severity, place=(path, member), offset=offset)
    for invocation in _objects(run.get("invocations")):
        if invocation.get("executionSuccessful") is not True:
            notes = [
                *_objects(invocation.get("toolExecutionNotifications")),
                *_objects(invocation.get("toolConfigurationNotifications")),
            ]
            texts = [_text(_object(note, "message"), "text") for note in notes]
            reason = "; ".join(text for text in texts if text) or "it says that it did not succeed"
            yield Complaint(path=WHOLE, reason=shorten(reason))


def _scores(run: Object) -> Iterator[tuple[str, Severity]]:
    """Yield the severity of each rule that has one as a number (`security-severity`)."""
    for rule in _objects(_object(_object(run, "tool"), "driver").get("rules")):
        text = _text(_object(rule, "properties"), "security-severity")
        try:
            score = float(text)
        except ValueError:
            continue
        if not math.isfinite(score):
            continue
        yield (
            _text(rule, "id"),
            next((severity for least, severity in _SCORES if score >= least), Severity.LOW),
        )


def _place(result: Object, target: Target) -> tuple[str, str | None, int | None]:
    """Return path, member and byte offset of the first location."""
    location = next(iter(_objects(result.get("locations"))), {})
    physical = _object(location, "physicalLocation")
    uri = _text(_object(physical, "artifactLocation"), "uri")
    path, member = target.place(unquote(uri.removeprefix("file://"))) if uri else (WHOLE, None)
    offset = _object(physical, "region").get("byteOffset")
    exact = isinstance(offset, int) and not isinstance(offset, bool) and offset >= 0
    return path, member, offset if exact and isinstance(offset, int) else None


def _version(runs: list[JsonValue]) -> str | None:
    first = runs[0] if isinstance(runs[0], dict) else {}
    driver = _object(_object(first, "tool"), "driver")
    version = _text(driver, "semanticVersion") or _text(driver, "version")
    return shorten(version) or None


def _objects(value: JsonValue) -> Iterator[Object]:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield item


def _object(parent: Object, key: str) -> Object:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(parent: Object, key: str) -> str:
    value = parent.get(key)
    return value if isinstance(value, str) else ""
