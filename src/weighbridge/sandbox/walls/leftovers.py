"""Remove a directory that a program could write to, however deep and whatever the modes."""

import os
import stat
from itertools import count
from pathlib import Path
from typing import Final

_ALL: Final = 0o700
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(place: str, /) -> None:
    """
    Remove the directory *place* and what is in it, when nobody needs it any more.

    Directories are moved up before they are emptied, so that neither depth nor the length of a
    path is a limit. Links are removed and not followed, also one that takes a directory's place
    meanwhile: then this fails.

    Raises:
        OSError: Something cannot be removed.
    """
    top = _opened(place)
    try:
        names = count()
        waiting = _entries(top)
        while waiting:
            waiting += _emptied(top, waiting.pop(), names)
    finally:
        os.close(top)
    Path(place).rmdir()


def _opened(name: str, *, within: int | None = None) -> int:
    """Open the directory *name*, and let its owner do everything with it."""
    try:
        directory = os.open(name, _OPEN, dir_fd=within)
    except PermissionError:
        # Its own mode is in the way, as it never is of root: nobody else's directory is changed.
        directory = _permitted(name, within)
    try:
        os.fchmod(directory, _ALL)
    except OSError:
        os.close(directory)
        raise
    return directory


def _permitted(name: str, within: int | None) -> int:
    """Open the directory *name* whatever its mode, and nothing that a link there leads to."""
    found = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
    try:
        itself = Path(f"/proc/self/fd/{found}")
        itself.chmod(_ALL)
        return os.open(itself, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(found)


def _entries(directory: int) -> list[str]:
    with os.scandir(directory) as found:
        return [entry.name for entry in found]


def _emptied(top: int, name: str, names: "count[int]") -> list[str]:
    """Remove *name* in *top*; return the new names there of the directories that were in it."""
    found = os.stat(name, dir_fd=top, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=top)
        return []
    inside = _opened(name, within=top)
    moved = []
    try:
        for each in _entries(inside):
            mode = os.stat(each, dir_fd=inside, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                # One that may not be changed could not be moved either.
                os.close(_opened(each, within=inside))
                moved.append(_unused(top, names))
                os.rename(each, moved[-1], src_dir_fd=inside, dst_dir_fd=top)
            else:
                os.unlink(each, dir_fd=inside)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=top)
    return moved


def _unused(top: int, names: "count[int]") -> str:
    while True:
        name = f"moved-{next(names)}"
        try:
            os.stat(name, dir_fd=top, follow_symlinks=False)
        except FileNotFoundError:
            return name
