"""
A scan as one HTML file that needs nothing else: no script, no font, no picture, no network.

Every text that came from a model or from another scanner goes through `_text`, which escapes
control characters, line breaks and HTML. The page forbids itself to load or run anything
(Content Security Policy), should that ever not suffice.
"""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Final

from weighbridge.core.errors import one_line
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.core.limits.records import MAX_REPORT_ITEMS
from weighbridge.record.confinement import missing_confinement
from weighbridge.record.overview import (
    Row,
    finding_order,
    place_name,
    rows_of,
)
from weighbridge.record.style import counted, readable_size
from weighbridge.scan.report import FileStatus, ScanReport

_NO_ADVICE: Final[Mapping[str, str]] = MappingProxyType({})
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --good: #1a7f37; --bad: #cf222e;
  --unclear: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --good: #3fb950; --bad: #ff7b72; --unclear: #d29922; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
h1, h2, h3, td, li, pre { overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
table { border-collapse: collapse; }
td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0;
  border-bottom: 1px solid var(--line); }
td:first-child { min-width: 6rem; } td.number { text-align: right; white-space: nowrap; }
.mark { display: inline-block; min-width: 5.5rem; font-weight: 600; }
.clean { color: var(--good); } .critical, .high, .findings { color: var(--bad); }
.medium, .low, .gap, .indeterminate { color: var(--unclear); } .quiet { opacity: .7; }
article { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .8rem;
  margin: .5rem 0; }
