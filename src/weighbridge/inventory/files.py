"""Open a listed file and make sure that it is, and stays, the one that was listed."""

import errno
import io
import os
import stat
from typing import Final

from weighbridge.core.artifact import FileStamp
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError
from weighbridge.inventory.walk import stamp_of

# O_NONBLOCK: should the file have become a pipe, opening it must not wait for a writer.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)

_VANISHED: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})


def location(root: str, path: str, /) -> str:
    """Return where the file *path* of the artifact at *root* lies; `.` is the root itself."""
    return root if path == "." else f"{root}/{path}"


def open_descriptor(place: str, /, *, through_symlink: bool) -> int:
    """Open *place* for reading; a symbolic link only where one was listed."""
    return os.open(place, _FLAGS if through_symlink else _FLAGS | _NOFOLLOW)


def check_unchanged(descriptor: int, stamp: FileStamp, /, *, path: str) -> None:
    """
    Check that the open file is the listed one and nothing wrote to it.

    Raises:
        ArtifactChangedError: It is another file, or was modified since it was listed.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or stamp_of(status) != stamp:
        raise changed(path)


def check_regular(descriptor: int, /, *, path: str) -> None:
    """
    Check that the open file is a regular one.

    Raises:
        ArtifactChangedError: It is not, so that it is not the one that was listed.
    """
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise changed(path)


def changed(
    path: str, /, *, why: str = "it was replaced or modified while it was read"
) -> ArtifactChangedError:
    """Return the error that says that the file at *path* did not hold still."""
    return ArtifactChangedError(
        why, where=path, hint="Run again when nothing writes to the artifact"
    )


def failure(error: OSError, /) -> tuple[Code, str]:
    """Return the code and the sentence for an operating system's *error* on a listed file."""
    if error.errno in _VANISHED:
        return Code.FILE_CHANGED, "it was removed or replaced while the artifact was read"
    return Code.FILE_UNREADABLE, f"it cannot be read: {error.strerror or error}"


class FileSource:
    """
    An open file as a parser sees it.

    The owner of the file checks afterwards that it did not change; until then what was read is
    not evidence.
    """

    def __init__(self, file: io.FileIO, *, size: int, path: str) -> None:
        self._file = file
        self._size = size
        self._path = path

    @property
    def size(self) -> int:
        """Bytes in total, as listed."""
        return self._size

    def fileno(self) -> int:
        """Return the descriptor, open for reading only: a confined parser may read it itself."""
        return self._file.fileno()

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        length = min(length, max(0, self._size - offset))
        data = bytearray()
        self._file.seek(offset)
        while len(data) < length:
            piece = self._file.read(length - len(data))
            if not piece:
                raise changed(self._path, why="it became shorter while it was read")
            if len(piece) == length:
                return piece
            data += piece
        return bytes(data)
