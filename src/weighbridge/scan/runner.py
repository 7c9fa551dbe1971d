"""Scans an inventory: every model file is examined, or there is a gap that says why not."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from weighbridge.core.artifact import EntryRole, FileEntry, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.evidence import Clean, Finding, Gap, Stage
from weighbridge.core.limits import MAX_SCAN_SECONDS
from weighbridge.scan.examination import Examiner, examine
from weighbridge.scan.interface import Clock, Deadline, Subject
from weighbridge.scan.report import ScanReport


class Contents(Protocol):
    """Gives the bytes of an artifact's files: the very bytes that the inventory digested."""

    def open(self, path: str, /) -> AbstractContextManager[ByteSource]:
        """
        Open the file at *path*.

        Raises:
            ArtifactChangedError: The file is not the one that was digested.
            OperationError: The file cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """What each file's examination may know of the others."""

    siblings: frozenset[str]
    sizes: Mapping[str, int]


def scan_inventory(
    inventory: Inventory,
    contents: Contents,
    *,
    clock: Clock,
    examiner: Examiner = examine,
) -> ScanReport:
    """
    Scan every model file of *inventory*.

    Signature and claims files are left to their own stages: no model loader reads them.

    Args:
        inventory: Taken with its formats told; a file without a format is a gap.
        contents: Where the bytes come from.
        clock: Seconds, never going back; bounds the examination of each file.
        examiner: Examines one file; the default does so in this process.

    Returns:
        A report in which every model file has findings or gaps, or exactly one `Clean`.
    """
    sizes = {entry.path: entry.size for entry in inventory.entries}
    files = _Files(siblings=frozenset(sizes), sizes=sizes)
    evidence: list[Finding | Clean | Gap] = []
    for entry in inventory.entries:
        if entry.role is EntryRole.MODEL:
            found = tuple(_scan_entry(entry, inventory.name, files, contents, clock, examiner))
            evidence.extend(found or (Clean(stage=Stage.SCAN, path=entry.path),))
    return ScanReport(inventory=inventory, evidence=tuple(evidence))


def _scan_entry(
    entry: FileEntry,
    artifact_name: str,
    files: _Files,
    contents: Contents,
    clock: Clock,
    examiner: Examiner,
) -> Iterator[Finding | Gap]:
    """Yield what there is to say of one file; nothing when it is clean."""
    if entry.format is None:
        yield _gap(entry, Code.SCAN_UNSUPPORTED, "the inventory was taken without telling formats")
        return
    try:
        with contents.open(entry.path) as source:
            if source.size != entry.size:
                reason = f"the file has {source.size} bytes, the inventory says {entry.size}"
                yield _gap(entry, Code.FILE_CHANGED, reason)
                return
            yield from examiner(
                Subject(
                    path=entry.path,
                    format=entry.format,
                    source=source,
                    # A single file's path is `.`: its name is the artifact's.
                    name=entry.path.rpartition("/")[2] if entry.path != "." else artifact_name,
                    suffix_format=entry.suffix_format,
                    siblings=files.siblings,
                    sizes=files.sizes,
                    deadline=Deadline(clock=clock, at=clock() + MAX_SCAN_SECONDS),
                )
            )
    except WeighbridgeError as error:
        # Opening and closing fail here; closing is where a changed file may be noticed, after
        # findings about it were made. They stand, and the gap says that there may be more.
        yield _gap(entry, error.code, str(error))


def _gap(entry: FileEntry, code: Code, reason: str) -> Gap:
    """Return a gap about the whole file."""
    return Gap(stage=Stage.SCAN, code=code, path=entry.path, reason=reason)
