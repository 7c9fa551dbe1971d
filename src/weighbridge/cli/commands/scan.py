"""`weighbridge scan`."""

from pathlib import Path

import click

from weighbridge.cli.options import FILE, MODEL, only_option, output_options
from weighbridge.cli.render import render_scans, show_scans
from weighbridge.cli.terminal import Session
from weighbridge.core.evidence import Severity
from weighbridge.core.limits.scanning import MAX_SCAN_JOBS
from weighbridge.pipeline.output import require_other, write_whole
from weighbridge.pipeline.scan import scan_paths
from weighbridge.scan.report import ScanVerdict

_EXIT_CODES = {ScanVerdict.CLEAN: 0, ScanVerdict.FINDINGS: 10, ScanVerdict.INDETERMINATE: 11}

_FORMATS = {".html": "html", ".json": "json", ".sarif": "sarif"}
"""What the name of a report promises."""


def _check_reports(
    ctx: click.Context, parameter: click.Parameter, value: tuple[Path, ...]
) -> tuple[Path, ...]:
    """Refuse a name that promises no format before anything is scanned."""
    for file in value:
        if file.suffix not in _FORMATS:
            message = f"{file.name!r} ends in none of {', '.join(_FORMATS)}"
            raise click.BadParameter(message, ctx=ctx, param=parameter)
    return value


@click.command("scan", short_help="Find what loading a model would execute.")
@click.argument("references", metavar="REF...", type=MODEL, nargs=-1, required=True)
@only_option(
    "--fail-on",
    type=click.Choice([s.value for s in Severity]),
    default=Severity.MEDIUM.value,
    show_default=True,
    help="The least severity of a finding that counts.",
)
@click.option(
    "--also",
    metavar="SCANNER",
    multiple=True,
    help="Ask this scanner as well: picklescan, modelscan, clamscan, clamdscan; may be repeated.",
)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, MAX_SCAN_JOBS),
    default=1,
    show_default=True,
    help="Files that are examined at the same time, each in a process of its own.",
)
@click.option(
    "--report",
    type=FILE,
    multiple=True,
    callback=_check_reports,
    help="Write a report to this file as well: .html, .json or .sarif; may be repeated.",
)
@click.option(
    "--show-globals", is_flag=True, help="List every name that pickles refer to, and its status."
)
@click.option("--allow-symlinks", is_flag=True, help="Let a link to a file count as that file.")
@output_options("text", "json", "sarif", "html")
@click.pass_obj
def command(
    session: Session,
    references: tuple[str, ...],
    fail_on: str,
    also: tuple[str, ...],
    jobs: int,
    report: tuple[Path, ...],
    show_globals: bool,
    allow_symlinks: bool,
) -> int:
    """
    Find what loading each model REF would execute.

    What is not known to be safe is reported, and what could not be examined is a gap: exit code
    10 for findings at the bar, 11 for gaps. With several references, JSON is one document a line,
    and text shows those that are not clean.
    """
    bar = Severity(fail_on)
    session.one_line = len(references) > 1
    for file in report:
        require_other(file, *references)
    with session.progress() as progress:
        reports = scan_paths(
            references,
            allow_symlinks=allow_symlinks,
            also=also,
            show_globals=show_globals,
            jobs=jobs,
            progress=progress,
            examined=progress.then("scanning"),
        )
    folders = [_folder(each) for each in references]
    for file in report:
        text = render_scans(reports, _FORMATS[file.suffix], bar=bar, folders=folders)
        write_whole(file, text.encode())
    show_scans(session, reports, bar=bar, folders=folders)
    verdicts = {report.verdict_at(bar) for report in reports}
    order = (ScanVerdict.FINDINGS, ScanVerdict.INDETERMINATE, ScanVerdict.CLEAN)
    return _EXIT_CODES[next(verdict for verdict in order if verdict in verdicts)]


def _folder(reference: str) -> str | None:
    """Return where the model's files lie, relative to the current directory; None for elsewhere."""
    place = Path(reference).resolve()
    folder = place if place.is_dir() else place.parent
    try:
        relative = folder.relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return None
    return "" if relative == "." else f"{relative}/"
