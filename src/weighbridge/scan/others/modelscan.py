"""ModelScan 0.8: writes a report in JSON to a file."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.evidence import Finding, Severity
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.scan.interface import shorten
from weighbridge.scan.others.interface import (
    PATH_PLACE,
    REPORT_PLACE,
    WHOLE,
    Answer,
    Complaint,
    Outcome,
    Target,
    finding_of,
    unexpected_exit,
)

_CLEAN, _FOUND, _ERRORS, _NOTHING_SUPPORTED = 0, 1, 2, 3
_SEVERITIES: Final[Mapping[str, Severity]] = MappingProxyType(
    {severity.value.upper(): severity for severity in Severity}
)


class Modelscan:
    """
    Runs `modelscan scan --path PATH` with a report in JSON.

    Its exit code is 1 for findings, 2 when some file could not be read (findings or not), and 3
    when there is no file that it supports, which is no failure.
    """

    program = "modelscan"
    asks_a_service = False

    def arguments(self) -> tuple[str, ...]:
        """Return what follows the program."""
        report = ("--reporting-format", "json", "--output-file", REPORT_PLACE)
        return ("scan", *report, "--path", PATH_PLACE)

    def read(self, outcome: Outcome, target: Target) -> Answer:
        """Read the report."""
        if outcome.exit_code not in {_CLEAN, _FOUND, _ERRORS, _NOTHING_SUPPORTED}:
            raise unexpected_exit(outcome.exit_code, expected="0 to 3")
        if outcome.report is None:
            raise MalformedContentError("it wrote no report")
        report = parse_json(outcome.report, what="the report")
        if not isinstance(report, dict):
            raise MalformedContentError("the report is not an object")
        findings = tuple(_finding(issue, target) for issue in _objects(report, "issues"))
        if outcome.exit_code == _FOUND and not findings:
            raise MalformedContentError("the exit code says findings, and the report has none")
        complaints = tuple(_complaint(error, target) for error in _objects(report, "errors"))
        if outcome.exit_code == _ERRORS and not complaints:
            raise MalformedContentError("the exit code says errors, and the report has none")
        summary = report.get("summary")
        version = summary.get("modelscan_version") if isinstance(summary, dict) else None
        return Answer(
            findings=findings,
            complaints=complaints,
            version=shorten(version) if isinstance(version, str) else None,
        )


def _objects(report: dict[str, JsonValue], key: str) -> Iterator[dict[str, JsonValue]]:
    """Yield the objects of the list *key*, which has to be there."""
    items = report.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise MalformedContentError(f"the report has no list of objects '{key}'")
    for item in items:
        if isinstance(item, dict):
            yield item


def _text(item: dict[str, JsonValue], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _finding(issue: dict[str, JsonValue], target: Target) -> Finding:
    names = [name for name in (_text(issue, "module"), _text(issue, "operator")) if name]
    return finding_of(
        _text(issue, "scanner").rpartition(".")[2] or "issue",
        _text(issue, "description") or "an issue without a description",
        # What it does not grade is taken for the worst.
        severity=_SEVERITIES.get(_text(issue, "severity"), Severity.CRITICAL),
        place=target.place(_text(issue, "source")),
        evidence=(".".join(names),) if names else (),
    )


def _complaint(error: dict[str, JsonValue], target: Target) -> Complaint:
    source = _text(error, "source")
    path, member = target.place(source) if source else (WHOLE, None)
    return Complaint(
        path=path, member=member, reason=shorten(_text(error, "description") or "an error")
    )
