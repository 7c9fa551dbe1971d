"""
Copies for servers of several processes: verified by one of them, and by each that reads them.

::

    reference --keep_copy--> policy --> verified bytes --> copy in the store, read-only
    its path, in another process --check_copy--> the same bytes, or an error

Memory of one process cannot be opened by name in another, so such servers get the path of a copy.
An entry of the store is called by the digest of its files' names and contents: whoever is given the
path can tell by itself that what lies there is what was verified, and, after it has read the
files, that nobody touched them meanwhile. A note beside it says which policy allowed it. The store
is this user's alone (`load.store`).
"""

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from weighbridge.core.artifact import FileStamp, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashLayout
from weighbridge.core.errors import ArtifactChangedError, RefusedError, StoreError
from weighbridge.core.limits.loading import HELD_MEMORY_SHARE
from weighbridge.core.values import frozen
from weighbridge.inventory.take import InventoryPlan, SniffRule, take_inventory
from weighbridge.inventory.walk import SymlinkRule, stamp_of, walk
from weighbridge.load.held import physical_memory
from weighbridge.load.store import POSIX, Store
from weighbridge.pipeline.load import Hold
from weighbridge.signing.manifest import names_digest
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_WRITING: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_HINT: Final = "Start the server again: it makes the copy anew"


@frozen
class CheckedCopy:
    """
    A copy whose bytes this process has hashed.

    Attributes:
        path: The directory, or the file of a single-file artifact.
        stamps: What the file system said of each file and directory before it was read.
    """

    path: Path
    stamps: dict[str, FileStamp]

    def require_unchanged(self) -> None:
        """
        Hold that nobody wrote to the copy, or exchanged a part of it, since it was hashed.

        Raises:
            ArtifactChangedError: Somebody did.
        """
        with suppress(OSError):
            if _stamps(self.path) == self.stamps:
                return
        raise _changed(self.path, "somebody touched it while it was read")


def choose_hold(handle: LocalHandle) -> Hold:
    """
    Return where the bytes of an artifact that is only copied are held: in memory if that has room.

    Left in its files, each is read and verified once more, part by part, on its way into the copy.

    Raises:
        LimitExceededError: More files than can be listed.
    """
    size = sum(file.stamp.size for file in walk(handle, symlinks=SymlinkRule.FILES).files)
    memory = physical_memory()
    return "file" if memory is not None and size > memory // HELD_MEMORY_SHARE else "memory"


def is_copy(path: str | os.PathLike[str], *, store: Store | None = None) -> bool:
    """
    Tell whether *path* is called like a copy in the store; whether it is one says `check_copy`.

    Raises:
        StoreError: The store is not private to this user.
    """
    return _entry(path, store or Store()) is not None


def note_allowed(path: str | os.PathLike[str], *, by: str, store: Store | None = None) -> None:
    """
    Note beside the copy at *path* that a policy allowed it, for processes that are given the path.

    Args:
        path: As for `check_copy`.
        by: Names the policy, in hexadecimal.
        store: Where; by default the user's.

    Raises:
        StoreError: It is no copy in the store, or the note cannot be written.
    """
    entry = _require_entry(path, store or Store())
    try:
        os.close(os.open(_note(entry, by), os.O_WRONLY | os.O_CREAT | _NO_FOLLOW, 0o400))
    except OSError as error:
        raise StoreError(
            f"the copy cannot be noted: {error.strerror or error}", where=os.fspath(entry)
        ) from error


def check_copy(
    path: str | os.PathLike[str], *, by: str | None = None, store: Store | None = None
) -> CheckedCopy:
    """
    Hash the copy at *path*, and hold that it is what its name says.

    Args:
        path: The directory in the store, or the file in it for a single-file artifact.
        by: The policy that has to have allowed it; any by default.
        store: Where; by default the user's.

    Raises:
        StoreError: It is no copy in the store, or the store is not private to this user.
        RefusedError: No process noted that this policy allows it.
        ArtifactChangedError: It is another one.
    """
    entry = _require_entry(path, store or Store())
    if by is not None and not _note(entry, by).exists():
        raise RefusedError(
            "the copy was made under another policy",
            code=Code.POLICY_DENIED,
            where=os.fspath(path),
            hint="Give the model's own path",
        )
    place = Path(path)
    try:
        stamps = _stamps(place)
        handle = locate(place)
        inventory = _read(handle)
    except OSError as error:
        raise _changed(place, f"it cannot be read: {error.strerror or error}") from error
    if names_digest(inventory.entries, name=handle.name).hex != entry.name:
        raise _changed(place, "other bytes than those that were verified")
    checked = CheckedCopy(path=place, stamps=stamps)
    checked.require_unchanged()
    return checked


def _entry(path: str | os.PathLike[str], store: Store) -> Path | None:
    """Return the entry of *store* that *path* is, or that it is the only file of."""
    place = Path(path)
    for entry in (place, place.parent):
        if entry.parent == store.root and _KEY.fullmatch(entry.name):
            store.require_private()
            return entry
    return None


def _require_entry(path: str | os.PathLike[str], store: Store) -> Path:
    entry = _entry(path, store)
    if entry is None:
        raise StoreError("this is no copy in the store", where=os.fspath(path), hint=_HINT)
    return entry


def _note(entry: Path, by: str) -> Path:
    return entry.with_name(f".allowed-{entry.name}-{by}")


def _read(handle: LocalHandle) -> Inventory:
    plan = InventoryPlan(
        layouts=(HashLayout(),), sniff=SniffRule.UNDIGESTED, symlinks=SymlinkRule.REFUSE
    )
    inventory = take_inventory(handle, plan)
    if inventory.gaps:
        raise _changed(handle.root, inventory.gaps[0].reason)
    if not inventory.entries:
        raise _changed(handle.root, "nothing")
    return inventory


def _stamps(place: Path) -> dict[str, FileStamp]:
    """
    Return what there is at and below *place*, directories too.

    Raises:
        ArtifactChangedError: Something can be written to, has another name, or is no file.
        OSError: It cannot be looked at.
    """
    found: dict[str, FileStamp] = {}
    handle = locate(place)
    listed = walk(handle, symlinks=SymlinkRule.REFUSE)
    if listed.gaps:
        raise _changed(place, listed.gaps[0].reason)
    for file in listed.files:
        path = handle.root if file.path == "." else handle.root / file.path
        status = path.lstat()
        if POSIX and (status.st_mode & _WRITING or status.st_nlink != 1):
            raise _changed(path, f"{stat.filemode(status.st_mode)}, {status.st_nlink} hard links")
        found[file.path] = stamp_of(status)
        for above in path.relative_to(handle.root).parents if file.path != "." else ():
            folder = handle.root / above
            found.setdefault(f"{above}/", stamp_of(folder.lstat()))
    return found


def _changed(place: Path, found: str) -> ArtifactChangedError:
    return ArtifactChangedError(
        "a copy in the store is not what was verified",
        where=os.fspath(place),
        found=found,
        hint=_HINT,
    )
