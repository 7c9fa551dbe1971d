"""
A place for new files that is there whole, or not at all.

Everything is written into a directory beside the destination that nobody else can enter, and
renamed when it is complete. An error, an interrupt or a full disk leaves nothing; a process that
is killed leaves that directory, whose name begins with `.weighbridge-`, and never the destination.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.load.tree import remove_for_sure
from weighbridge.pipeline.output import put

_TAKEN: Final = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR})


class Destination:
    """
    Where new files go.

    Args:
        place: A directory that is not there yet, or is empty; or a file that is not there yet.
        single: Whether it is a file. Others that belong to it, whose names begin with its name,
            come beside it.

    Raises:
        UsageError: It names nothing, or there is no directory that it could be in.
        OperationError: Something is there (`Code.OUTPUT_EXISTS`).
    """

    def __init__(self, place: str | os.PathLike[str], *, single: bool) -> None:
        text = os.fspath(place)
        if not text or "\0" in text:
            raise UsageError("a destination is a path", found=repr(text))
        # Links above are the caller's, and followed once: the last part is never followed.
        given = Path(os.path.abspath(text))  # noqa: PTH100  no link is resolved
        self.path: Final = Path(os.path.realpath(given.parent), given.name)
        self.single: Final = single
        if not self.path.name:
            raise UsageError("a destination has a name", found=text)
        if not self.path.parent.is_dir():
            raise UsageError(
                "the directory of the destination is not there",
                code=Code.REFERENCE_NOT_FOUND,
                where=os.fspath(given.parent),
                hint="Make it, or name another destination",
            )
        self._require_free()

    def _require_free(self) -> None:
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed(error) from error
        if self.single or not stat.S_ISDIR(status.st_mode):
            raise self._taken()
        try:
            with os.scandir(self.path) as entries:
                if next(entries, None) is not None:
                    raise self._taken()
        except OSError as error:
            raise self._failed(error) from error

    def require_room(self, size: int, /) -> None:
        """
        Refuse to begin where the file system has less than *size* bytes left.

        Raises:
            OperationError: It has.
        """
        if not hasattr(os, "statvfs"):
            return
        status = os.statvfs(self.path.parent)
        free = status.f_bavail * status.f_frsize
        if free < size:
            raise OperationError(
                "there is not enough room for the result",
                where=os.fspath(self.path.parent),
                expected=f"{size} bytes",
                found=f"{free}",
                hint="Free room there, or name another destination",
            )

    @contextmanager
    def prepared(self) -> Iterator[Path]:
        """
        Make the directory in which the new files are written, and remove what is left of it.

        Until `publish` is called with it, the destination does not change.

        Raises:
            OperationError: The system refuses.
        """
        workplace = self.path.with_name(f".weighbridge-{os.urandom(6).hex()}")
        with ExitStack() as unwinding:
            try:
                # Before it is made: an interrupt right behind it finds it registered.
                unwinding.callback(remove_for_sure, workplace)
                workplace.mkdir(mode=0o700)
                inner = workplace / "new"
                inner.mkdir()
            except OSError as error:
                raise self._failed(error) from error
            try:
                yield inner
            except OSError as error:
                raise self._failed(error) from error

    def publish(self, inner: Path, /) -> None:
        """
        Give what is in *inner* its name.

        Raises:
            OperationError: Something came there meanwhile, or the system refuses.
        """
        try:
            if self.single:
                self._publish_files(inner)
            else:
                inner.rename(self.path)
        except OSError as error:
            if error.errno in _TAKEN:
                raise self._taken() from error
            raise self._failed(error) from error

    def _publish_files(self, inner: Path) -> None:
        """Give each file its name; the one that is asked for comes last."""
        files = sorted(inner.iterdir(), key=lambda file: file.name == self.path.name)
        with ExitStack() as undo:
            for file in files:
                place = self.path.with_name(file.name)
                # Before it is there: an interrupt right behind it finds it registered.
                undo.callback(_withdraw, place, file.lstat())
                put(file, place, replace=False)
            undo.pop_all()

    def _taken(self) -> OperationError:
        return OperationError(
            "something is there already",
            code=Code.OUTPUT_EXISTS,
            where=os.fspath(self.path),
            expected="nothing" if self.single else "nothing, or an empty directory",
            hint="Remove it, or name another destination",
        )

    def _failed(self, error: OSError) -> OperationError:
        return OperationError(
            f"the result cannot be written: {error.strerror or error}",
            where=os.fspath(self.path),
            hint="Free room there, or name another destination"
            if error.errno in {errno.ENOSPC, errno.EDQUOT}
            else None,
        )


def _withdraw(place: Path, written: os.stat_result) -> None:
    """Remove *place* if it is the file that was *written*, and nobody else's."""
    with suppress(FileNotFoundError):
        if os.path.samestat(place.lstat(), written):
            place.unlink()
