"""Walk an artifact once and account for everything in it, without opening a file."""

import os
import stat
from enum import StrEnum
from pathlib import Path

from weighbridge.core.artifact import ArtifactKind, FileStamp
from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.evidence import Gap, Stage
from weighbridge.core.limits.inventory import MAX_DEPTH, MAX_FILES, MAX_PATH_BYTES
from weighbridge.core.values import frozen
from weighbridge.inventory.names import displayed, name_problem
from weighbridge.sources.interface import LocalHandle


class SymlinkRule(StrEnum):
    """What a symbolic link below the root means. A link to a directory is always refused."""

    REFUSE = "refuse"
    FILES = "files"
    """A link to a regular file counts as that file, under the link's own path."""


@frozen(kw_only=False)
class Found:
    """A regular file, not yet opened."""

    path: str
    stamp: FileStamp
    through_symlink: bool


@frozen
class Walk:
    """All of an artifact; `files` in code-point order of their paths."""

    files: tuple[Found, ...]
    empty_directories: tuple[str, ...]
    gaps: tuple[Gap, ...]


def stamp_of(status: os.stat_result, /) -> FileStamp:
    """Return the stamp in *status*."""
    return FileStamp(
        device=status.st_dev,
        inode=status.st_ino,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
    )


def walk(handle: LocalHandle, *, symlinks: SymlinkRule) -> Walk:
    """
    List every file below *handle*'s root.

    Symbolic links to directories, links that are not allowed, broken links, devices, sockets,
    pipes, names that are not canonical and directories that cannot be read are gaps: each names
    its path and reason.

    Raises:
        LimitExceededError: More files or depth than `core.limits` allows.
    """
    if handle.kind is ArtifactKind.FILE:
        return _walk_file(handle.root)
    walker = _Walker(handle.root, symlinks)
    walker.run()
    return Walk(
        files=tuple(sorted(walker.files, key=lambda found: found.path)),
        empty_directories=tuple(sorted(walker.empty)),
        gaps=tuple(walker.gaps),
    )


def _walk_file(path: Path) -> Walk:
    """Return the walk of a single-file artifact, whose only path is `.`."""
    try:
        found = Found(".", stamp_of(path.stat()), through_symlink=False)
    except OSError as error:
        gap = _gap(".", Code.FILE_CHANGED, f"the file vanished: {error.strerror}")
        return Walk(files=(), empty_directories=(), gaps=(gap,))
    return Walk(files=(found,), empty_directories=(), gaps=())


class _Walker:
    """State of one walk; the stack of directories is explicit, so depth costs no recursion."""

    def __init__(self, root: Path, symlinks: SymlinkRule) -> None:
        self.files: list[Found] = []
        self.empty: list[str] = []
        self.gaps: list[Gap] = []
        self._root = os.fspath(root)
        self._symlinks = symlinks
        self._seen = 0

    def run(self) -> None:
        stack: list[tuple[str, int]] = [("", 0)]
        while stack:
            relative, depth = stack.pop()
            if depth > MAX_DEPTH:
                raise LimitExceededError(
                    "directories are nested too deeply",
                    where=relative,
                    expected=f"at most {MAX_DEPTH} levels",
                )
            try:
                self._list(relative, depth, stack)
            except OSError as error:
                self._refuse(
                    relative or ".",
                    Code.FILE_UNREADABLE,
                    f"the directory cannot be read: {error.strerror}",
                )

    def _list(self, relative: str, depth: int, stack: list[tuple[str, int]]) -> None:
        """Record what lies in the directory *relative* and push its directories."""
        children = 0
        with os.scandir(f"{self._root}/{relative}" if relative else self._root) as entries:
            for entry in entries:
                children += 1
                path = f"{relative}/{entry.name}" if relative else entry.name
                if self._add(entry, path):
                    stack.append((path, depth + 1))
        if not children and relative:
            self.empty.append(relative)

    def _add(self, entry: os.DirEntry[str], path: str) -> bool:
        """Record *entry*; return whether it is a directory to descend into."""
        self._seen += 1
        if self._seen > MAX_FILES:
            raise LimitExceededError(
                "the artifact has too many files", expected=f"at most {MAX_FILES}"
            )
        problem = name_problem(entry.name)
        if problem is not None:
            self._refuse(displayed(path), *problem)
            return False
        if len(path) > MAX_PATH_BYTES:
            self._refuse(path, Code.LIMIT_EXCEEDED, f"the path exceeds {MAX_PATH_BYTES} bytes")
            return False
        try:
            return self._add_by_type(entry, path)
        except OSError as error:
            self._refuse(path, Code.FILE_CHANGED, f"it vanished while listed: {error.strerror}")
            return False

    def _add_by_type(self, entry: os.DirEntry[str], path: str) -> bool:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            self.files.append(Found(path, stamp_of(status), through_symlink=False))
        elif stat.S_ISDIR(status.st_mode):
            return True
        elif stat.S_ISLNK(status.st_mode):
            self._add_link(entry, path)
        else:
            self._refuse(path, Code.SPECIAL_FILE, "neither a regular file nor a directory")
        return False

    def _add_link(self, entry: os.DirEntry[str], path: str) -> None:
        try:
            target = entry.stat(follow_symlinks=True)
        except OSError as error:
            self._refuse(
                path, Code.SYMLINK_BROKEN, f"a symbolic link leads nowhere: {error.strerror}"
            )
            return
        if stat.S_ISDIR(target.st_mode):
            # Signatures of this format never cover what lies below such a link.
            self._refuse(path, Code.SYMLINK_DIRECTORY, "a symbolic link to a directory")
        elif not stat.S_ISREG(target.st_mode):
            self._refuse(path, Code.SPECIAL_FILE, "a symbolic link to a special file")
        elif self._symlinks is SymlinkRule.REFUSE:
            self._refuse(path, Code.SYMLINK_REFUSED, "a symbolic link, and links are not allowed")
        else:
            self.files.append(Found(path, stamp_of(target), through_symlink=True))

    def _refuse(self, path: str, code: Code, reason: str) -> None:
        self.gaps.append(_gap(path, code, reason))


def _gap(path: str, code: Code, reason: str) -> Gap:
    return Gap(stage=Stage.INVENTORY, code=code, path=path, reason=reason)
