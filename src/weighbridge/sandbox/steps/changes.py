"""
Changes of modes, owners and times that an isolated step asks for, made in its place.

Landlock does not see them, and no filter sees which file a call means. So the runner is asked: it
opens what the call names, looks at where that is, and changes that very file if it lies where the
step may write. What the step does to its memory or to its directories meanwhile changes nothing.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Callable, Iterable
from functools import cache
from struct import Struct
from typing import Final

from weighbridge.sandbox import kernel
from weighbridge.sandbox.calls import MODES_OWNERS_AND_TIMES
from weighbridge.sandbox.numbers import number
from weighbridge.sandbox.reaching import read_memory
from weighbridge.sandbox.steps.calls import path_of, signed
from weighbridge.sandbox.steps.notices import Notice

_NO_FOLLOW: Final = 0x100
_EMPTY_PATH: Final = 0x1000
_CURRENT_DIRECTORY: Final = -100
_RIGHTS_OF_OTHERS: Final = stat.S_ISUID | stat.S_ISGID
_MODE: Final = 0o7777
_PAIR: Final = Struct("=qq")
_TIMES: Final = Struct("=qqqq")
_NANOSECONDS: Final = 1000

_Change = Callable[[str], None]
"""Changes the file that an absolute path of /proc stands for."""


class Changes:
    """
    Makes the changes that a step asks for.

    Args:
        writable: Absolute real paths below which it may write.
    """

    def __init__(self, writable: Iterable[str]) -> None:
        self._below = tuple(place.rstrip("/") + "/" for place in writable)
        self._calls = _calls(kernel.machine() or "")

    def is_about(self, notice: Notice, /) -> bool:
        """Tell whether the call of *notice* is such a change."""
        return notice.number in self._calls

    def make(self, notice: Notice, is_valid: Callable[[], bool], /) -> int:
        """
        Make the change that *notice* asks for; return 0, or the number of the error.

        Args:
            notice: The call; its thread waits.
            is_valid: Says whether it still does: then what was read was of that very thread.
        """
        try:
            target, change = self._calls[notice.number](notice)
            opened = os.open(target.path, target.flags)
        except OSError as error:
            return error.errno or errno.EPERM
        try:
            if not is_valid():
                return errno.EINTR
            place = os.readlink(f"/proc/self/fd/{opened}")  # noqa: PTH115  called for each change
            if not f"{place}/".startswith(self._below):
                return errno.EPERM
            change(f"/proc/self/fd/{opened}")
        except OSError as error:
            return error.errno or errno.EPERM
        finally:
            os.close(opened)
        return 0


class _Target:
    """What a call names, and how that is opened so that nothing but its place is touched."""

    __slots__ = ("flags", "path")

    def __init__(self, path: str, *, follow: bool = True) -> None:
        self.path = path
        self.flags = os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)


def _opened(notice: Notice, index: int) -> _Target:
    return _Target(f"/proc/{notice.thread}/fd/{signed(notice.arguments[index])}")


def _named(notice: Notice, *, follow: bool = True) -> _Target:
    return _Target(path_of(notice, 0), follow=follow)


def _named_at(notice: Notice, *, flags: int = 0) -> _Target:
    follow = not flags & _NO_FOLLOW
    if not notice.arguments[1]:
        return _opened(notice, 0)
    return _Target(path_of(notice, 1, directory=0), follow=follow)


def _mode(value: int) -> _Change:
    def change(place: str) -> None:
        found = os.stat(place)  # noqa: PTH116  a descriptor
        if value & _RIGHTS_OF_OTHERS and not stat.S_ISDIR(found.st_mode):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        if stat.S_ISLNK(found.st_mode):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        os.chmod(place, value & _MODE)  # noqa: PTH101  a descriptor

    return change


def _owner(user: int, group: int) -> _Change:
    return lambda place: os.chown(place, signed(user), signed(group))


def _times(seconds: tuple[int, int, int, int] | None) -> _Change:
    """Return what sets both times, each in seconds and nanoseconds; None for now."""
    times = None if seconds is None else ctypes.create_string_buffer(_TIMES.pack(*seconds), 32)

    def change(place: str) -> None:
        name = ctypes.create_string_buffer(os.fsencode(place))
        call = kernel.require_number("utimensat")
        kernel.syscall(call, _CURRENT_DIRECTORY, name, times, 0)

    return change


def _read_times(notice: Notice, index: int, *, scale: int = 1) -> _Change:
    """Read two times; *scale* makes nanoseconds of what they have besides seconds."""
    if not notice.arguments[index]:
        return _times(None)
    data = read_memory(notice.thread, notice.arguments[index], _TIMES.size)
    first, part, second, other = _TIMES.unpack(data)
    return _times((first, part * scale, second, other * scale))


def _utime(notice: Notice) -> tuple[_Target, _Change]:
    if not notice.arguments[1]:
        return _named(notice), _times(None)
    first, second = _PAIR.unpack(read_memory(notice.thread, notice.arguments[1], _PAIR.size))
    return _named(notice), _times((first, 0, second, 0))


@cache
def _calls(machine: str) -> dict[int, Callable[[Notice], tuple[_Target, _Change]]]:
    """Return what reads each call of *machine*, by its number."""
    readers: dict[str, Callable[[Notice], tuple[_Target, _Change]]] = {
        "chmod": lambda n: (_named(n), _mode(n.arguments[1])),
        "fchmod": lambda n: (_opened(n, 0), _mode(n.arguments[1])),
        "fchmodat": lambda n: (_named_at(n), _mode(n.arguments[2])),
        "fchmodat2": lambda n: (_named_at(n, flags=n.arguments[3]), _mode(n.arguments[2])),
        "chown": lambda n: (_named(n), _owner(*n.arguments[1:3])),
        "lchown": lambda n: (_named(n, follow=False), _owner(*n.arguments[1:3])),
        "fchown": lambda n: (_opened(n, 0), _owner(*n.arguments[1:3])),
        "fchownat": lambda n: (_named_at(n, flags=n.arguments[4]), _owner(*n.arguments[2:4])),
        "utime": _utime,
        "utimes": lambda n: (_named(n), _read_times(n, 1, scale=_NANOSECONDS)),
        "futimesat": lambda n: (_named_at(n), _read_times(n, 2, scale=_NANOSECONDS)),
        "utimensat": lambda n: (_named_at(n, flags=n.arguments[3]), _read_times(n, 2)),
    }
    assert readers.keys() == set(MODES_OWNERS_AND_TIMES)
    if not machine:
        return {}
    found = ((number(name, machine), reader) for name, reader in readers.items())
    return {each: reader for each, reader in found if each is not None}
