"""Which files of an artifact a signature is about, as its maker or its verifier says."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from weighbridge.core.artifact import (
    GIT_NAMES,
    SIGNATURE_NAME,
    ArtifactKind,
    is_signature_name,
)
from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, OperationError, UsageError
from weighbridge.core.limits.signing import MAX_SIGNATURE_FILES
from weighbridge.core.values import frozen
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.sources.interface import LocalHandle


@frozen
class FileSelection:
    """
    The caller's choice of files; what an artifact or a signer says has no part in it.

    Attributes:
        ignore_paths: Files and directories to leave out, as paths relative to the current
            directory or else to the model.
        ignore_git_paths: Leave out `.git`, `.github`, `.gitattributes` and `.gitignore`, as all
            clients of the format do. What of them carries code is refused all the same.
        allow_symlinks: A symbolic link to a file counts as that file.
    """

    ignore_paths: tuple[str | os.PathLike[str], ...] = ()
    ignore_git_paths: bool = True
    allow_symlinks: bool = False

    @property
    def symlinks(self) -> SymlinkRule:
        """What a symbolic link means."""
        return SymlinkRule.FILES if self.allow_symlinks else SymlinkRule.REFUSE

    def ignored(self, handle: LocalHandle) -> frozenset[str]:
        """
        Return the paths to leave out, relative to the root of *handle*.

        A path that lies outside of the model leaves nothing out.

        Raises:
            UsageError: A path is the model itself; leaving out everything verifies anything.
        """
        return frozenset(self._relative(handle))

    def _relative(self, handle: LocalHandle) -> Iterable[str]:
        for given in self.ignore_paths:
            for base in (Path.cwd(), handle.root):
                path = inside(handle, base / given)
                if path == ".":
                    raise UsageError(
                        "the whole model cannot be left out",
                        code=Code.USAGE,
                        where=os.fspath(given),
                        expected="a path below the model",
                    )
                if path is not None:
                    yield path
                    break


def inside(handle: LocalHandle, path: Path, /) -> str | None:
    """
    Return *path* relative to the model's root as a POSIX path, or None if it lies elsewhere.

    The last component is not followed when it is a symbolic link: the link is what is meant.
    """
    place = Path(os.path.realpath(path.parent), path.name) if path.name != ".." else path
    place = Path(os.path.normpath(place))
    try:
        return place.relative_to(handle.root).as_posix()
    except ValueError:
        return None


def git_paths(handle: LocalHandle) -> frozenset[str]:
    """Return the names that clients of the format leave out by default."""
    return GIT_NAMES if handle.kind is ArtifactKind.DIRECTORY else frozenset()


def signature_places(handle: LocalHandle) -> tuple[Path, ...]:
    """
    Return every file that bears the name of a signature, `handle.default_signature` first.

    Raises:
        LimitExceededError: There are more than `MAX_SIGNATURE_FILES`.
        OperationError: The directory cannot be listed.
    """
    default = handle.default_signature
    # Only names are looked at: what a link or a pipe of that name is, the reading tells.
    names = sorted(_names(handle), key=lambda name: (name != default.name, name))
    if len(names) > MAX_SIGNATURE_FILES:
        raise LimitExceededError(
            "the artifact has too many signature files",
            where=os.fspath(default.parent),
            expected=f"at most {MAX_SIGNATURE_FILES}",
            found=str(len(names)),
            hint="Remove those that you do not need",
        )
    return tuple(default.with_name(name) for name in names)


def _names(handle: LocalHandle) -> Iterator[str]:
    directory = handle.default_signature.parent
    stem = SIGNATURE_NAME.removesuffix(".sig")
    if handle.kind is ArtifactKind.FILE:
        stem = handle.root.name
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if is_signature_name(entry.name, stem=stem):
                    yield entry.name
    except OSError as error:
        raise OperationError(
            f"the directory cannot be listed: {error.strerror or error}",
            where=os.fspath(directory),
        ) from error
