"""Read a small file that is not part of an artifact: a key, a policy, a signature."""

import os
import stat
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, OperationError, UsageError

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NONBLOCK: Final = getattr(os, "O_NONBLOCK", 0)


def read_if_present(path: Path, /, *, limit: int) -> bytes | None:
    """
    Return the content of *path*, or None when nothing is there.

    For files whose place is known and whose presence is not, such as the signature in a model
    that anybody may have made: a pipe or device there is refused without waiting for it.

    Args:
        path: The file.
        limit: Bytes at most.

    Raises:
        LimitExceededError: The file is longer.
        OperationError: It is no regular file, or cannot be read.
    """
    try:
        descriptor = os.open(path, _FLAGS | _NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OperationError(
                "not a regular file", code=Code.SPECIAL_FILE, where=os.fspath(path)
            )
        return read_open(descriptor, path, limit=limit)
    finally:
        os.close(descriptor)


def read_named(path: Path, /, *, limit: int, what: str) -> bytes:
    """
    Return the content of the file that the user named.

    Pipes are welcome: keys come from process substitutions.

    Args:
        path: The file.
        limit: Bytes at most.
        what: What the file is for, for the message.

    Raises:
        UsageError: Nothing is there.
        LimitExceededError: The file is longer.
        OperationError: It cannot be read.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"there is no such {what}",
            code=Code.REFERENCE_NOT_FOUND,
            where=os.fspath(path),
        ) from error
    except UnicodeEncodeError as error:
        raise OperationError(
            f"the name of the {what} has characters that are none in this system's encoding",
            where=os.fspath(path),
            found=error.encoding,
            hint="Set a locale with UTF-8, such as LC_ALL=C.UTF-8",
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        return read_open(descriptor, path, limit=limit)
    finally:
        os.close(descriptor)


def read_open(descriptor: int, path: Path, /, *, limit: int) -> bytes:
    """
    Return what is left of the open file *descriptor*, called *path* in messages.

    Raises:
        LimitExceededError: It is more than *limit* bytes.
        OperationError: It cannot be read.
    """
    data = bytearray()
    try:
        while piece := os.read(descriptor, min(limit + 1 - len(data), 1 << 20)):
            data += piece
            if len(data) > limit:
                raise LimitExceededError(
                    "the file is too large",
                    where=os.fspath(path),
                    expected=f"at most {limit} bytes",
                )
    except OSError as error:
        raise _unreadable(path, error) from error
    return bytes(data)


def _unreadable(path: Path, error: OSError) -> OperationError:
    return OperationError(
        f"the file cannot be read: {error.strerror or error}", where=os.fspath(path)
    )
