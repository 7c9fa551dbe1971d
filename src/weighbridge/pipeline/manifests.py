"""
Manifests of others about the files that are signed: read, compared, and by choice sampled.

What a manifest states is a claim. By default every file that it names is read and held against
it; a sample is the caller's choice, and believes the manifest of the others (ADR 0023).
"""

import os
import random
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn

from weighbridge.core.artifact import ArtifactKind, FileEntry, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashLayout
from weighbridge.core.errors import LimitExceededError, OperationError
from weighbridge.core.limits.inventory import MAX_FILES
from weighbridge.core.limits.sources import (
    MANIFEST_SAMPLE_SHARE,
    MAX_MANIFEST_BYTES,
    MAX_STATED_FILE_BYTES,
    MIN_MANIFEST_SAMPLE,
)
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.signing.problems import ManifestMismatchError, Problem
from weighbridge.signing.resources import SINGLE_FILE
from weighbridge.signing.stated import (
    StatedDigest,
    checked,
    parse_download,
    parse_manifest,
    parse_pointer,
)
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.reading import read_named

_DOWNLOAD_SUFFIX: Final = ".metadata"


@frozen
class ManifestCheck:
    """
    What became of a manifest.

    Attributes:
        manifest: Where it is.
        compared: Files that were read and are as it says.
        taken: Files whose digests were taken from it, unread.
        unstated: Files of which it says nothing; they were read.
    """

    manifest: Path
    compared: tuple[str, ...]
    taken: tuple[str, ...]
    unstated: tuple[str, ...]


def read_stated(
    handle: LocalHandle, place: Path | None, /, *, ignored: frozenset[str]
) -> Mapping[str, StatedDigest]:
    """
    Return what the manifest at *place* states of the files of the artifact, by path.

    Args:
        handle: The artifact.
        place: A manifest's file, or a directory with notes of downloads or pointers; None for
            no manifest.
        ignored: Paths of the artifact that are left out, each with all that is below it.

    Raises:
        MalformedContentError: The manifest cannot be used.
        ManifestMismatchError: It says nothing of the artifact's one file.
        LimitExceededError, OperationError: It is too large, or cannot be read as a whole.
    """
    if place is None:
        return {}
    if place.is_dir():
        stated = checked(_read_directory(place), where=os.fspath(place))
    else:
        data = read_named(place, limit=MAX_MANIFEST_BYTES, what="manifest")
        pointer = parse_pointer(data, path=handle.name)
        stated = (pointer,) if pointer else parse_manifest(data, where=os.fspath(place))
    if handle.kind is ArtifactKind.FILE:
        mine = [item for item in stated if item.path == handle.name]
        if not mine:
            raise ManifestMismatchError(
                [
                    Problem(
                        code=Code.MANIFEST_MISMATCH,
                        path=SINGLE_FILE,
                        message="the manifest says nothing of a file of this name",
                    )
                ],
                where=handle.name,
            )
        return {SINGLE_FILE: mine[0]}
    return {item.path: item for item in stated if not is_under(item.path, ignored)}


def left_unread(paths: Collection[str], /) -> frozenset[str]:
    """Return those of the stated *paths* that a random sample leaves unread."""
    stated = sorted(paths)
    size = max(MIN_MANIFEST_SAMPLE, -(-len(stated) // MANIFEST_SAMPLE_SHARE))
    # The system's randomness: whoever prepared the files must not foresee the choice.
    read = random.SystemRandom().sample(stated, min(size, len(stated)))
    return frozenset(stated).difference(read)


def require_stated(inventory: Inventory, stated: Mapping[str, StatedDigest], /) -> None:
    """
    Refuse files that are not as *stated*.

    Args:
        inventory: With the SHA-256 of every file that is stated.
        stated: By path.

    Raises:
        ManifestMismatchError: A file is not what the manifest says, or not there; all are named.
    """
    entries = {entry.path: entry for entry in inventory.entries}
    problems = []
    for path, each in sorted(stated.items()):
        problem = _difference(entries.get(path), each)
        if problem is not None:
            problems.append(Problem(code=Code.MANIFEST_MISMATCH, path=path, message=problem))
    if problems:
        raise ManifestMismatchError(problems, where=inventory.name)


def _read_directory(root: Path) -> Iterator[StatedDigest]:
    """Yield what the notes and pointers below *root* state."""
    count = 0
    for directory, names, files in os.walk(root, onerror=_refuse_unlisted):
        names.sort()
        count += 1 + len(files)
        if count > MAX_FILES:
            raise LimitExceededError(
                "the manifest has too many files",
                where=os.fspath(root),
                expected=f"at most {MAX_FILES} files and directories",
            )
        for name in sorted(files):
            place = Path(directory, name)
            path = place.relative_to(root).as_posix()
            stated = _read_note(_read_small(place), path=path)
            if stated is not None:
                yield stated


def _read_note(data: bytes, *, path: str) -> StatedDigest | None:
    """Return what the file *path* of a directory states, if it is a pointer or a note."""
    stated = parse_pointer(data, path=path)
    if stated is None and path.endswith(_DOWNLOAD_SUFFIX):
        stated = parse_download(data, path=path.removesuffix(_DOWNLOAD_SUFFIX))
    return stated


def _read_small(place: Path) -> bytes:
    """Return the content of *place*; nothing where it can be neither a note nor a pointer."""
    try:
        status = place.lstat()
    except OSError as error:
        _refuse_unlisted(error)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_STATED_FILE_BYTES:
        return b""
    return read_named(place, limit=MAX_STATED_FILE_BYTES, what="note of a download")


def _refuse_unlisted(error: OSError) -> NoReturn:
    """Refuse a directory of which a part cannot be read: what is there might say otherwise."""
    raise OperationError(
        f"the manifest cannot be read as a whole: {error.strerror or error}",
        where=os.fspath(error.filename) if error.filename else None,
    ) from error


def _difference(entry: FileEntry | None, stated: StatedDigest) -> str | None:
    """Say in what *entry* differs from what is *stated*, if it does."""
    if entry is None:
        return "stated, and not there"
    if stated.size is not None and entry.size != stated.size:
        return f"expected {stated.size} bytes, found {entry.size}"
    found = entry.digest(HashLayout()).whole
    if found != stated.sha256:
        return f"expected {stated.sha256}, found {found}"
    return None
