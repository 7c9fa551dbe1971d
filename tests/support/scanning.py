"""What tests of the scan stage need: subjects, inventories and contents made in memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from weighbridge.core.artifact import (
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileFormat,
    FileStamp,
    Inventory,
)
from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.evidence import Finding, Gap
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject


class FakeClock:
    """A clock that moves on by `step` seconds whenever it is read."""

    def __init__(self, *, step: float = 0.0) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        """Return the time, then let it pass."""
        self.now += self.step
        return self.now


class MemoryContents:
    """An artifact's files in memory; `failures` are raised where a file is opened."""

    def __init__(
        self, files: Mapping[str, bytes], *, failures: Mapping[str, Exception] | None = None
    ) -> None:
        self._files = dict(files)
        self._failures = dict(failures or {})
        self.opened: list[str] = []

    @contextmanager
    def open(self, path: str, /) -> Iterator[ByteSource]:
        """Open the file at *path*."""
        self.opened.append(path)
        if path in self._failures:
            raise self._failures[path]
        yield BytesSource(self._files[path])


def subject_of(
    data: bytes,
    *,
    format: FileFormat,  # noqa: A002  mirrors the attribute
    path: str = "file.bin",
    suffix_format: FileFormat | None = None,
    siblings: frozenset[str] = frozenset(),
) -> Subject:
    """Return the subject of a file at *path* that holds *data*."""
    return Subject(
        path=path,
        name=path.rpartition("/")[2],
        format=format,
        suffix_format=suffix_format,
        source=BytesSource(data),
        siblings=siblings | {path},
    )


def examined(
    data: bytes,
    *,
    format: FileFormat,  # noqa: A002  mirrors the attribute
    path: str = "file.bin",
    suffix_format: FileFormat | None = None,
    siblings: frozenset[str] = frozenset(),
) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a file at *path* that holds *data*."""
    return examine(
        subject_of(data, format=format, path=path, suffix_format=suffix_format, siblings=siblings)
    )


def rules_of(evidence: tuple[Finding | Gap, ...]) -> set[str]:
    """Return the ids of the rules that found something; gaps count as their code."""
    return {e.rule if isinstance(e, Finding) else str(e.code) for e in evidence}


def entry_of(
    path: str,
    *,
    size: int,
    format: FileFormat | None,  # noqa: A002  mirrors the attribute
    role: EntryRole = EntryRole.MODEL,
    suffix_format: FileFormat | None = None,
) -> FileEntry:
    """Return an inventory's entry for a file that nobody hashed."""
    return FileEntry(
        path=path,
        size=size,
        role=role,
        format=format,
        suffix_format=suffix_format,
        through_symlink=False,
        stamp=FileStamp(device=1, inode=1, size=size, mtime_ns=0, ctime_ns=0),
        digests=(),
    )


def inventory_of(*entries: FileEntry, gaps: tuple[Gap, ...] = ()) -> Inventory:
    """Return an inventory of *entries*, in order."""
    return Inventory(
        name="model",
        kind=ArtifactKind.DIRECTORY,
        entries=tuple(sorted(entries, key=lambda e: e.path)),
        empty_directories=(),
        layouts=(),
        gaps=gaps,
    )


def inventory_and_contents(
    files: Mapping[str, bytes],
    *,
    told: Callable[[str, bytes], tuple[FileFormat, FileFormat | None]],
) -> tuple[Inventory, MemoryContents]:
    """Return an inventory of *files* and their contents; *told* gives format and promise."""
    entries = []
    for path, data in files.items():
        file_format, suffix_format = told(path, data)
        entries.append(
            entry_of(path, size=len(data), format=file_format, suffix_format=suffix_format)
        )
    return inventory_of(*entries), MemoryContents(files)
