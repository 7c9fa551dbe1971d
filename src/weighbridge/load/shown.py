"""
A directory that shows held files and nothing else, for readers that open files by name.

::

    HeldFiles --show_files--> directory: NAME -> /proc/PID/fd/N, a sealed memory file

Each name is a symbolic link to a sealed memory file, so what is read under it is what was
verified, however often it is opened, by whatever reader, in C++ or Rust as well: nobody can write
to it, not even this process. Where there are no memory files, or too few descriptors, the
directory is a copy of the files in the store (`load.store`), compared byte by byte.

The directory lies in the store, to which other users have no access, also when it is gone again:
whoever keeps its path finds nothing there later, and nobody else can put something in its place.
A program of the same user could exchange a link. It is told afterwards from the change times of
the directories, and the load refused; it could change this process' memory as well.

Links go by the number of this process and not by `/proc/self`: a child that is started while the
directory exists opens the same memory, or nothing, and never what its own descriptor N is.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError, StoreError
from weighbridge.core.limits.loading import MAX_SHOWN_DESCRIPTORS
from weighbridge.core.limits.units import MIB
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.memfd import (
    Descriptor,
    SealedMemory,
    create_memory_file,
    seal_memory_file,
    write_memory_file,
)
from weighbridge.load.store import Store
from weighbridge.load.tree import DIRECTORY_MODE, directories_of

if sys.platform != "win32":
    import resource

_PROCESSES: Final = Path("/proc")
_State: TypeAlias = dict[str, tuple[int, int, int]]

_LOCK: Final = Lock()
_FILES: Final[dict[str, tuple[int, int]]] = {}
"""Files that are shown right now, by path: device and inode of what they lead to."""
_KEPT: Final[list[Mapping[str, Descriptor]]] = []
"""What the links of directories lead to that are shown for good."""


@contextmanager
def show_files(files: Mapping[str, HeldFile], *, name: str, store: Store) -> Iterator[Path]:
    """
    Show *files* in a directory called *name* that exists as long as the context does.

    What was opened or mapped meanwhile stays valid afterwards. Everything below is read-only.

    Args:
        files: By canonical POSIX paths.
        name: A base name; readers report it.
        store: Where.

    Raises:
        ArtifactChangedError: Another program changed the directory meanwhile.
        StoreError: The store is not private to this user, is full, or cannot be written.
        ValueError: A path is not canonical.
    """
    descriptors = _descriptors_of(files)
    if descriptors is None:
        copy = store.provide(HeldFiles(dict(files)), key=_key(files), name=name)
        with _known(copy, files):
            yield copy
        return
    with ExitStack() as stack:
        try:
            place = stack.enter_context(store.workplace())
            root = _link(place / _safe(name), descriptors)
        except OSError as error:
            raise StoreError(
                f"the directory of links cannot be made: {error.strerror or error}",
                where=name,
            ) from error
        before = _state(root)
        with _known(root, files):
            yield root
        if _state(root) != before:
            raise ArtifactChangedError(
                "another program changed the directory while the model was read from it",
                code=Code.FILE_CHANGED,
                where=name,
                hint="Find out which of your programs writes to the store, and load it again",
            )


def show_for_good(files: Mapping[str, HeldFile], *, name: str, store: Store) -> Path:
    """
    Show *files* as `show_files` does, for as long as this process lives, and return the directory.

    For readers that open files again whenever they like. Nobody tells of changes of the directory.

    Raises:
        StoreError: As for `show_files`.
        ValueError: A path is not canonical.
    """
    descriptors = _descriptors_of(files)
    if descriptors is None:
        root = store.provide(HeldFiles(dict(files)), key=_key(files), name=name)
    else:
        try:
            root = _link(store.lasting_workplace() / _safe(name), descriptors)
        except OSError as error:
            raise StoreError(
                f"the directory of links cannot be made: {error.strerror or error}", where=name
            ) from error
        _KEPT.append(descriptors)
    let_through(root, files)
    return root


def is_shown(path: str | os.PathLike[str]) -> bool:
    """
    Tell whether *path* is a file in a directory that is shown right now, and opens verified bytes.

    For guards in the same process, which let readers have what is verified already.
    """
    wanted = os.path.abspath(path)  # noqa: PTH100  links are not followed
    with _LOCK:
        identity = _FILES.get(wanted)
    if identity is None:
        return False
    try:
        status = Path(wanted).stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == identity


def let_through(root: Path, files: Iterable[str]) -> tuple[str, ...]:
    """
    Let `is_shown` know *files* below *root*, by the very files that they lead to now.

    For copies whose bytes were verified, as long as this process lasts.

    Returns:
        What it knows them as.
    """
    found = {}
    for path in files:
        status = (root / path).stat()
        place = os.path.abspath(root / path)  # noqa: PTH100  links are not followed
        found[place] = (status.st_dev, status.st_ino)
    with _LOCK:
        _FILES.update(found)
    return tuple(found)


@contextmanager
def _known(root: Path, files: Iterable[str]) -> Iterator[None]:
    """Let `is_shown` know *files* below *root* meanwhile."""
    with _LOCK:
        before = frozenset(_FILES)
    found = let_through(root, files)
    try:
        yield
    finally:
        with _LOCK:
            for path in set(found) - before:
                _FILES.pop(path, None)  # a copy may be shown for good besides


def _descriptors_of(files: Mapping[str, HeldFile]) -> dict[str, Descriptor] | None:
    """Return a sealed memory file for each of *files*, or None where they are not to be had."""
    if not (_PROCESSES / "self" / "fd").is_dir() or len(files) > _roomy():
        return None
    found: dict[str, Descriptor] = {}
    for path, held in files.items():
        memory = held.memory
        descriptor = memory.descriptor if isinstance(memory, SealedMemory) else _sealed(held)
        if descriptor is None:
            return None
        found[path] = descriptor
    return found


def _roomy() -> int:
    """Return how many descriptors may be taken without leaving the framework too few."""
    if sys.platform == "win32":
        return 0
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_SHOWN_DESCRIPTORS
    return min(MAX_SHOWN_DESCRIPTORS, soft // 4)


def _sealed(held: HeldFile) -> Descriptor | None:
    """Return a sealed memory file with a copy of a file that is held otherwise."""
    descriptor = create_memory_file(held.size)
    if descriptor is None:
        return None
    for at in range(0, held.size, MIB):
        write_memory_file(descriptor, held.read_at(at, MIB), offset=at)
    return seal_memory_file(descriptor, size=held.size).descriptor


def _safe(name: str) -> str:
    """Return *name* as it can be a directory's."""
    return name.replace("/", "_").replace("\0", "_") if name.strip(".") else "model"


