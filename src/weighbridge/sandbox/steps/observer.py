"""
Which files a step read that it did not make: kept up from its calls, one by one.

Each call is looked at twice: before it is made, for what is there by then, and after the thread
was let go, for what takes longer. The calls of several threads come in the order in which the
kernel tells of them, which need not be that in which they take effect.
"""

import os
import stat
from collections.abc import Iterable
from typing import Final

from weighbridge.core.limits.sandbox import MAX_OBSERVED_FILES, MAX_SYSTEM_PATH_BYTES
from weighbridge.sandbox.steps.calls import Call, Connects, Hides, Names, Opens, Runs
from weighbridge.sandbox.steps.interface import Observation

_ACCESS: Final = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
_NAMES_ONLY: Final = getattr(os, "O_PATH", 0)
_INTERPRETED: Final = b"#!"
_MAX_FIRST_LINE: Final = 256

FULL: Final = "it read more files than are noted"
GONE: Final = "a process ended before what it opened was looked at"


class Observer:
    """
    Everything that is known of a step's files.

    Args:
        expected: Absolute real paths of files and directories whose reading is no news.
    """

    def __init__(self, expected: Iterable[str]) -> None:
        self._expected = frozenset(expected)
        self._known: dict[str, bool] = {}
        self._made: set[str] = set()
        self._files: set[str] = set()
        self._network = False
        self._blind: dict[str, None] = {}

    def report(self) -> Observation:
        """Return what was seen so far."""
        return Observation(
            files=tuple(sorted(self._files)), network=self._network, blind=tuple(self._blind)
        )

    def miss(self, reason: str) -> None:
        """Note that something may not have been seen."""
        self._blind[reason] = None

    def before(self, call: Call, /) -> os.stat_result | None:
        """Return what is at the path of *call*, links followed; None for nothing."""
        match call:
            case Opens(path) | Runs(path):
                return _status(path)
            case Names(path):
                found = _status(path)
                if found is not None:
                    # By now, since it is not there any more when the call has been made.
                    self._take_over(_named(path), found)
                return found
            case _:
                return None

    def after(self, call: Call, found: os.stat_result | None, /) -> None:
        """Take *call* into account; *found* is what was at its path before."""
        try:
            self._note(call, found)
        except OSError:
            # Its process has ended, and with it the directories of /proc that the path leads by.
            self.miss(GONE)

    def _note(self, call: Call, found: os.stat_result | None) -> None:
        match call:
            case Opens(path, flags):
                self._open(path, flags, found)
            case Runs(path):
                self._run(path, found)
            case Names(old, new, kept):
                self._name(old, new, found, kept=kept)
            case Connects():
                self._network = True
            case Hides(reason):
                self.miss(reason)

    def _open(self, path: str, flags: int, found: os.stat_result | None) -> None:
        if found is None:
            if flags & os.O_CREAT:
                self._made.add(os.path.realpath(path))
            return
        if not stat.S_ISREG(found.st_mode) or (_NAMES_ONLY and flags & _NAMES_ONLY):
            return
        writes_only = flags & _ACCESS == os.O_WRONLY
        if flags & os.O_TRUNC and flags & _ACCESS:
            # What was there is gone; all that is there from now on is the step's.
            self._made.add(os.path.realpath(path))
        elif not writes_only:
            self._read(os.path.realpath(path), found)

    def _run(self, path: str, found: os.stat_result | None) -> None:
        if found is None or not stat.S_ISREG(found.st_mode):
            return
        real = os.path.realpath(path)
        self._read(real, found)
        interpreter = _interpreter(real)
        if interpreter is not None:
            self._read(os.path.realpath(interpreter), None)

    def _name(self, old: str, new: str, found: os.stat_result | None, *, kept: bool) -> None:
        if found is None or not new:
            return
        before, after = _named(old), _named(new)
        if stat.S_ISDIR(found.st_mode):
            inside = {path for path in self._made if path.startswith(before + "/")}
            self._made |= {after + path[len(before) :] for path in inside}
            return
        # A file that never had a name was made by whoever holds it.
        if before in self._made or os.path.realpath(old) in self._made or not found.st_nlink:
            self._made.add(after)
        else:
            self._made.discard(after)
        if not kept:
            self._made.discard(before)

    def _take_over(self, place: str, found: os.stat_result) -> None:
        """
        Note what gets another name and was not made here: its bytes are there without a read.

        Of a directory these are the files in it. A symbolic link is a name, and has no bytes.
        """
        if os.path.islink(place):  # noqa: PTH114  see `before`
            return
        if stat.S_ISREG(found.st_mode):
            self._read(place, found)
        elif stat.S_ISDIR(found.st_mode):
            for directory, _, names in os.walk(place):
                for name in names:
                    path = f"{directory}/{name}"
                    if not os.path.islink(path) and os.path.isfile(path):  # noqa: PTH113, PTH114
                        self._read(path, None)
                if FULL in self._blind:
                    return

    def _read(self, real: str, found: os.stat_result | None) -> None:
        """Note that the file at the real path *real* was read, if that is news."""
        if real in self._made or real in self._files or self._is_expected(real):
            return
        if found is not None and not found.st_nlink:
            return
        if not os.access(real, os.R_OK) and os.path.lexists(real):
            return  # nor could the step, which has this process's rights or fewer
        if len(self._files) >= MAX_OBSERVED_FILES or len(real) > MAX_SYSTEM_PATH_BYTES:
            self.miss(FULL)
            return
        self._files.add(real)

    def _is_expected(self, path: str) -> bool:
        """Tell whether *path* or a directory above it is expected."""
        if path in self._expected:
            return True
        above = path.rpartition("/")[0]
        if not above:
            return "/" in self._expected
        known = self._known.get(above)
        if known is None:
            known = self._is_expected(above)
            self._known[above] = known
        return known


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116  called for each open
    except (OSError, ValueError):
        return None


def _named(path: str) -> str:
    """Return the real path of the name *path*: where it is a link, of the link itself."""
    return os.path.realpath(os.path.dirname(path)) + "/" + os.path.basename(path)  # noqa: PTH119, PTH120  see `before`


def _interpreter(path: str) -> str | None:
    """Return what the kernel runs the script *path* with; None if it is no script."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  see `before`
            line = file.read(_MAX_FIRST_LINE).partition(b"\n")[0]
    except OSError:
        return None
    if not line.startswith(_INTERPRETED):
        return None
    words = line[len(_INTERPRETED) :].split()
    return os.fsdecode(words[0]) if words else None
