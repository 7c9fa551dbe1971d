"""Files that a step read without their having been declared, as people and statements see them."""

import hashlib
import io
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from weighbridge.core.attestation import Resource
from weighbridge.core.errors import ArtifactChangedError
from weighbridge.core.limits.sandbox import MAX_NAMED_FILES
from weighbridge.core.values import frozen
from weighbridge.inventory.files import check_regular, open_descriptor
from weighbridge.pipeline.recording.git import Checkout
from weighbridge.sandbox.steps.interface import Isolation, Observation

DECLARED_ANNOTATION = "weighbridge_declared"
"""Of a file that a step read: that nobody had declared it, as false."""

_BLOCK = 1 << 20
_STANDARD_INPUT = 0


@frozen
class Undeclared:
    """
    Such files.

    Attributes:
        paths: Real paths, sorted.
        directory: Where the step ran, for shorter names.
    """

    paths: tuple[str, ...]
    directory: Path

    def name(self, path: str, /) -> str:
        """Return *path* as it is shown: below the step's directory, or the user's, if it is."""
        for base, short in ((os.path.realpath(self.directory), ""), (_home(), "~/")):
            if path.startswith(f"{base}/"):
                return short + path[len(base) + 1 :]
        return path

    def resources(self) -> tuple[Resource, ...]:
        """Return the files for a statement, the first `MAX_NAMED_FILES`, each with its digest."""
        found = (self._resource(path) for path in self.paths[:MAX_NAMED_FILES])
        return tuple(dict.fromkeys(found))

    def _resource(self, path: str) -> Resource:
        digest = _digest(path)
        return Resource(
            uri=f"file:{quote(os.fsencode(self.name(path)))}",
            digests=(("sha256", digest),) if digest else (),
            annotations=((DECLARED_ANNOTATION, "false"),),
        )


def undeclared(
    observation: Observation,
    /,
    *,
    declared: Iterable[str],
    checkout: Checkout | None,
    isolation: Isolation | None,
    directory: Path,
    given: Iterable[str] = (),
) -> Undeclared:
    """
    Return what of *observation* nobody declared.

    Files of the checkout's commit are declared with it; others that lie there are not. Of an
    isolated step only what it was let read counts: the rest it only asked for.

    Args:
        observation: What was seen.
        declared: Real paths of the inputs.
        checkout: Where the source is.
        isolation: What the step was kept to.
        directory: Where it ran.
        given: Real paths of files that it had without opening them.
    """
    places = tuple(declared)
    tracked = checkout.tracked if checkout is not None else frozenset[str]()
    git = os.fspath(checkout.root / ".git") if checkout is not None else None
    open_to = None if isolation is None else (*isolation.readable, *isolation.writable)
    had = frozenset(given)
    return Undeclared(
        paths=tuple(
            path
            for path in sorted(had.union(observation.files))
            if path not in tracked
            and not _lies_in(path, places)
            and not (git is not None and _lies_in(path, (git,)))
            and (open_to is None or path in had or _lies_in(path, open_to))
        ),
        directory=directory,
    )


def standard_input() -> tuple[str, ...]:
    """Return the real path of the file that a step gets as its standard input, if it is one."""
    try:
        status = os.fstat(_STANDARD_INPUT)
        # Where a name is gone, as that of a shell's own text, nobody could declare it.
        if not stat.S_ISREG(status.st_mode) or not status.st_nlink:
            return ()
        return (os.path.realpath(f"/proc/self/fd/{_STANDARD_INPUT}"),)
    except OSError:
        return ()


def _lies_in(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _home() -> str:
    return os.path.realpath(Path("~").expanduser())


def _digest(path: str) -> str | None:
    """
    Return the file's digest; None for one that is gone or cannot be read any more.

    The step may have put something else there, to be waited for without end or a link to what is
    not its own.
    """
    if os.path.realpath(path) != path:
        return None
    hasher = hashlib.sha256()
    try:
        with io.FileIO(open_descriptor(path, through_symlink=False)) as file:
            check_regular(file.fileno(), path=path)
            while block := file.read(_BLOCK):
                hasher.update(block)
    except (OSError, ArtifactChangedError):
        return None
    return hasher.hexdigest()
