"""Write a result file so that it is there whole, or not at all."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError

_NEW_FILE: Final = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)

_UNREADABLE: Final = 0o200
"""Of a name that is taken and has no content yet."""


def write_whole(path: Path, data: bytes, /, *, replace: bool = True, mode: int = 0o666) -> None:
    """
    Write *data* to *path* by way of a temporary file beside it.

    An error or an interrupt leaves what was there before, and no temporary file.

    Args:
        path: Where to.
        data: The content.
        replace: Whether an existing file may be replaced.
        mode: The file's permissions, less what the user's mask takes away.

    Raises:
        UsageError: It names no file.
        OperationError: The file exists, or the system refuses.
    """
    if not path.name:
        raise UsageError("a file has a name", where=os.fspath(path), expected="such as report.json")
    if not replace and path.exists():
        raise _exists(path)
    try:
        _write(path, data, replace=replace, mode=mode)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise OperationError(
            f"the file cannot be written: {error.strerror or error}", where=os.fspath(path)
        ) from error


def write_all(files: Mapping[Path, bytes], /) -> None:
    """
    Write *files*, which mean something together only, in their order.

    An error or an interrupt leaves none of them. What was there before stays and is an error.

    Args:
        files: Their content by their path.

    Raises:
        UsageError: One of them has no name.
        OperationError: One of them exists, or the system refuses.
    """
    with ExitStack() as unwinding:
        begun: list[Path] = []
        unwinding.callback(_take_back, begun)
        for path, data in files.items():
            # Noted first: an interrupt may come when the file is there and nobody knows it yet.
            begun.append(path)
            try:
                write_whole(path, data, replace=False)
            except OperationError as error:
                if error.code is Code.OUTPUT_EXISTS:
                    begun.pop()  # somebody else's
                raise
        unwinding.pop_all()


def lies_in(place: str | os.PathLike[str], reference: str | os.PathLike[str], /) -> bool:
    """Tell whether *place* is the model *reference* or in it, where one more file is unsigned."""
    real, root = Path(os.path.realpath(place)), Path(os.path.realpath(reference))
    return real == root or root in real.parents


def require_other(place: Path, /, *read: str | os.PathLike[str]) -> None:
    """
    Refuse to write a result over one of the files that it is made of.

    Raises:
        UsageError: *place* is one of those that are *read*.
    """
    if os.path.realpath(place) in map(os.path.realpath, read):
        raise UsageError(
            "a result cannot be written over what it is about",
            where=os.fspath(place),
            expected="another file",
        )


def _take_back(paths: Sequence[Path]) -> None:
    for path in reversed(paths):
        # What stopped the writing is the error to be told.
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _exists(path: Path) -> OperationError:
    return OperationError(
        "the file exists already",
        code=Code.OUTPUT_EXISTS,
        where=os.fspath(path),
        hint="Remove it, or give another name",
    )


def _write(path: Path, data: bytes, *, replace: bool, mode: int) -> None:
    # O_EXCL: a name that somebody prepared, a link for example, is refused and not followed.
    # Its own short name: the file's may already be as long as the system allows.
    temporary = path.with_name(f".weighbridge-{os.urandom(6).hex()}")
    descriptor = os.open(temporary, _NEW_FILE, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put(temporary, path, replace=replace)
    finally:
        temporary.unlink(missing_ok=True)


def put(temporary: Path, path: Path, *, replace: bool) -> None:
    """
    Give *temporary* the name *path*; a file that came there is kept unless *replace*.

    Raises:
        FileExistsError: There is one.
        OSError: The system refuses.
    """
    if replace:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: whoever makes the file has the name.
        with ExitStack() as undo:
            os.close(os.open(path, _NEW_FILE, _UNREADABLE))
            undo.callback(path.unlink, missing_ok=True)
            temporary.replace(path)
            undo.pop_all()
