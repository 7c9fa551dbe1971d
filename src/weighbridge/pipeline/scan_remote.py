"""Scan a model repository on a hub, of which only what is looked at is fetched."""

from weighbridge.core.errors import NothingToCheckError
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.remote import RemoteContents, list_remote
from weighbridge.pipeline.counting import counted
from weighbridge.pipeline.examine import examine_files, with_needs
from weighbridge.scan.interface import Examiner
from weighbridge.scan.report import ScanReport
from weighbridge.sources.hub import locate_on_hub


def scan_remote(
    reference: str,
    *,
    examiner: Examiner,
    jobs: int,
    show_globals: bool,
    progress: Progress | None,
    examined: Progress | None,
) -> ScanReport:
    """
    Scan the repository that *reference* names; see `pipeline.scan.scan`.

    Raises:
        UsageError, OperationError: There is no such repository, or it cannot be reached.
        NothingToCheckError: It holds no file.
    """
    handle = locate_on_hub(reference)
    if progress is not None:
        progress.begin(sum(file.size for file in handle.files))
    inventory = list_remote(handle, advance=progress.advance if progress is not None else None)
    if not inventory.model_entries and not inventory.gaps:
        raise NothingToCheckError("the repository holds no file", where=handle.reference)
    contents = RemoteContents(handle)
    report = examine_files(
        inventory, counted(contents, inventory, examined), examiner=examiner, jobs=jobs
    )
    return with_needs(report, RemoteContents(handle)) if show_globals else report
