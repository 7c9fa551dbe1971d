"""
Pull: check a model, and put its verified bytes into a directory: whole, or not at all.

::

    reference --admit--> verified bytes --> hidden directory beside or in the destination --> names

For servers that read a directory and cannot be given a path in the store: in another container, or
of another user. Files that the verdict does not cover do not get there. The files are read-only;
the directory is whoever's it is: those who can write to it can exchange them later.
"""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Verdict
from weighbridge.inventory.progress import Progress
from weighbridge.load.tree import (
    DIRECTORY_MODE,
    remove_for_sure,
    remove_tree,
    set_mode,
    write_tree,
)
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.copies import choose_hold
from weighbridge.pipeline.load import admit
from weighbridge.pipeline.output import lies_in
from weighbridge.policy.schema import Policy
from weighbridge.sources.local import locate

_HIDDEN: Final = ".weighbridge-"
_LEFTOVER: Final = re.compile(re.escape(_HIDDEN) + "[0-9a-f]{16}")
"""What a pull leaves that was killed."""

_MODE: Final = 0o755


@frozen
class Pulled:
    """
    What was put where.

    Attributes:
        path: The directory.
        files: Paths in it, in code-point order.
        size: Bytes in total.
        verdict: Why it was allowed.
        made: Whether the directory was not there before.
    """

    path: str
    files: tuple[str, ...]
    size: int
    verdict: Verdict
    made: bool


def pull(
    reference: str | Path,
    destination: Path,
    *,
    policy: Policy,
    boundary: str = DEFAULT_BOUNDARY,
    progress: Progress | None = None,
) -> Pulled:
    """
    Put the verified bytes of *reference* into *destination*, if *policy* allows it at *boundary*.

    Nothing has its name before everything is written. A destination that does not exist appears at
    once; into an empty one that does, such as a mounted volume, the names are moved one after
    another, and taken out again if that fails. A single file keeps its name.

    Args:
        reference: The model.
        destination: A directory that is empty, or not there.
        policy: What has to hold.
        boundary: Where it is applied.
        progress: Told what is read.

    Raises:
        PolicyDeniedError, PolicyIndeterminateError: As for `load`; nothing was written.
        UsageError: The destination lies in the model.
        OperationError: The destination is no directory, has something in it (both are
            `Code.OUTPUT_EXISTS`), or cannot be written; nothing is left there.
    """
    place = Path(os.path.abspath(destination))  # noqa: PTH100  links are the caller's
    handle = locate(reference)
    if lies_in(place, handle.root):
        raise UsageError(
            "the destination lies in the model itself",
            where=os.fspath(place),
            expected="a place outside of it",
        )
    _require_empty(place)
    with ExitStack() as unwinding:
        with admit(
            reference,
            policy=policy,
            boundary=boundary,
            progress=progress,
            sealed=False,
            hold=choose_hold(handle),
        ) as artifact:
            name = artifact.verdict.artifact.name if artifact.verdict.artifact is not None else ""
            files = {name if path == "." else path: artifact.held[path] for path in artifact.files}
            within = place.is_dir()
            hidden = (place if within else place.parent) / f"{_HIDDEN}{secrets.token_hex(8)}"
            unwinding.callback(remove_for_sure, hidden)
            with _writing(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                write_tree(hidden, files)
            done = Pulled(
                path=os.fspath(place),
                files=tuple(sorted(files)),
                size=sum(file.size for file in files.values()),
                verdict=artifact.verdict,
                made=not within,
            )
        # To let go of the bytes takes a while: an interrupt meets no names until that is done.
        with _writing(place):
            if within:
                _move_into(hidden, place)
            else:
                set_mode(hidden, _MODE)
                hidden.rename(place)
    return done


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Say of what the system refuses that it is about *place*."""
    try:
        yield
    except OSError as error:
        raise OperationError(
            f"the model cannot be written: {error.strerror or error}", where=os.fspath(place)
        ) from error


def take_back(pulled: Pulled) -> None:
    """Take away what was put there, for a caller that cannot say that it was allowed."""
    place = Path(pulled.path)
    for name in {path.partition("/")[0] for path in pulled.files}:
        remove_tree(place / name)
    if pulled.made:
        place.rmdir()


def _require_empty(place: Path) -> None:
    if not os.path.lexists(place):
        return
    try:
        entries = sorted(entry.name for entry in place.iterdir())
    except NotADirectoryError as error:
        raise _unfit(place, "no directory") from error
    except OSError as error:
        raise OperationError(
            f"cannot look: {error.strerror or error}", where=os.fspath(place)
        ) from error
    others = [each for each in entries if not _LEFTOVER.fullmatch(each)]
    if others:
        raise _unfit(place, others[0])
    for leftover in entries:
        remove_tree(place / leftover)


def _unfit(place: Path, found: str) -> OperationError:
    return OperationError(
        "the destination has to be an empty directory, or not to be there",
        code=Code.OUTPUT_EXISTS,
        where=os.fspath(place),
        found=found,
        hint="Name another place, or empty that one",
    )


def _move_into(hidden: Path, place: Path) -> None:
    """Move what is in *hidden* into *place*, all of it or nothing."""
    set_mode(hidden, 0o700)
    with ExitStack() as unwinding:
        for entry in sorted(hidden.iterdir()):
            _move(entry, place / entry.name, unwinding)
        unwinding.pop_all()


def _move(entry: Path, target: Path, unwinding: ExitStack) -> None:
    """Give *entry* the name *target*, and have *unwinding* take it away."""
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
    unwinding.callback(remove_tree, target)
    if entry.is_dir():
        set_mode(entry, 0o700)  # what is above it is written into it
        entry.rename(target)
        set_mode(target, DIRECTORY_MODE)
    else:
        entry.rename(target)
