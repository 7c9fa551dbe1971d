"""Have the files of an inventory examined: in confined processes, several at a time if asked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from weighbridge.core.artifact import Inventory
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.limits.scanning import MAX_SCAN_JOBS
from weighbridge.scan.interface import Examiner
from weighbridge.scan.need import read_needs
from weighbridge.scan.report import ScanReport
from weighbridge.scan.runner import Contents, scan_inventory
from weighbridge.scan.worker.client import (
    ConfinedExaminer,
    confined_examiner,
    confined_lister,
)


@contextmanager
def prepared_examiner() -> Iterator[Examiner]:
    """
    Give an examiner whose processes start while the caller does something else.

    The thread that calls this outlives them: they end with it. That they cannot start is not
    told here; it becomes a gap of each file.
    """
    with confined_examiner() as examiner:
        if isinstance(examiner, ConfinedExaminer):
            with suppress(OperationError):
                examiner.prepare()
        yield examiner


def examine_files(
    inventory: Inventory, contents: Contents, *, examiner: Examiner, jobs: int = 1
) -> ScanReport:
    """
    Return what the scanner says of every model file of *inventory*.

    Args:
        inventory: The files.
        contents: Their bytes.
        examiner: Examines one file.
        jobs: Files that are examined at the same time, each in a process of its own.

    Raises:
        UsageError: *jobs* is not from 1 to `MAX_SCAN_JOBS`.
    """
    if not 1 <= jobs <= MAX_SCAN_JOBS:
        raise UsageError(
            "so many files cannot be examined at the same time",
            expected=f"1 to {MAX_SCAN_JOBS}",
            found=str(jobs),
        )
    return scan_inventory(inventory, contents, clock=time.monotonic, examiner=examiner, jobs=jobs)


def with_needs(report: ScanReport, contents: Contents) -> ScanReport:
    """Return *report* with every name that the pickles of its files refer to."""
    with confined_lister() as lister:
        listed = scan_inventory(report.inventory, contents, clock=time.monotonic, examiner=lister)
    return replace(report, needs=read_needs(listed.findings))
