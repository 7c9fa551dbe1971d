"""What a notice says: which paths a call is about, resolved as the calling thread would."""

import os
from collections.abc import Callable, Mapping
from functools import cache
from struct import Struct
from typing import Final, TypeAlias

from weighbridge.core.values import frozen
from weighbridge.sandbox import bpf, kernel
from weighbridge.sandbox.numbers import number
from weighbridge.sandbox.reaching import read_memory
from weighbridge.sandbox.steps.notices import Notice, read_path

_CURRENT_DIRECTORY: Final = -100
_EMPTY_PATH: Final = 0x1000
_FLAGS: Final = Struct("=Q")
_CREAT_FLAGS: Final = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
_SELF: Final = ("/proc/self", "/proc/thread-self", "/dev/fd", "/dev/stdin", "/dev/stdout")


@frozen(kw_only=False)
class Opens:
    """The thread opens a file; with `O_PATH` it only names it."""

    path: str
    flags: int


@frozen(kw_only=False)
class Runs:
    """The thread becomes a program."""

    path: str


@frozen(kw_only=False)
class Names:
    """The thread gives the file at one path another one; the first stays if `kept`."""

    old: str
    new: str
    kept: bool


@frozen(kw_only=False)
class Connects:
    """The thread makes a socket that can leave the machine."""


@frozen(kw_only=False)
class Hides:
    """From now on something of the step may not be seen."""

    reason: str


Call: TypeAlias = Opens | Runs | Names | Connects | Hides


def read_call(notice: Notice, /) -> Call:
    """
    Return what the call of *notice* is about.

    Paths are absolute and not resolved any further; one that has a wrong descriptor is empty.

    Raises:
        OSError: The thread is gone, or its memory cannot be read.
    """
    machine = kernel.machine()
    if machine is None or notice.architecture != bpf.AUDIT_ARCH[machine]:
        return Hides("it ran a program for another architecture")
    reader = _readers(machine).get(notice.number)
    if reader is None:
        return Hides(f"it made the system call {notice.number}")
    return reader(notice)


def path_of(notice: Notice, index: int, /, *, directory: int | None = None) -> str:
    """
    Return the path in the argument *index*, relative to the one in *directory* if there is.

    It is absolute and not resolved any further; one that has a wrong descriptor is empty.

    Raises:
        OSError: The thread is gone, or its memory cannot be read.
    """
    text = read_path(notice.thread, notice.arguments[index])
    if text.startswith("/"):
        return _own(text, notice.thread)
    number = _CURRENT_DIRECTORY if directory is None else signed(notice.arguments[directory])
    place = "cwd" if number == _CURRENT_DIRECTORY else f"fd/{number}"
    if not text:
        return f"/proc/{notice.thread}/{place}"
    try:
        base = os.readlink(f"/proc/{notice.thread}/{place}")  # noqa: PTH115  called for each open
    except FileNotFoundError:
        return ""
    return f"{base}/{text}"


def _own(text: str, thread: int) -> str:
    """Return *text* with what means the calling thread meaning it for us as well."""
    for name in _SELF:
        if text.startswith(name) and text[len(name) :][:1] in {"", "/"}:
            rest = text[len(name) :]
            if name.startswith("/proc"):
                return f"/proc/{thread}{rest}"
            standard = {"/dev/stdin": "fd/0", "/dev/stdout": "fd/1"}.get(name, "fd")
            return f"/proc/{thread}/{standard}{rest}"
    return text


def signed(value: int, /) -> int:
    """Return the lower half of an argument as the number with a sign that it is."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _open(notice: Notice) -> Call:
    return Opens(path_of(notice, 0), notice.arguments[1])


def _creat(notice: Notice) -> Call:
    return Opens(path_of(notice, 0), _CREAT_FLAGS)


def _openat(notice: Notice) -> Call:
    return Opens(path_of(notice, 1, directory=0), notice.arguments[2])


def _openat2(notice: Notice) -> Call:
    (flags,) = _FLAGS.unpack(read_memory(notice.thread, notice.arguments[2], _FLAGS.size))
    return Opens(path_of(notice, 1, directory=0), flags)


def _execve(notice: Notice) -> Call:
    return Runs(path_of(notice, 0))


def _execveat(notice: Notice) -> Call:
    return Runs(path_of(notice, 1, directory=0))


def _rename(notice: Notice) -> Call:
    return Names(path_of(notice, 0), path_of(notice, 1), kept=False)


def _renameat(notice: Notice) -> Call:
    return Names(path_of(notice, 1, directory=0), path_of(notice, 3, directory=2), kept=False)


def _link(notice: Notice) -> Call:
    return Names(path_of(notice, 0), path_of(notice, 1), kept=True)


def _linkat(notice: Notice) -> Call:
    return Names(path_of(notice, 1, directory=0), path_of(notice, 3, directory=2), kept=True)


def _socket(_notice: Notice) -> Call:
    return Connects()


def _moves(_notice: Notice) -> Call:
    return Hides("it changed what its paths mean: a namespace, root or mount of its own")


def _handles(_notice: Notice) -> Call:
    return Hides("it opened a file by a handle instead of a path")


@cache
def _readers(machine: str) -> Mapping[int, Callable[[Notice], Call]]:
    """Return what reads each call of *machine*, by its number."""
    readers: dict[str, Callable[[Notice], Call]] = {
        "open": _open,
        "creat": _creat,
        "openat": _openat,
        "openat2": _openat2,
        "execve": _execve,
        "execveat": _execveat,
        "rename": _rename,
        "renameat": _renameat,
        "renameat2": _renameat,
        "link": _link,
        "linkat": _linkat,
        "socket": _socket,
        "open_by_handle_at": _handles,
        **dict.fromkeys(("clone", "unshare", "setns", "chroot", "pivot_root"), _moves),
    }
    found = ((number(name, machine), reader) for name, reader in readers.items())
    return {each: reader for each, reader in found if each is not None}
