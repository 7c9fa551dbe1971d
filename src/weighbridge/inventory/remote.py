"""
The inventory of an artifact on a server: names, sizes and formats, and nothing digested.

A few kilobytes of each file are fetched, to tell its format. Nobody can say afterwards that the
bytes which a loader gets are those that were seen; whoever needs that downloads the artifact.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from weighbridge.core.artifact import ArtifactKind, EntryRole, FileEntry, FileStamp, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.evidence import Gap, Stage
from weighbridge.core.limits.inventory import MAX_DEPTH, MAX_PATH_BYTES
from weighbridge.formats.sniff import Sniffed, sniff
from weighbridge.inventory.names import displayed, name_problem
from weighbridge.inventory.take import METADATA_FORMATS, METADATA_NAMES
from weighbridge.sources.remote import RemoteFile, RemoteHandle

_REQUESTS_AT_ONCE: Final = 8


def list_remote(handle: RemoteHandle, *, advance: Callable[[int], None] | None = None) -> Inventory:
    """
    Return what the server says there is, with the formats of the bytes that it gives.

    A file that cannot be read, or whose name has no place in an artifact, is a gap.

    Args:
        handle: Where the artifact is.
        advance: Called with the size of each file whose format was told, from any thread.
    """
    gaps: list[Gap] = []
    files: list[RemoteFile] = []
    for file in handle.files:
        problem = _path_problem(file.path)
        if problem is None:
            files.append(file)
        else:
            gaps.append(_gap(displayed(file.path), *problem))
    entries: list[FileEntry] = []
    for item in _told(handle, files, advance):
        if isinstance(item, Gap):
            gaps.append(item)
        else:
            entries.append(item)
    return Inventory(
        name=handle.name,
        kind=ArtifactKind.DIRECTORY,
        entries=tuple(sorted(entries, key=lambda entry: entry.path)),
        empty_directories=(),
        layouts=(),
        gaps=tuple(sorted(gaps, key=lambda gap: gap.path or "")),
    )


class RemoteContents:
    """The files of a remote inventory, fetched in ranges while they are examined."""

    def __init__(self, handle: RemoteHandle) -> None:
        self._handle = handle
        self._files = {file.path: file for file in handle.files}

    @contextmanager
    def open(self, path: str, /) -> Iterator[ByteSource]:
        """
        Open the file at *path*.

        Reading raises `OperationError` and `ArtifactChangedError` as `RemoteHandle.open` says.
        """
        yield self._handle.open(self._files[path])


def _told(
    handle: RemoteHandle, files: list[RemoteFile], advance: Callable[[int], None] | None
) -> Iterator[FileEntry | Gap]:
    """Yield the entry of each file, some fetched at the same time."""

    def tell(file: RemoteFile) -> FileEntry | Gap:
        try:
            sniffed = sniff(handle.open(file), name=file.path.rpartition("/")[2])
        except WeighbridgeError as error:
            return _gap(file.path, error.code, str(error))
        if advance is not None:
            advance(file.size)
        return _entry(file, sniffed)

    pool = ThreadPoolExecutor(max_workers=_REQUESTS_AT_ONCE)
    try:
        yield from pool.map(tell, files)
    finally:
        pool.shutdown(cancel_futures=True)


def _path_problem(path: str) -> tuple[Code, str] | None:
    """Tell what is wrong with a path that a server names, or None."""
    parts = path.split("/")
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES or len(parts) > MAX_DEPTH:
        return Code.LIMIT_EXCEEDED, "the path is too long or too deep"
    if any(part in {"", ".", ".."} for part in parts):
        return Code.NAME_NOT_CANONICAL, "the path is not canonical"
    return next((problem for part in parts if (problem := name_problem(part))), None)


def _entry(file: RemoteFile, sniffed: Sniffed) -> FileEntry:
    role = METADATA_NAMES.get(file.path, EntryRole.MODEL)
    if sniffed.also or sniffed.format not in METADATA_FORMATS:
        role = EntryRole.MODEL
    return FileEntry(
        path=file.path,
        size=file.size,
        role=role,
        format=sniffed.format,
        suffix_format=sniffed.suffix_format,
        through_symlink=False,
        stamp=FileStamp(device=0, inode=0, size=file.size, mtime_ns=0, ctime_ns=0),
        digests=(),
    )


def _gap(path: str, code: Code, reason: str) -> Gap:
    return Gap(stage=Stage.INVENTORY, code=code, path=path, reason=reason)