article p { margin: .3rem 0; }
pre, code { font: 13px/1.4 ui-monospace, monospace; }
pre { background: var(--soft); padding: .4rem .6rem; margin: .3rem 0; white-space: pre-wrap; }
footer { margin-top: 3rem; }
@media print { article { break-inside: avoid; } }
"""


def scans_html(
    reports: Sequence[ScanReport],
    *,
    bar: Severity,
    version: str,
    advice: Mapping[str, str] = _NO_ADVICE,
) -> str:
    """
    Return the page.

    Args:
        reports: The scans, in order.
        bar: The least severity that counts.
        version: This tool's version.
        advice: What to do, by rule id.
    """
    names = ", ".join(report.inventory.name for report in reports[:3])
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>Scan of {_text(names)}</title>",
        f"<style>{_STYLE}</style></head><body>",
    ]
    for report in reports[:MAX_REPORT_ITEMS]:
        parts += _report(report, bar, advice)
    parts += _more(len(reports), "model")
    parts.append(
        f'<footer class="quiet">weighbridge {_text(version)}; findings below {bar} do not count. '
        "A clean scan says that nothing was found that executes, not that a model is good."
        "</footer></body></html>"
    )
    return "\n".join(parts) + "\n"


def _report(report: ScanReport, bar: Severity, advice: Mapping[str, str]) -> Iterator[str]:
    verdict = report.verdict_at(bar)
    yield "<main>"
    yield (
        f'<h1><span class="{verdict}">{verdict.upper()}</span> {_text(report.inventory.name)}</h1>'
    )
    yield f"<p>{_coverage(report)}</p>"
    missing = missing_confinement(report.confinement, what="Examined")
    if missing is not None:
        yield f'<p class="gap">{_text(missing)}</p>'
    yield "<h2>Files</h2><table>"
    rows = rows_of(report, limit=MAX_REPORT_ITEMS)
    yield from map(_row, rows.rows)
    yield "</table>"
    if rows.hidden:
        yield f'<p class="quiet">and {counted(rows.hidden, "more file")}</p>'
    yield from _findings(report.findings, bar, advice)
    if report.gaps:
        yield "<h2>Not wholly examined</h2><table>"
        yield "<tr><th>where</th><th>why</th><th>code</th></tr>"
        yield from map(_gap, report.gaps[:MAX_REPORT_ITEMS])
        yield "</table>"
        yield from _more(len(report.gaps), "gap")
    yield from _scanners(report)
    yield "</main>"


def _coverage(report: ScanReport) -> str:
    statuses = list(report.statuses.values())
    size = readable_size(sum(entry.size for entry in report.inventory.entries))
    parts = [
        f"{counted(len(statuses), 'file')}, {size}",
        f"{counted(report.members, 'member')} examined",
        f"{statuses.count(FileStatus.CLEAN)} clean",
        f"{statuses.count(FileStatus.FINDINGS)} with findings",
        f"{statuses.count(FileStatus.GAP)} not wholly examined",
        f"{statuses.count(FileStatus.NOT_SCANNED)} signature or claims",
        counted(len(report.findings), "finding"),
        counted(len(report.gaps), "gap"),
    ]
    return " &middot; ".join(parts)


def _row(row: Row) -> str:
    kind, word = {
        FileStatus.FINDINGS: (str(row.worst or "findings"),) * 2,
        FileStatus.GAP: ("gap", "gap"),
        FileStatus.CLEAN: ("clean", "clean"),
        FileStatus.NOT_SCANNED: ("quiet", "not scanned"),
    }[row.status]
    return (
        f'<tr><td><span class="mark {kind}">{word}</span></td>'
        f'<td style="padding-left:{row.depth * 1.5}rem">{_text(row.name)}</td>'
        f'<td class="quiet">{_text(row.note)}</td></tr>'
    )


def _findings(
    findings: Iterable[Finding], bar: Severity, advice: Mapping[str, str]
) -> Iterator[str]:
    ordered = sorted(findings, key=finding_order)
    files = [list(group) for _, group in groupby(ordered, key=lambda f: f.path)]
    files.sort(key=lambda group: -group[0].severity.rank)
    if files:
        yield "<h2>Findings</h2>"
    shown = 0
    for group in files:
        if shown >= MAX_REPORT_ITEMS:
            break
        yield f"<h3>{_text(place_name(group[0].path))}</h3>"
        for finding in group[: MAX_REPORT_ITEMS - shown]:
            shown += 1
            yield from _finding(finding, bar, advice)
    yield from _more(len(ordered), "finding")


def _finding(finding: Finding, bar: Severity, advice: Mapping[str, str]) -> Iterator[str]:
    below = "" if finding.severity.at_least(bar) else f' <span class="quiet">below {bar}</span>'
    place = []
    if finding.member is not None:
        place.append(f"in {_text(finding.member)}")
    if finding.offset is not None:
        place.append(f"at byte {finding.offset}")
    yield (
        f'<article><p><span class="mark {finding.severity}">{finding.severity}</span>'
        f"<code>{_text(finding.rule)}</code> {' '.join(place)}{below}"
        f' <span class="quiet">confidence {finding.confidence}</span></p>'
    )
    yield f"<p>{_text(finding.message)}</p>"
    if finding.evidence:
        yield f"<pre>{'<br>'.join(map(_text, finding.evidence))}</pre>"
    if finding.rule in advice:
        yield f"<p><strong>What to do.</strong> {_text(advice[finding.rule])}</p>"
    yield "</article>"


def _gap(gap: Gap) -> str:
    member = "" if gap.member is None else f" ({_text(gap.member)})"
    return (
        f"<tr><td>{_text(place_name(gap.path))}{member}</td>"
        f"<td>{_text(gap.reason)}</td><td><code>{gap.code}</code></td></tr>"
    )


def _scanners(report: ScanReport) -> Iterator[str]:
    if not report.consulted:
        return
    yield "<h2>Other scanners</h2><table>"
    yield (
        "<tr><th>scanner</th><th>answer</th><th>findings</th><th>alone in</th>"
        "<th>silent about</th><th>network</th></tr>"
    )
    for answer in report.consulted:
        yield (
            f"<tr><td>{_text(answer.scanner)} {_text(answer.version or '')}</td>"
            f"<td>{'whole' if answer.finished else 'none'}</td>"
            f'<td class="number">{answer.findings}</td>'
            f"<td>{counted(len(answer.alone), 'file')}</td>"
            f"<td>{counted(len(answer.silent), 'file')}</td>"
            f"<td>{'none' if answer.offline else 'not cut off'}</td></tr>"
        )
    yield "</table>"


def _more(total: int, noun: str) -> Iterator[str]:
    if total > MAX_REPORT_ITEMS:
        left = counted(total - MAX_REPORT_ITEMS, f"more {noun}")
        yield f'<p class="quiet">and {left}; the JSON report lists all</p>'


def _text(text: str) -> str:
    """Return untrusted *text* on one line and without a meaning in HTML, attributes included."""
    return html.escape(one_line(text), quote=True)
