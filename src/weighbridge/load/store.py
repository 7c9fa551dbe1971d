"""
A private store of verified copies, for frameworks that insist on a path.

An entry is a directory named by the digest of its files' names and contents. It is written
from held bytes into a temporary sibling and renamed when it is whole, so that no entry is ever
half there. An entry that is already there is compared with the held bytes, byte by byte, each
time before it is given out; therefore nothing depends on what an earlier run or a crash left,
and no `fsync` is needed. One that differs is moved aside, reported to the log and replaced.

The store belongs to one user: whoever can write to it can also write to that user's programs.
"""

import logging
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from weighbridge.core.errors import StoreError, printable
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.tree import find_difference, remove_tree, write_tree

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

_log: Final = logging.getLogger(__name__)

POSIX: Final = os.name == "posix"
"""Whether files have owners and modes."""

_WORKPLACE: Final = ".work-"
"""How directories in the store are called that exist as long as one load."""

STORE_VARIABLE: Final = "WEIGHBRIDGE_STORE"
"""Environment variable that names the store."""


_ROOT: Final = 0
_UNMAPPED: Final = Path("/proc/sys/kernel/overflowuid")
_MAPPED: Final = Path("/proc/self/uid_map")


def default_root() -> Path:
    """Return the store that is meant when nobody names one (XDG base directories)."""
    named = os.environ.get(STORE_VARIABLE)
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    base = Path(cache) if cache and Path(cache).is_absolute() else Path.home() / ".cache"
    return base / "weighbridge" / "store"


