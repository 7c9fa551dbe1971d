"""Scans an inventory: every model file is examined, or there is a gap that says why not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Protocol

from weighbridge.core.artifact import FileEntry, FileFormat, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.evidence import Clean, Finding, Gap, Stage
from weighbridge.core.limits.scanning import (
    ARTIFACT_SCAN_SECONDS,
    MAX_SCAN_SECONDS,
    MAX_TIMED_BYTES,
    SCAN_BYTES_PER_SECOND,
    SCAN_SECONDS_PER_FILE,
)
from weighbridge.scan.interface import Clock, Deadline, Examiner, Subject, confinement_of
from weighbridge.scan.report import ScanReport
from weighbridge.scan.worker.client import confined_examiner

_Evidence = tuple[Finding | Clean | Gap, ...]


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


def scan_inventory(
    inventory: Inventory,
    contents: Contents,
    *,
    clock: Clock,
    examiner: Examiner | None = None,
    jobs: int = 1,
) -> ScanReport:
    """
    Scan every model file of *inventory*.

    Signature and claims files are left to their own stages: no model loader reads them.

    Args:
        inventory: Taken with its formats told; a file without a format is a gap.
        contents: Where the bytes come from.
        clock: Seconds, never going back; bounds the examination of each file and of all.
        examiner: Examines one file; the default has it done by confined processes, which end
            with this call.
        jobs: Files that are examined at the same time; more than one takes threads, from which
            contents, clock and examiner can be called.

    Returns:
        A report in which every model file has findings or gaps, or exactly one `Clean`.
    """
    with confined_examiner() if examiner is None else nullcontext(examiner) as chosen:
        run = _Run(inventory, contents, clock, chosen)
        entries = inventory.model_entries
        results = map(run.scan, entries) if jobs == 1 else _in_threads(run.scan, entries, jobs)
        evidence = tuple(chain.from_iterable(results))
        return ScanReport(
            inventory=inventory,
            evidence=evidence,
            members=sum(run.members.values()),
            confinement=confinement_of(chosen),
        )


def time_for(inventory: Inventory, /) -> float:
    """
    Return the seconds in which all files of *inventory* have to be examined.

    What a hostile artifact can gain by many files is bounded by their bytes.
    """
    entries = inventory.model_entries
    timed = sum(min(entry.size, MAX_TIMED_BYTES) for entry in entries)
    seconds = ARTIFACT_SCAN_SECONDS + SCAN_SECONDS_PER_FILE * len(entries)
    # The first file's bytes are in the base already.
    return seconds + max(0, timed - MAX_TIMED_BYTES) / SCAN_BYTES_PER_SECOND


def _in_threads(
    scan: Callable[[FileEntry], _Evidence], entries: tuple[FileEntry, ...], jobs: int
) -> Iterator[_Evidence]:
    """Yield what *scan* returns for each entry, in their order."""
    # Imported here: most runs have one job, and start a twentieth of a second sooner.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    executor = ThreadPoolExecutor(jobs)
    try:
        yield from executor.map(scan, entries)
    finally:
        # An interrupt must not wait for what is running: the caller ends the workers next.
        executor.shutdown(wait=False, cancel_futures=True)


class _Run:
    """One scan of one artifact: what every file's examination gets."""

    def __init__(
        self, inventory: Inventory, contents: Contents, clock: Clock, examiner: Examiner
    ) -> None:
        self._name = inventory.name
        self._sizes = {entry.path: entry.size for entry in inventory.entries}
        self._siblings = frozenset(self._sizes)
        self._formats = {
            entry.path: entry.format
            for entry in inventory.model_entries
            if entry.format is not None
        }
        self._contents = contents
        self._clock = clock
        self._examiner = examiner
        self._end = clock() + time_for(inventory)
        self.members: dict[str, int] = {}

    def scan(self, entry: FileEntry) -> _Evidence:
        """Return what there is to say of one file."""
        found = tuple(self._scan(entry))
        return found or (Clean(stage=Stage.SCAN, path=entry.path),)

    def _scan(self, entry: FileEntry) -> Iterator[Finding | Gap]:
        """Yield findings and gaps; nothing when the file is clean."""
        if entry.format is None:
            reason = "the inventory was taken without telling formats"
            yield _gap(entry, Code.SCAN_UNSUPPORTED, reason)
            return
        if self._clock() >= self._end:
            yield _gap(entry, Code.SCAN_TIMEOUT, "the time for the artifact is used up")
            return
        try:
            with self._contents.open(entry.path) as source:
                if source.size != entry.size:
                    reason = f"the file has {source.size} bytes, the inventory says {entry.size}"
                    yield _gap(entry, Code.FILE_CHANGED, reason)
                    return
                subject = self._subject(entry, entry.format, source)
                yield from self._examiner(subject)
                self.members[entry.path] = subject.budget.examined
        except WeighbridgeError as error:
            # Opening and closing fail here; closing is where a changed file may be noticed,
            # after findings about it were made. They stand, and the gap says that there may be
            # more.
            yield _gap(entry, error.code, error.told(at=entry.path))

    def _subject(self, entry: FileEntry, told: FileFormat, source: ByteSource) -> Subject:
        return Subject(
            path=entry.path,
            format=told,
            source=source,
            # A single file's path is `.`: its name is the artifact's.
            name=entry.path.rpartition("/")[2] if entry.path != "." else self._name,
            suffix_format=entry.suffix_format,
            siblings=self._siblings,
            sizes=self._sizes,
            formats=self._formats,
            deadline=Deadline(
                clock=self._clock, at=min(self._clock() + MAX_SCAN_SECONDS, self._end)
            ),
        )


def _gap(entry: FileEntry, code: Code, reason: str) -> Gap:
    """Return a gap about the whole file."""
    return Gap(stage=Stage.SCAN, code=code, path=entry.path, reason=reason)
