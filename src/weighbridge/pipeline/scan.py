"""
Scan: what would loading an artifact execute, whether it is a path, bytes or an open file.

What only some scans need is imported by those: most are of a path and ask nobody else.
"""

# ruff: noqa: PLC0415  see above

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from weighbridge.core.artifact import ArtifactKind
from weighbridge.core.errors import UsageError
from weighbridge.core.values import frozen
from weighbridge.inventory.contents import DiskContents
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.accounting import require_files
from weighbridge.pipeline.counting import counted
from weighbridge.pipeline.examine import examine_files, prepared_examiner, with_needs
from weighbridge.scan.interface import Examiner
from weighbridge.scan.report import ScanReport
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

if TYPE_CHECKING:
    from weighbridge.pipeline.streams import Readable

_HUB: Final = "hf://"


def scan(
    subject: "str | os.PathLike[str] | bytes | bytearray | memoryview | Readable",
    *,
    name: str | None = None,
    allow_symlinks: bool = False,
    also: Iterable[str] = (),
    jobs: int = 1,
    progress: Progress | None = None,
    examined: Progress | None = None,
) -> ScanReport:
    """
    Report what loading the artifact would execute, and what could not be examined.

    Bytes and open files are one file. An open file is read from its beginning if it can seek,
    and is left where it was; any other is read to its end.

    Args:
        subject: The path of a directory or file; bytes; or an open binary file.
        name: File name of bytes or of an open file, as a hint; the default is its own.
        allow_symlinks: Let a link to a file count as that file.
        also: Other scanners to ask, by name; for paths only.
        jobs: Files that are examined at the same time.
        progress: Is told how far the reading is.
        examined: Is told how far the scanning is, in bytes of files.

    Raises:
        UsageError: The reference names nothing, or a file is open as text.
        NothingToCheckError: The artifact holds no file, or the file no byte.
        OperationError, LimitExceededError: It cannot be read, or is too large.
    """
    if isinstance(subject, str | os.PathLike):
        (report,) = scan_paths(
            (subject,),
            allow_symlinks=allow_symlinks,
            also=also,
            jobs=jobs,
            progress=progress,
            examined=examined,
        )
        return report
    if tuple(also):
        raise _needs_path()
    from weighbridge.pipeline.streams import scan_stream

    return scan_stream(subject, name=name)


def scan_paths(
    references: Iterable[str | os.PathLike[str]],
    *,
    allow_symlinks: bool = False,
    also: Iterable[str] = (),
    show_globals: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
    examined: Progress | None = None,
) -> tuple[ScanReport, ...]:
    """
    Scan several artifacts, one after the other, with the same processes; see `scan`.

    With *show_globals* the reports' `needs` list every name that pickles refer to.

    Raises:
        UsageError, NothingToCheckError, OperationError, LimitExceededError: As `scan` does, for
            the first reference that cannot be scanned; nothing is reported then.
    """
    plan = _Plan(
        symlinks=SymlinkRule.FILES if allow_symlinks else SymlinkRule.REFUSE,
        also=tuple(also),
        show_globals=show_globals,
        jobs=jobs,
        progress=progress,
        examined=examined,
    )
    if plan.also:
        from weighbridge.pipeline.others import scanners_for

        scanners_for(plan.also)  # an unknown name is told before anything is read
    with prepared_examiner() as examiner:
        return tuple(_scan_path(os.fspath(each), plan, examiner) for each in references)


@frozen
class _Plan:
    """How a path is scanned; see `scan`."""

    symlinks: SymlinkRule
    also: tuple[str, ...]
    show_globals: bool
    jobs: int
    progress: Progress | None
    examined: Progress | None


def _scan_path(reference: str, plan: _Plan, examiner: Examiner) -> ScanReport:
    if reference.startswith(_HUB):
        return _scan_hub(reference, plan, examiner)
    handle = locate(reference)
    # Only an approval that --show-globals helps to write names files by their digests.
    undigested = frozenset[str]() if plan.show_globals else _everything_in(handle)
    inventory = take_inventory(
        handle,
        InventoryPlan(symlinks=plan.symlinks, undigested=undigested),
        progress=plan.progress,
    )
    require_files(handle, inventory)
    contents = counted(DiskContents(handle, inventory), inventory, plan.examined)
    report = examine_files(inventory, contents, examiner=examiner, jobs=plan.jobs)
    if plan.show_globals:
        report = with_needs(report, DiskContents(handle, inventory))
    if not plan.also:
        return report
    from weighbridge.pipeline.others import ask_others

    return ask_others(report, plan.also, handle=handle)


def _everything_in(handle: LocalHandle) -> frozenset[str]:
    """
    Return what the root holds, so that no file is hashed.

    A scan reads what it looks at, and of large models that is the smallest part. What appears
    after this is hashed, and what cannot be listed is told by the walk.
    """
    if handle.kind is ArtifactKind.FILE:
        return frozenset({"."})
    try:
        return frozenset(entry.name for entry in Path(handle.root).iterdir())
    except OSError:
        return frozenset()


def _scan_hub(reference: str, plan: _Plan, examiner: Examiner) -> ScanReport:
    if plan.also:
        raise _needs_path()
    from weighbridge.pipeline.scan_remote import scan_remote

    return scan_remote(
        reference,
        examiner=examiner,
        jobs=plan.jobs,
        show_globals=plan.show_globals,
        progress=plan.progress,
        examined=plan.examined,
    )


def _needs_path() -> UsageError:
    return UsageError("other scanners open files by themselves, so they need a path")
