"""What an inventory's gaps and emptiness mean to an operation that needs every file."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from weighbridge.core.artifact import Inventory
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    ArtifactRefusedError,
    LimitExceededError,
    NothingToCheckError,
    OperationError,
    WeighbridgeError,
    one_line,
)
from weighbridge.core.evidence import Gap
from weighbridge.sources.interface import LocalHandle

WHOLE: Final = "."
"""The path of what is the artifact itself."""

_SHOWN = 5
"""Gaps named in one message."""


def require_files(handle: LocalHandle, inventory: Inventory, /) -> None:
    """
    Refuse an artifact that holds no model file; empty input never passes.

    Raises:
        NothingToCheckError: There is none, and no gap that could hide one.
    """
    if not inventory.model_entries and not inventory.gaps:
        raise NothingToCheckError(
            "the artifact holds no file", where=handle.reference, expected="at least one model file"
        )


def require_complete(gaps: Iterable[Gap], /, *, name: str) -> None:
    """
    Refuse an artifact of which something could not be read or has no place in a model.

    Args:
        gaps: What could not be accounted for.
        name: The artifact's, which a gap about its only file is told of.

    Raises:
        ArtifactRefusedError: Links, special files, names: the artifact is at fault.
        ArtifactChangedError: Something changed while it was read.
        LimitExceededError: A bound was met.
        OperationError: The system does not let us read.
    """
    found = tuple(gaps)
    if found:
        raise _error_for(tuple(replace(g, path=name) if g.path == WHOLE else g for g in found))


def _error_for(gaps: tuple[Gap, ...]) -> WeighbridgeError:
    """Return the error for the gravest of *gaps*; it names the first few of all."""
    first = next((g for g in gaps if g.code not in _INDETERMINATE), gaps[0])
    lines = [one_line(f"{gap.path}: {gap.reason}") for gap in gaps if gap is not first][
        : _SHOWN - 1
    ]
    more = len(gaps) - 1 - len(lines)
    others = "; also " + "; ".join(lines) if lines else ""
    if more > 0:
        others += f"; and {more} more"
    message = first.reason + others
    match first.code:
        case Code.FILE_CHANGED:
            return ArtifactChangedError(
                message, where=first.path, hint="Run again when nothing writes to the artifact"
            )
        case Code.LIMIT_EXCEEDED:
            return LimitExceededError(message, where=first.path)
        case Code.FILE_UNREADABLE:
            return OperationError(message, code=first.code, where=first.path)
        case _:
            return ArtifactRefusedError(
                message, code=first.code, where=first.path, hint=_HINTS.get(first.code)
            )


_INDETERMINATE = frozenset({Code.FILE_CHANGED, Code.LIMIT_EXCEEDED, Code.FILE_UNREADABLE})

_HINTS = {
    Code.SYMLINK_REFUSED: "Pass --allow-symlinks to let links to files count as the files",
    Code.SYMLINK_DIRECTORY: "Replace the link by the directory itself",
    Code.SYMLINK_BROKEN: "Remove the link",
    Code.NAME_NOT_CANONICAL: "Rename the file",
    Code.NAME_NOT_UTF8: "Rename the file",
}
