"""Held files as a directory tree: write one, compare one, remove one."""

import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from weighbridge.core.limits.units import MIB
from weighbridge.inventory.verity import enable
from weighbridge.load.held import HeldFile

FILE_MODE: Final = 0o444
DIRECTORY_MODE: Final = 0o555

_BLOCK_BYTES: Final = MIB
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def write_tree(root: Path, files: Mapping[str, HeldFile]) -> None:
    """
    Write *files* below the new directory *root*, everything read-only.

    Args:
        root: Must not exist.
        files: By canonical POSIX paths relative to *root*.

    Raises:
        ValueError: A path is not canonical.
        OSError: The system refuses; what was written so far stays, see `remove_tree`.
    """
    root.mkdir(mode=0o700)
    for directory in sorted(directories_of(files)):
        (root / directory).mkdir(mode=0o700)
    for path, held in files.items():
        _write_file(root / path, held)
    for directory in sorted(directories_of(files), reverse=True):
        set_mode(root / directory, DIRECTORY_MODE)
    set_mode(root, DIRECTORY_MODE)


def find_difference(root: Path, files: Mapping[str, HeldFile]) -> str | None:
    """
    Return how the tree at *root* differs from what `write_tree` makes of *files*, or None.

    Names, types, owners, modes, links and every byte are compared; no link is followed.
    """
    expected = {"", *files} | directories_of(files)
    found: set[str] = set()
    for path, status in _walk(root):
        found.add(path)
        difference = _compare(root / path, status, files.get(path), known=path in expected)
        if difference is not None:
            return f"{path or root.name}: {difference}"
    missing = sorted(expected - found)
    return f"{missing[0]}: it is missing" if missing else None


def remove_tree(root: Path) -> None:
    """
    Remove *root* with everything below, read-only or not; nothing happens if it is not there.

    Nothing is removed, or its mode changed, that a link leads to, whoever can write there.
    """
    if not os.path.lexists(root):
        return
    if not stat.S_ISDIR(root.lstat().st_mode):
        root.unlink()
        return
    if os.name == "posix":
        # Imported here: most loads write nothing.
        from weighbridge.sandbox.walls.leftovers import remove_tree as remove  # noqa: PLC0415

        remove(os.fspath(root))
        return
    root.chmod(0o700)
    with os.scandir(root) as entries:
        children = [Path(entry.path) for entry in entries]
    for child in children:
        remove_tree(child)
    root.rmdir()


def remove_for_sure(root: Path) -> None:
    """Do what `remove_tree` does; an interrupt meanwhile is heeded when that is done."""
    interrupted: KeyboardInterrupt | None = None
    while True:
        try:
            remove_tree(root)
        except KeyboardInterrupt as again:
            interrupted = again
        else:
            break
    if interrupted is not None:
        raise interrupted


def set_mode(directory: Path, mode: int) -> None:
    """
    Set the mode of *directory*, and of nothing that a link in its place leads to.

    Raises:
        OSError: It is none, or it cannot be set.
    """
    if os.name != "posix":
        directory.chmod(mode)
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def directories_of(files: Iterable[str]) -> set[str]:
    """
    Return every directory that files at the paths *files* need, without the root.

    Raises:
        ValueError: A path is not canonical.
    """
    directories: set[str] = set()
    for path in files:
        parts = path.split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise ValueError(f"not a canonical path: {path!r}")
        directories.update("/".join(parts[:count]) for count in range(1, len(parts)))
    return directories


def _write_file(path: Path, held: HeldFile) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        for at in range(0, held.size, _BLOCK_BYTES):
            block = memoryview(held.read_at(at, _BLOCK_BYTES))
            while block:
                block = block[file.write(block) :]
    enable(path)  # where the file system can: not even this user changes it again
    path.chmod(FILE_MODE)


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield everything at and below *root*; the root's own path is empty."""
    status = root.lstat()
    yield "", status
    pending = [""] if stat.S_ISDIR(status.st_mode) else []
    while pending:
        directory = pending.pop()
        with os.scandir(root / directory) as entries:
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                status = entry.stat(follow_symlinks=False)
                yield path, status
                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)


def _compare(
    path: Path, status: os.stat_result, held: HeldFile | None, *, known: bool
) -> str | None:
    if not known:
        return "it is not part of the model"
    mode = stat.S_IFDIR | DIRECTORY_MODE if held is None else stat.S_IFREG | FILE_MODE
    if os.name == "posix" and (status.st_mode, status.st_uid) != (mode, os.geteuid()):
        return f"{stat.filemode(status.st_mode)}, owner {status.st_uid}"
    if held is None:
        return None
    if status.st_nlink != 1:
        # Whoever has the other name may have the file open for writing.
        return f"{status.st_nlink} hard links"
    if status.st_size != held.size:
        return f"{status.st_size} bytes instead of {held.size}"
    return None if _same_bytes(path, held) else "the content differs"


def _same_bytes(path: Path, held: HeldFile) -> bool:
    descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        for at in range(0, held.size, _BLOCK_BYTES):
            wanted = held.read_at(at, _BLOCK_BYTES)
            if _read_exactly(file, len(wanted)) != wanted:
                return False
        return not file.read(1)


def _read_exactly(file: io.FileIO, count: int) -> bytes:
    """Return *count* bytes, fewer only at the end of *file*."""
    chunks: list[bytes] = []
    while count > 0 and (chunk := file.read(count)):
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)
