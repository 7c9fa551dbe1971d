"""A scan report for people."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import one_line
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.record.style import PLAIN, Style, counted, shown
from weighbridge.scan.report import FileStatus, ScanReport, ScanVerdict

_EVIDENCE_LINES: Final = 3


def scan_text(report: ScanReport, *, bar: Severity, style: Style = PLAIN) -> str:
    """Return *report* for people; findings below *bar* are shown and do not count."""
    return "\n".join(_lines(report, bar, style)) + "\n"


def _lines(report: ScanReport, bar: Severity, style: Style) -> Iterator[str]:
    verdict = report.verdict_at(bar)
    colour = {
        ScanVerdict.CLEAN: style.good,
        ScanVerdict.FINDINGS: style.bad,
        ScanVerdict.INDETERMINATE: style.unclear,
    }[verdict]
    statuses = list(report.statuses.values())
    yield f"{style.paint(verdict.upper(), colour)}  {one_line(report.inventory.name)}"
    counts = ", ".join(
        f"{statuses.count(status)} {word}"
        for status, word in (
            (FileStatus.CLEAN, "clean"),
            (FileStatus.FINDINGS, "with findings"),
            (FileStatus.GAP, "not wholly examined"),
            (FileStatus.NOT_SCANNED, "signature or claims"),
        )
        if statuses.count(status)
    )
    yield f"  {counted(len(statuses), 'file')}: {counts or 'nothing to scan'}"
    findings = sorted(report.findings, key=lambda f: (-f.severity.rank, f.path, f.rule))
    for heading, group in (
        ("Findings", [f for f in findings if f.severity.at_least(bar)]),
        (f"Below {bar}", [f for f in findings if not f.severity.at_least(bar)]),
    ):
        if group:
            yield ""
            yield style.paint(heading, style.strong)
            yield from shown((_finding_lines(f, style) for f in group), noun="findings")
    if report.gaps:
        yield ""
        yield style.paint("Not wholly examined", style.strong)
        yield from shown((_gap_line(g, style) for g in report.gaps), noun="gaps")
    if verdict is ScanVerdict.FINDINGS:
        yield ""
        yield f"Next: weighbridge explain {one_line(findings[0].rule)}"


def _finding_lines(finding: Finding, style: Style) -> str:
    rule = style.paint(f"[{one_line(finding.rule)}]", style.faint)
    place = _place(finding.path, finding.member)
    offset = "" if finding.offset is None else f" at byte {finding.offset}"
    lines = [f"  {finding.severity:<9}{place}{offset}: {one_line(finding.message)} {rule}"]
    lines += [f"             {one_line(text)}" for text in finding.evidence[:_EVIDENCE_LINES]]
    more = len(finding.evidence) - _EVIDENCE_LINES
    if more > 0:
        lines.append(f"             ... and {counted(more, 'line')} more")
    return "\n".join(lines)


def _gap_line(gap: Gap, style: Style) -> str:
    place = _place(gap.path or "the artifact", gap.member)
    return f"  {place}: {one_line(gap.reason)} {style.paint(f'[{gap.code}]', style.faint)}"


def _place(path: str, member: str | None) -> str:
    return one_line(path) if member is None else f"{one_line(path)} ({one_line(member)})"
