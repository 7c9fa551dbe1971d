"""References to directories and files of this machine."""

import os
import re
import stat
from pathlib import Path
from typing import Final

from weighbridge.core.artifact import ArtifactKind
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, OperationError, UsageError
from weighbridge.sources.interface import LocalHandle

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def locate(reference: str | os.PathLike[str], /) -> LocalHandle:
    """
    Find the directory or file that *reference* names.

    Symbolic links in the reference itself are the caller's and are followed once, here.

    Raises:
        UsageError: Nothing is there, or the reference has a scheme that no source serves.
        ArtifactRefusedError: It is neither a directory nor a regular file.
        OperationError: The operating system does not let us look.
    """
    text = os.fspath(reference)
    if _SCHEME.match(text):
        raise UsageError(
            "no source serves this kind of reference",
            code=Code.REFERENCE_UNSUPPORTED,
            where=text,
            expected="a path to a directory or a file",
            found=text.split("://", 1)[0] + "://",
            hint="`weighbridge scan` reads hf://; download the model for everything else",
        )
    if not text or "\0" in text:
        raise UsageError(
            "a reference is the path of a directory or a file",
            code=Code.REFERENCE_NOT_FOUND,
            found=repr(text),
        )
    try:
        root = Path(os.path.realpath(text, strict=True))
        mode = root.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            "nothing is there",
            code=Code.REFERENCE_NOT_FOUND,
            where=text,
            hint="Give the path of a model directory or of a model file",
        ) from error
    except OSError as error:
        raise OperationError(f"cannot look: {error.strerror or error}", where=text) from error
    return LocalHandle(reference=text, root=root, kind=_kind(mode, text), name=_name(text, root))


def _kind(mode: int, text: str) -> ArtifactKind:
    if stat.S_ISDIR(mode):
        return ArtifactKind.DIRECTORY
    if stat.S_ISREG(mode):
        return ArtifactKind.FILE
    raise ArtifactRefusedError(
        "neither a directory nor a regular file", code=Code.SPECIAL_FILE, where=text
    )


def _name(text: str, root: Path) -> str:
    """Return the base name as written; `.` and `..` say nothing, so there the real one."""
    name = Path(text).name
    return name if name not in {"", ".", ".."} else root.name or "root"
