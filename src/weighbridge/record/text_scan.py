"""
A scan report for people.

The files first, each with its verdict; then what was found, file by file, with what it would do
and what to do about it; then what was not examined; at the end how much was looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Final, TypeVar

from weighbridge.core.errors import one_line
from weighbridge.core.evidence import Consulted, Finding, Gap, Severity
from weighbridge.core.limits.records import MAX_TEXT_ITEMS
from weighbridge.record.confinement import missing_confinement
from weighbridge.record.overview import (
    Row,
    Rows,
    finding_order,
    place_name,
    rows_of,
)
from weighbridge.record.style import PLAIN, Style, counted, readable_size, shown
from weighbridge.scan.need import Need, NeedStatus
from weighbridge.scan.report import FileStatus, ScanReport, ScanVerdict

_EVIDENCE_LINES: Final = 3
_PER_RULE: Final = 3
_RULES_PER_FILE: Final = 5
_NO_ADVICE: Final[Mapping[str, str]] = MappingProxyType({})
_INDENT: Final = " " * 12
_ALL: Final = "; --format json lists all"

T = TypeVar("T")


def scan_text(
    report: ScanReport,
    *,
    bar: Severity,
    style: Style = PLAIN,
    advice: Mapping[str, str] = _NO_ADVICE,
) -> str:
    """
    Return *report* for people; findings below *bar* are shown and do not count.

    Args:
        report: The scan.
        bar: The least severity that counts.
        style: Colours.
        advice: What to do, by rule id.
    """
    return "\n".join(_Text(report, bar, style, advice).lines()) + "\n"


def scans_text(
    reports: Sequence[ScanReport],
    *,
    bar: Severity,
    style: Style = PLAIN,
    advice: Mapping[str, str] = _NO_ADVICE,
) -> str:
    """Return several reports: those that are not clean whole, and how many there are of each."""
    verdicts = [report.verdict_at(bar) for report in reports]
    wanting = [
        r
        for r, v in zip(reports, verdicts, strict=True)
        if v is not ScanVerdict.CLEAN or r.needs is not None
    ]
    texts = [scan_text(r, bar=bar, style=style, advice=advice) for r in wanting[:MAX_TEXT_ITEMS]]
    texts += [f"{line}\n" for line in _more(wanting, MAX_TEXT_ITEMS, "model", "")]
    words = ", ".join(
        f"{verdicts.count(verdict)} {word}"
        for verdict, word in (
            (ScanVerdict.CLEAN, "clean"),
            (ScanVerdict.FINDINGS, "with findings"),
            (ScanVerdict.INDETERMINATE, "not wholly examined"),
        )
        if verdicts.count(verdict)
    )
    texts.append(f"{counted(len(reports), 'model')}: {words}\n")
    return "\n".join(texts)


class _Text:
    """One report being written."""

    def __init__(
        self, report: ScanReport, bar: Severity, style: Style, advice: Mapping[str, str]
    ) -> None:
        self._report = report
        self._bar = bar
        self._style = style
        self._advice = advice

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        verdict = self._report.verdict_at(self._bar)
        colour = {
            ScanVerdict.CLEAN: self._style.good,
            ScanVerdict.FINDINGS: self._style.bad,
            ScanVerdict.INDETERMINATE: self._style.unclear,
        }[verdict]
        name = one_line(self._report.inventory.name)
        yield f"{self._style.paint(verdict.upper(), colour)}  {name}"
        yield from self._tree(rows_of(self._report))
        yield from self._findings()
        if self._report.gaps:
            yield ""
            yield self._style.paint("Not wholly examined", self._style.strong)
            yield from shown(map(self._gap, self._report.gaps), noun="gaps")
        yield from self._scanners()
        yield from self._needs()
        yield ""
        yield self._coverage()
        yield from self._confinement()
        yield from self._next()

    def _next(self) -> Iterator[str]:
        """Yield what explains the worst that our own catalogues have something to say about."""
        ours = [f for f in self._report.findings if ":" not in f.rule]
        if ours:
            worst = max(ours, key=lambda f: f.severity.rank)
            yield f"Next: weighbridge explain {one_line(worst.rule)}"
        elif self._report.gaps:
            yield f"Next: weighbridge explain {self._report.gaps[0].code}"

    def _tree(self, rows: Rows) -> Iterator[str]:
        for row in rows.rows:
            yield f"  {self._status(row)}{'  ' * row.depth}{one_line(row.name)}{self._note(row)}"
        if rows.hidden:
            yield f"  ... and {counted(rows.hidden, 'more file')}{_ALL}"

    def _status(self, row: Row) -> str:
        style = self._style
        word, colour = {
            FileStatus.FINDINGS: (str(row.worst or ""), style.bad),
            FileStatus.GAP: ("gap", style.unclear),
            FileStatus.CLEAN: ("clean", style.good),
            FileStatus.NOT_SCANNED: ("-", style.faint),
        }[row.status]
        if row.worst is not None and not row.worst.at_least(self._bar):
            colour = style.unclear
        return style.paint(word, colour) + " " * (10 - len(word))

    def _note(self, row: Row) -> str:
        return f"  {self._style.paint(row.note, self._style.faint)}" if row.note else ""

    def _findings(self) -> Iterator[str]:
        """Yield the findings file by file, the gravest file first."""
        findings = sorted(self._report.findings, key=finding_order)
        files = [list(group) for _, group in groupby(findings, key=lambda f: f.path)]
        files.sort(key=lambda group: -group[0].severity.rank)
        for group in files[:MAX_TEXT_ITEMS]:
            yield ""
            yield self._style.paint(one_line(place_name(group[0].path)), self._style.strong)
            rules = [list(same) for _, same in groupby(group, key=lambda f: (f.severity, f.rule))]
            for same in rules[:_RULES_PER_FILE]:
                yield from self._rule(same)
            yield from _more(rules, _RULES_PER_FILE, "rule", "  ")
        yield from _more(files, MAX_TEXT_ITEMS, "file", "")

    def _rule(self, findings: list[Finding]) -> Iterator[str]:
        """Yield what one rule found in one file, and what to do."""
        first = findings[0]
        style = self._style
        bad = style.bad if first.severity.at_least(self._bar) else style.unclear
        below = "" if first.severity.at_least(self._bar) else f", below {self._bar}"
        severity = style.paint(f"{first.severity:<9}", bad)
        yield f"  {severity} {style.paint(f'[{one_line(first.rule)}]{below}', style.faint)}"
        for finding in findings[:_PER_RULE]:
            yield f"{_INDENT}{_place(finding)}{one_line(finding.message)}"
            for text in finding.evidence[:_EVIDENCE_LINES]:
                yield f"{_INDENT}  > {one_line(text)}"
            yield from _more(finding.evidence, _EVIDENCE_LINES, "line", f"{_INDENT}  ")
        yield from _more(findings, _PER_RULE, "finding", _INDENT)
        advice = self._advice.get(first.rule)
        if advice:
            yield f"{_INDENT}{style.paint('Do:', style.strong)} {one_line(advice)}"

    def _gap(self, gap: Gap) -> str:
        member = "" if gap.member is None else f" ({one_line(gap.member)})"
        code = self._style.paint(f"[{gap.code}]", self._style.faint)
        return f"  {one_line(place_name(gap.path))}{member}: {one_line(gap.reason)} {code}"

    def _scanners(self) -> Iterator[str]:
        if self._report.consulted:
            yield ""
            yield self._style.paint("Other scanners", self._style.strong)
            yield from map(_scanner_line, self._report.consulted)

    def _needs(self) -> Iterator[str]:
        """Yield the names that pickles refer to, where somebody asked for them."""
        if self._report.needs is None:
            return
        yield ""
        yield self._style.paint("Names", self._style.strong)
        if not self._report.needs:
            yield "  no pickle refers to any"
        order = sorted(self._report.needs, key=lambda n: (n.path, n.member or ""))
        for (path, member), needs in groupby(order, key=lambda n: (n.path, n.member)):
            within = "" if member is None else f" ({one_line(member)})"
            yield f"  {one_line(path)}{within}"
            yield from map(self._need, needs)

    def _need(self, need: Need) -> str:
        colour = {
            NeedStatus.LISTED: self._style.good,
            NeedStatus.UNKNOWN: self._style.unclear,
            NeedStatus.DANGEROUS: self._style.bad,
        }[need.status]
        pack = "" if need.pack is None else f"  {self._style.paint(need.pack, self._style.faint)}"
        status = self._style.paint(need.status, colour) + " " * (9 - len(need.status))
        return f"    {status} {need.count:>6}  {one_line(need.name)}{pack}"

    def _coverage(self) -> str:
        """Return how much was looked at."""
        statuses = list(self._report.statuses.values())
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
        size = readable_size(sum(entry.size for entry in self._report.inventory.entries))
        gaps = f"; {counted(len(self._report.gaps), 'gap')}" if self._report.gaps else ""
        members = self._report.members
        inside = f", {counted(members, 'member')} examined" if members else ""
        files = counted(len(statuses), "file")
        return f"{files}, {size}{inside}: {counts or 'nothing to scan'}{gaps}"

    def _confinement(self) -> Iterator[str]:
        """Yield what was missing of the confinement, if anything was."""
        missing = missing_confinement(self._report.confinement, what="Examined")
        if missing is not None:
            yield self._style.paint(missing, self._style.unclear)


def _place(finding: Finding) -> str:
    """Return where in the file, or nothing."""
    parts = []
    if finding.member is not None:
        parts.append(f"in {one_line(finding.member)}")
    if finding.offset is not None:
        parts.append(f"at byte {finding.offset}")
    return f"{' '.join(parts)}: " if parts else ""


def _scanner_line(answer: Consulted) -> str:
    name = one_line(f"{answer.scanner} {answer.version}" if answer.version else answer.scanner)
    if not answer.finished:
        return f"  {name}: no answer, see above"
    parts = [counted(answer.findings, "finding")]
    if answer.alone:
        parts.append(f"alone in {counted(len(answer.alone), 'file')}")
    if answer.silent:
        parts.append(f"silent about {counted(len(answer.silent), 'file')} with findings")
    if not answer.offline:
        parts.append("its network could not be cut off")
    return f"  {name}: {', '.join(parts)}"


def _more(items: Sequence[T], limit: int, noun: str, indent: str) -> Iterator[str]:
    """Yield a line that counts what lies beyond *limit*, if anything does."""
    if len(items) > limit:
        yield f"{indent}... and {counted(len(items) - limit, f'more {noun}')}{_ALL}"
