"""Where a step's output goes: nothing may be there that the step would be given credit for."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from weighbridge.core.artifact import CLAIMS_NAME
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.recording.inputs import Input
from weighbridge.pipeline.recording.taking import Taken, take
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate


def require_vacant(output: Path, /) -> None:
    """
    Refuse an output that has files already: the step did not make them.

    Claims may be there. They say what they say of other digests, and stay.

    Raises:
        OperationError: There are other files, or the place cannot be looked at.
    """
    try:
        found = sorted(each.name for each in output.iterdir() if each.name != CLAIMS_NAME)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        found = [output.name]
    except OSError as error:
        raise OperationError(
            f"the output cannot be listed: {error.strerror or error}", where=os.fspath(output)
        ) from error
    if found:
        raise OperationError(
            "the output has files before the step has run",
            code=Code.OUTPUT_EXISTS,
            where=os.fspath(output),
            found=", ".join(found[:5]) + (" and others" if len(found) > 5 else ""),  # noqa: PLR2004  a list for people
            hint="Give an empty directory, or say --in-place: then what is there is an input",
        )


def require_apart(output: Path, inputs: Sequence[Input], /, *, in_place: bool) -> None:
    """
    Refuse an output within an input, or around one: neither could be told from the other.

    Raises:
        UsageError: They overlap. The output itself may be an input if the step works in place.
    """
    place = os.path.realpath(output)
    for each in inputs:
        root = os.fspath(each.handle.root)
        if root == place and in_place:
            continue
        if root == place or _is_within(root, place) or _is_within(place, root):
            raise UsageError(
                "the output and an input overlap",
                where=os.fspath(output),
                found=each.handle.reference,
                hint="Give places that are apart, or say --in-place where the step changes a model",
            )


def take_output(
    output: Path, /, *, place: str, symlinks: SymlinkRule, progress: Progress | None = None
) -> tuple[LocalHandle, Taken]:
    """
    Digest what the step made.

    Args:
        output: Where it was to be made.
        place: The real path of that before the step. A step that puts a link there would be given
            credit for what others made, and the claims would be written where that lies.
        symlinks: What a symbolic link in it means.
        progress: Is told how far the reading is.

    Raises:
        OperationError: It made nothing there, or the output is somewhere else now.
        RefusedError, IndeterminateError, NothingToCheckError: As for `take`.
    """
    if os.path.realpath(output) != place:
        raise OperationError(
            "the step put a link in the place of its output",
            code=Code.STEP_FAILED,
            where=os.fspath(output),
            expected="files that the step made, in the place that was given",
            found="a symbolic link, in that place or above it",
            hint="Have it copy what it wants to give out",
        )
    try:
        handle = locate(output)
    except UsageError as error:
        raise OperationError(
            "the step made no output",
            code=Code.STEP_FAILED,
            where=os.fspath(output),
            hint="Give with --output where the command writes to",
        ) from error
    return handle, take(handle, symlinks=symlinks, progress=progress)


def linked_files(output: Path, /) -> tuple[str, ...]:
    """Return the real paths of files elsewhere that links in *output* lead to."""
    place = os.path.realpath(output)
    found: dict[str, None] = {}
    for path in _links_below(place):
        # One that leads through more links than the kernel follows leads to no file.
        if os.path.isfile(path):  # noqa: PTH113  a string
            real = os.path.realpath(path)
            if not _is_within(real, place):
                found[real] = None
    return tuple(found)


def _links_below(place: str) -> Iterator[str]:
    """Yield the links below *place*, however deep a step has made it; see `remove_tree`."""
    waiting = [place]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        yield entry.path
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue


def _is_within(inner: str, outer: str) -> bool:
    return inner.startswith(outer.rstrip("/") + "/")
