"""
Directories and files that are this user's alone, and a secret key among them.

What a program keeps for itself between two runs is believed only if nobody else could have
written it.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32

READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
"""Opens a file for reading, and no link to one."""

_POSIX: Final = os.name == "posix"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


class NotPrivateError(Exception):
    """A directory or file is not this user's alone; the message says why."""


def user_directory(variable: str, default: str) -> Path:
    """Return a base directory of the user (XDG base directory specification)."""
    named = os.environ.get(variable)
    return Path(named) if named and Path(named).is_absolute() else Path.home() / default


def own_directories() -> tuple[Path, ...]:
    """Return where this program keeps for itself what it believes later."""
    bases = {
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_DATA_HOME": ".local/share",
    }
    return tuple(user_directory(*base) / "weighbridge" for base in bases.items())


def make_private(directory: Path) -> None:
    """
    Make *directory* for this user alone, if it is not there.

    Raises:
        NotPrivateError: It is there and others can use it.
        OSError: It cannot be made.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # whether it is fit is looked at next
        directory.mkdir(mode=0o700)
    check_private(directory)


def check_private(directory: Path) -> None:
    """
    See to it that *directory* is this user's alone.

    Raises:
        NotPrivateError: It is not.
    """
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotPrivateError(f"{directory} is no directory")
    if not _POSIX:
        return
    _check_owner(found, directory)
    check_parents(directory)


def check_parents(directory: Path) -> None:
    """
    See to it that nobody can put something else in the place of *directory*.

    Raises:
        NotPrivateError: Everybody can write to a directory above it.
        OSError: One cannot be examined.
    """
    if not _POSIX:
        return
    for parent in Path(os.path.realpath(directory)).parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            # Everybody could rename the directory away and put another in its place.
            raise NotPrivateError(f"everybody can write to {parent}")


def _check_owner(found: os.stat_result, place: Path) -> None:
    if _POSIX and found.st_uid != os.geteuid():
        raise NotPrivateError(f"{place} belongs to somebody else")
    if _POSIX and found.st_mode & 0o077:
        raise NotPrivateError(f"others can use {place}; it needs mode 0700, and its files 0600")


def read_or_make_key(place: Path) -> bytes:
    """
    Return the user's key, made at random if there is none.

    Raises:
        NotPrivateError: The file or its directory is not this user's alone, or is no key.
        OSError: It cannot be read or made.
    """
    make_private(place.parent)
    if not os.path.lexists(place):
        temporary = place.with_name(f".new-{secrets.token_hex(8)}")
        write_new(temporary, secrets.token_bytes(KEY_BYTES))
        try:
            # A link fails where another process was first; then its key is everybody's.
            with suppress(FileExistsError):
                os.link(temporary, place)
        finally:
            temporary.unlink()
    descriptor = os.open(place, READ)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivateError(f"{place} is no regular file")
        _check_owner(found, place)
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise NotPrivateError(f"{place} is no key")
    return key


def write_new(place: Path, data: bytes) -> None:
    """
    Write *data* to a new file that only this user can read.

    Raises:
        OSError: Something is there, or it cannot be written.
    """
    descriptor = os.open(place, _NEW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
