"""Scan: what would loading an artifact execute, whether it is a path, bytes or an open file."""

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from weighbridge.core.artifact import (
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileStamp,
    Inventory,
)
from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.errors import (
    LimitExceededError,
    NothingToCheckError,
    OperationError,
    UsageError,
)
from weighbridge.core.limits import MAX_STREAM_BYTES, MIB
from weighbridge.formats.sniff import sniff
from weighbridge.inventory.contents import DiskContents
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.remote import RemoteContents, list_remote
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.accounting import require_files
from weighbridge.pipeline.examine import examine_files, prepared_examiner, with_needs
from weighbridge.pipeline.others import ask_others, scanners_for
from weighbridge.scan.interface import Examiner
from weighbridge.scan.report import ScanReport
from weighbridge.scan.runner import Contents
from weighbridge.sources.hub import is_hub_reference, locate_on_hub
from weighbridge.sources.local import locate
from weighbridge.sources.remote import RemoteHandle

_SELF = "."
_UNNAMED = "stream"


@runtime_checkable
class Readable(Protocol):
    """An open binary file, or whatever else gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes, none at the end."""
        ...


def scan(
    subject: str | os.PathLike[str] | bytes | bytearray | memoryview | Readable,
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
        raise UsageError("other scanners open files by themselves, so they need a path")
    if isinstance(subject, bytes | bytearray | memoryview):
        return _scan_stream(BytesSource(bytes(subject)), name=name or _UNNAMED)
    if not isinstance(subject, Readable):
        raise UsageError(
            "this cannot be scanned",
            expected="a path, bytes or an open binary file",
            found=type(subject).__name__,
        )
    with _opened(subject) as source:
        return _scan_stream(source, name=name or _name_of(subject))


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
    scanners_for(plan.also)  # an unknown name is told before anything is read
    with prepared_examiner() as examiner:
        return tuple(_scan_path(os.fspath(each), plan, examiner) for each in references)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How a path is scanned; see `scan`."""

    symlinks: SymlinkRule
    also: tuple[str, ...]
    show_globals: bool
    jobs: int
    progress: Progress | None
    examined: Progress | None

    def counted(self, contents: Contents, inventory: Inventory) -> Contents:
        """Return contents that tell how far the scanning is, if anybody wants to know."""
        return contents if self.examined is None else _Counted(contents, inventory, self.examined)


def _scan_path(reference: str, plan: _Plan, examiner: Examiner) -> ScanReport:
    if is_hub_reference(reference):
        if plan.also:
            raise UsageError("other scanners open files by themselves, so they need a path")
        return _scan_remote(locate_on_hub(reference), plan, examiner)
    handle = locate(reference)
    inventory = take_inventory(
        handle, InventoryPlan(symlinks=plan.symlinks), progress=plan.progress
    )
    require_files(handle, inventory)
    contents = plan.counted(DiskContents(handle, inventory), inventory)
    report = examine_files(inventory, contents, examiner=examiner, jobs=plan.jobs)
    if plan.show_globals:
        report = with_needs(report, DiskContents(handle, inventory))
    return ask_others(report, plan.also, handle=handle)


def _scan_remote(handle: RemoteHandle, plan: _Plan, examiner: Examiner) -> ScanReport:
    """Scan an artifact on a server, of which only what is looked at is fetched."""
    progress = plan.progress
    if progress is not None:
        progress.begin(sum(file.size for file in handle.files))
    inventory = list_remote(handle, advance=progress.advance if progress is not None else None)
    if not inventory.model_entries and not inventory.gaps:
        raise NothingToCheckError("the repository holds no file", where=handle.reference)
    contents = plan.counted(RemoteContents(handle), inventory)
    report = examine_files(inventory, contents, examiner=examiner, jobs=plan.jobs)
    return with_needs(report, RemoteContents(handle)) if plan.show_globals else report


def _scan_stream(source: ByteSource, *, name: str) -> ScanReport:
    """Scan one file that has no path."""
    if source.size == 0:
        raise NothingToCheckError("there are no bytes", where=name, expected="at least one")
    sniffed = sniff(source, name=name)
    entry = FileEntry(
        path=_SELF,
        size=source.size,
        role=EntryRole.MODEL,
        format=sniffed.format,
        suffix_format=sniffed.suffix_format,
        through_symlink=False,
        stamp=FileStamp(device=0, inode=0, size=source.size, mtime_ns=0, ctime_ns=0),
        digests=(),
    )
    inventory = Inventory(
        name=name,
        kind=ArtifactKind.FILE,
        entries=(entry,),
        empty_directories=(),
        layouts=(),
        gaps=(),
    )
    with prepared_examiner() as examiner:
        return examine_files(inventory, _Given(source), examiner=examiner)


class _Given:
    """The one file of an artifact that is no file."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source

    @contextmanager
    def open(self, path: str, /) -> Iterator[ByteSource]:
        """Give the bytes; there is no other path."""
        del path
        yield self._source


class _Counted:
    """Contents that tell which part of the files was opened, in bytes."""

    def __init__(self, contents: Contents, inventory: Inventory, progress: Progress) -> None:
        self._contents = contents
        self._progress = progress
        self._sizes = {entry.path: entry.size for entry in inventory.entries}
        progress.begin(sum(self._sizes.values()))

    @contextmanager
    def open(self, path: str, /) -> Iterator[ByteSource]:
        """Open the file, and count it once it is closed."""
        with self._contents.open(path) as source:
            yield source
        self._progress.advance(self._sizes.get(path, 0))


def _opened(file: Readable) -> AbstractContextManager[ByteSource]:
    seekable = getattr(file, "seekable", None)
    try:
        if callable(seekable) and seekable():
            return _seeking(file)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    return _drained(file)


@contextmanager
def _seeking(file: Readable) -> Iterator[ByteSource]:
    """Give the bytes of a file that can seek, and put it back where it was."""
    if not isinstance(file, io.IOBase):
        # Whoever imitates a file may imitate seeking badly: its bytes are read in order.
        with _drained(file) as source:
            yield source
        return
    try:
        position = file.tell()
        size = file.seek(0, os.SEEK_END)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    try:
        yield _SeekingSource(file, size=size)
    finally:
        if not file.closed:
            file.seek(position)


class _SeekingSource:
    """A file of the caller's that can seek; it must not change while it is scanned."""

    def __init__(self, file: io.IOBase, *, size: int) -> None:
        self._file = file
        self._size = size

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        length = min(length, max(0, self._size - offset))
        pieces = bytearray()
        try:
            self._file.seek(offset)
            while len(pieces) < length:
                piece = _piece(self._file, length - len(pieces))
                if not piece:
                    raise OperationError("the file became shorter while it was scanned")
                pieces += piece
        except (OSError, ValueError) as error:
            raise _unreadable(error) from error
        return bytes(pieces)


@contextmanager
def _drained(file: Readable) -> Iterator[ByteSource]:
    """Read *file* to its end, within the bound for streams."""
    data = bytearray()
    try:
        while piece := _piece(file, MIB):
            data += piece
            if len(data) > MAX_STREAM_BYTES:
                raise LimitExceededError(
                    "the stream is too long to be held in memory",
                    expected=f"at most {MAX_STREAM_BYTES} bytes",
                    hint="Write it to a file and scan its path",
                )
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    yield BytesSource(memoryview(data))


def _piece(file: object, size: int) -> bytes:
    """Return what `read` gives, if it is bytes and not too many."""
    piece: object = file.read(size) if isinstance(file, Readable) else None
    if piece is None or isinstance(piece, str) or not isinstance(piece, bytes | bytearray):
        raise UsageError(
            "the file does not give bytes",
            expected="a blocking file, open in binary mode",
            found=type(piece).__name__,
        )
    if len(piece) > size:
        raise OperationError("the file gave more bytes than were asked for")
    return bytes(piece)


def _name_of(file: object) -> str:
    """Return the base name of *file*, where it has one."""
    named = getattr(file, "name", None)
    return (Path(named).name if isinstance(named, str) else "") or _UNNAMED


def _unreadable(error: OSError | ValueError) -> OperationError:
    return OperationError(f"the file cannot be read: {error}")