def _link(root: Path, descriptors: Mapping[str, Descriptor]) -> Path:
    mine = _PROCESSES / (_PROCESSES / "self").readlink() / "fd"
    root.mkdir(mode=0o700)
    directories = sorted(directories_of(descriptors))
    for directory in directories:
        (root / directory).mkdir(mode=0o700)
    for path, descriptor in descriptors.items():
        (root / path).symlink_to(mine / str(descriptor.number))
    for directory in reversed(directories):
        (root / directory).chmod(DIRECTORY_MODE)
    root.chmod(DIRECTORY_MODE)
    return root


def _state(root: Path) -> _State:
    """
    Return what tells whether somebody changed anything: a rename in a directory changes its times.

    The kernel counts time in ticks of a few milliseconds, so the links are looked at as well.
    """
    found: _State = {}
    pending = [root]
    while pending:
        directory = pending.pop()
        found[os.fspath(directory)] = _identity(directory)
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    else:
                        found[entry.path] = _identity(path)
        except OSError:
            # It was exchanged for something else, which its identity says.
            found[f"{directory}: unreadable"] = (0, 0, 0)
    return found


def _identity(path: Path) -> tuple[int, int, int]:
    try:
        status = path.lstat()
    except OSError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)


def _key(files: Mapping[str, HeldFile]) -> str:
    """Return a name for a copy of exactly *files*."""
    names = sha256()
    for path in sorted(files):
        content = sha256()
        held = files[path]
        for at in range(0, held.size, MIB):
            content.update(held.read_at(at, MIB))
        names.update(f"{content.hexdigest()}  {path}\n".encode())
    return names.hexdigest()
