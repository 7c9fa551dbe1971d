"""
The files of a scan as a tree that fits on a screen.

A folder in which every file is clean is one row. When there are more rows than fit, clean ones
give way first: what stands in the way of using the model is always among the rows that stay.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from weighbridge.core.evidence import Finding, Severity
from weighbridge.core.limits.inventory import MAX_DEPTH
from weighbridge.core.limits.records import MAX_TEXT_ITEMS
from weighbridge.core.values import frozen
from weighbridge.record.style import counted
from weighbridge.scan.report import FileStatus, ScanReport

WHOLE: Final = "."
"""The path of what is about no file of its own."""


def place_name(path: str | None, /) -> str:
    """Return *path* for people."""
    return "the artifact" if path is None or path == WHOLE else path


@frozen
class Row:
    """
    One line of the tree.

    Attributes:
        name: Name within its folder; a folder's ends in `/`.
        depth: How many folders it lies in.
        status: The verdict about it.
        worst: The gravest severity in it; None without findings.
        note: Format and counts, of trusted text.
        files: How many files it stands for; 0 for a folder whose content has rows.
    """

    name: str
    depth: int
    status: FileStatus
    worst: Severity | None
    note: str
    files: int = 1


@frozen
class Rows:
    """The rows that fit, and how many files have none."""

    rows: tuple[Row, ...]
    hidden: int


class _Folder:
    """A folder with what lies in it, by name."""

    def __init__(self) -> None:
        self.folders: dict[str, _Folder] = {}
        self.rows: dict[str, Row] = {}


def rows_of(report: ScanReport, *, limit: int = MAX_TEXT_ITEMS) -> Rows:
    """Return the tree of *report*'s files in at most *limit* rows."""
    root = _Folder()
    worst: dict[str, Severity] = {}
    counts: Counter[str] = Counter()
    for finding in report.findings:
        counts[finding.path] += 1
        known = worst.get(finding.path)
        if known is None or finding.severity.rank > known.rank:
            worst[finding.path] = finding.severity
    statuses = report.statuses
    for entry in report.inventory.entries:
        status = statuses[entry.path]
        note = "" if entry.format is None else str(entry.format)
        if status is FileStatus.NOT_SCANNED:
            note = f"{entry.role}, not scanned"
        elif counts[entry.path]:
            note = ", ".join(filter(None, (note, counted(counts[entry.path], "finding"))))
        _add(root, entry.path, status=status, worst=worst.get(entry.path), note=note)
    for gap in report.gaps:
        # What could not even be listed stands in the tree all the same: its folder is not clean.
        if gap.path is not None and gap.path not in statuses and gap.path != WHOLE:
            _add(root, gap.path, status=FileStatus.GAP, worst=None, note=str(gap.code))
    return _fit(list(_walk(root, 0)), limit)


def _add(
    root: _Folder, path: str, *, status: FileStatus, worst: Severity | None, note: str
) -> None:
    """Put the file at *path* into its folder, which is made where it is missing."""
    # A path that is too deep for a model is none for a tree either.
    *folders, name = path.split("/") if path.count("/") <= MAX_DEPTH else [path]
    place = root
    for folder in folders:
        place = place.folders.setdefault(folder, _Folder())
    place.rows[name] = Row(name=name, depth=len(folders), status=status, worst=worst, note=note)


def finding_order(finding: Finding) -> tuple[str, int, bool, str, str]:
    """Return the key that sorts findings by file, the gravest first, other scanners' last."""
    rule = finding.rule
    return (finding.path, -finding.severity.rank, ":" in rule, rule, finding.member or "")


def _walk(folder: _Folder, depth: int) -> Iterator[Row]:
    """Yield the rows of *folder* in the order of names, quiet folders as one."""
    for name in sorted({*folder.folders, *folder.rows}):
        if name in folder.rows:
            yield folder.rows[name]
        if name in folder.folders:
            inside = list(_walk(folder.folders[name], depth + 1))
            quiet = all(row.status is FileStatus.CLEAN for row in inside)
            files = sum(row.files for row in inside)
            yield Row(
                name=f"{name}/",
                depth=depth,
                status=FileStatus.CLEAN if quiet else _gravest(inside),
                worst=max((r.worst for r in inside if r.worst), key=lambda s: s.rank, default=None),
                note=counted(files, "file"),
                files=files if quiet else 0,
            )
            if not quiet:
                yield from inside


def _gravest(rows: list[Row]) -> FileStatus:
    order = list(FileStatus)
    return min((row.status for row in rows), key=order.index)


def _fit(rows: list[Row], limit: int) -> Rows:
    """Return at most *limit* of *rows*: the worst, with their folders, in the order of the tree."""
    if len(rows) <= limit:
        return Rows(rows=tuple(rows), hidden=0)
    order = list(FileStatus)

    def rank(index: int) -> tuple[int, int]:
        row = rows[index]
        return (order.index(row.status), -(row.worst.rank if row.worst else -1))

    chosen = set(sorted(range(len(rows)), key=rank)[:limit])
    kept = tuple(row for index, row in enumerate(rows) if index in chosen)
    hidden = sum(row.files for index, row in enumerate(rows) if index not in chosen)
    return Rows(rows=kept, hidden=hidden)