class Store:
    """
    A directory of verified copies.

    Args:
        root: Where; by default `default_root()`. Made, with its parents, when it is needed.
    """

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        given = Path(root if root is not None else default_root()).absolute()
        # Links above are followed once and here: whoever owns one could turn it elsewhere between
        # two looks. Every later path is the real one, and what is above it is looked at.
        self._root = Path(os.path.realpath(given.parent), given.name)

    @property
    def root(self) -> Path:
        """Where the copies are."""
        return self._root

    def require_private(self) -> None:
        """
        Hold that nobody but this user can change what is in the store; it is made if need be.

        Raises:
            StoreError: Somebody else can.
            OSError: It cannot be made, or looked at.
        """
        self._prepare()

    def provide(self, files: HeldFiles, *, key: str, name: str) -> Path:
        """
        Return a copy of *files*: its directory, or its file for a single-file artifact.

        Args:
            files: The bytes.
            key: Digest of names and contents, in hexadecimal.
            name: The artifact's, which a single file is called by.

        Raises:
            StoreError: The store is not private to this user, is full, or cannot be written.
        """
        single = files.paths == (".",)
        if single and (not name or name in {".", ".."} or "/" in name or "\0" in name):
            raise StoreError("the artifact's name is no file name", found=name)
        wanted = {name if single else path: files[path] for path in files.paths}
        entry = self._root / key
        try:
            self._prepare()
            with self._locked(key):
                if not self._holds(entry, wanted):
                    self._create(entry, wanted)
        except OSError as error:
            raise StoreError(
                f"the copy cannot be kept: {error.strerror or error}",
                where=os.fspath(self._root),
                hint=f"Free room there, or name another place with {STORE_VARIABLE}",
            ) from error
        return entry / name if single else entry

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """
        Make an empty directory that only this user can enter, and remove it with its content.

        What a process left that ended without doing so is removed on the way.

        Raises:
            StoreError: The store is not private to this user, or cannot be written.
            OSError: The directory cannot be made.
        """
        place, descriptor = self._make_workplace()
        try:
            yield place
        finally:
            remove_tree(place)
            if descriptor is not None:
                os.close(descriptor)

    def lasting_workplace(self) -> Path:
        """
        Make an empty directory as `workplace` does, which lasts as long as this process.

        Whoever makes one after this process and its forks have ended removes it.

        Raises:
            StoreError, OSError: As for `workplace`.
        """
        return self._make_workplace()[0]

    def _make_workplace(self) -> tuple[Path, int | None]:
        """Return a new directory, and the descriptor that says that it is in use."""
        self._prepare()
        place = self._root / f"{_WORKPLACE}{secrets.token_hex(8)}"
        with self._locked("workplaces"):
            for leftover in self._root.glob(f"{_WORKPLACE}*"):
                _remove_unused(leftover)
            place.mkdir(mode=0o700)
            return place, _lock_shared(place)

    def _prepare(self) -> None:
        """Make the store, or see to it that the existing one is this user's alone."""
        self._root.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # whether it is fit is looked at below
            self._root.mkdir(mode=0o700)
        found = self._root.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise self._unfit("a directory and no link", stat.filemode(found.st_mode))
        if not POSIX:
            return
        if found.st_uid != os.geteuid():
            raise self._unfit(f"owner {os.geteuid()}", f"owner {found.st_uid}")
        if found.st_mode & 0o077:
            raise self._unfit("mode 0700", f"mode {stat.S_IMODE(found.st_mode):04o}")
        for parent in self._root.parents:
            self._check_above(parent)

    def _check_above(self, parent: Path) -> None:
        """Refuse a directory in which others could put another store in this one's place."""
        status = parent.stat()
        if status.st_uid not in {os.geteuid(), _ROOT, _unmapped_user()}:
            raise self._unfit("no directory above that another user owns", str(parent))
        if status.st_mode & stat.S_ISVTX:
            return
        if status.st_mode & stat.S_IWOTH:
            raise self._unfit("no directory above that everybody can write to", str(parent))
        # Where each user has a group, what it may write to is often the user's own.
        if status.st_mode & stat.S_IWGRP and status.st_gid not in {os.getegid(), _ROOT}:
            raise self._unfit("no directory above that another group can write to", str(parent))

    def _unfit(self, expected: str, found: str) -> StoreError:
        return StoreError(
            "the store is not private to this user",
            where=os.fspath(self._root),
            expected=expected,
            found=found,
            hint=f"Correct it, or name another place with {STORE_VARIABLE}",
        )

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Let one process at a time look after the entry *key*, where the system has locks."""
        if fcntl is None:
            yield
            return
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._root / f".lock-{key}", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _holds(self, entry: Path, wanted: Mapping[str, HeldFile]) -> bool:
        """Tell whether *entry* is exactly *wanted*; move aside what is there instead."""
        if not os.path.lexists(entry):
            return False
        difference = find_difference(entry, wanted)
        if difference is None:
            return True
        aside = entry.with_name(f".bad-{entry.name}-{secrets.token_hex(8)}")
        entry.rename(aside)
        _log.warning(
            "a copy in the store was not what was verified and was replaced: %s (kept as %s)",
            printable(difference),
            aside,
        )
        return False

    def _create(self, entry: Path, wanted: Mapping[str, HeldFile]) -> None:
        """Write *entry* whole or not at all."""
        prefix = f".new-{entry.name}-"
        for leftover in self._root.glob(f"{prefix}*"):
            remove_tree(leftover)
        temporary = self._root / f"{prefix}{secrets.token_hex(8)}"
        try:
            write_tree(temporary, wanted)
            temporary.rename(entry)
        finally:
            remove_tree(temporary)  # nothing, once it has its name


def _lock_shared(directory: Path) -> int | None:
    """Hold on to *directory* until the result is closed, or the process ends."""
    if fcntl is None:
        return None
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _remove_unused(directory: Path) -> None:
    """Remove *directory* unless a process holds on to it."""
    if fcntl is None:
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # its process has just removed it
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(directory)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)


def _unmapped_user() -> int:
    """
    Return who seems to own what users own that this namespace has no number for.

    In a container `/` may be owned by nobody of it. Another user of the machine could own a
    directory above as well, and is taken for that one: whoever starts a container chooses what is
    mounted there.
    """
    try:
        user = int(_UNMAPPED.read_text(encoding="ascii"))
        lines = [line.split() for line in _MAPPED.read_text(encoding="ascii").splitlines()]
        spans = [(int(start), int(count)) for start, _outside, count in lines]
    except (OSError, ValueError):
        return _ROOT
    return _ROOT if any(start <= user < start + count for start, count in spans) else user
