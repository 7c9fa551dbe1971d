"""
Stay beside a program, and leave nothing of it: what it has started ends with it.

Without namespaces a process that a program leaves behind would go on. The minder is outside the
walls, and inherits whatever loses its parent below it. It takes signals, and makes the calls on
sockets that the program asks about (`unix_sockets`), and takes nothing else.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enumerations
import os

from weighbridge.sandbox import kernel

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, NoReturn

    from weighbridge.sandbox.walls.unix_sockets import Meeting

_SET_CHILD_SUBREAPER: Final = 36
PARENT_ENDED: Final = getattr(_signal, "SIGRTMIN", 34)  # other systems only import this
"""Tells a minder to end everything, as the end of its parent does."""

_PASSED_ON: Final = frozenset({_signal.SIGTERM, _signal.SIGHUP, _signal.SIGUSR1, _signal.SIGUSR2})
_WAITED: Final = frozenset({*_PASSED_ON, _signal.SIGCHLD, PARENT_ENDED})
_FIRST: Final = 3
_LAST_DESCRIPTOR: Final = 1 << 20


def fork_minded(
    parent: int | None, meeting: Meeting | None = None, *, leaves: str | None = None
) -> int:
    """
    Go on as a child of this process, which stays behind as its minder and never returns.

    The minder hands signals that ask to end on to the child and exits as the child does; by then,
    or when the process *parent* has ended, it has killed everything that the child has started.
    In the latter case it removes the directory *leaves* as well, which the parent cannot any more.
    It makes the calls on sockets that the child asks about by *meeting*.

    Without *parent* the one that there is counts: in a namespace nobody else can be it.

    Returns:
        The minder's process.

    Raises:
        OSError: The kernel refuses, or the parent has ended.
    """
    minder = os.getpid()
    kernel.prctl(_SET_CHILD_SUBREAPER, 1)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, _WAITED)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, PARENT_ENDED)
    if parent is not None:
        require_parent(parent)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    child = os.fork()
    if child:
        _mind(child, meeting, leaves)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, _WAITED)
    return minder


def require_parent(parent: int, /) -> None:
    """
    Find out whether *parent* is still there: who dies with it has to ask once it is so set.

    Raises:
        OSError: It has ended.
    """
    if os.getppid() != parent:
        raise OSError(0, "the process that started it has ended")


def _mind(child: int, meeting: Meeting | None, leaves: str | None) -> NoReturn:
    for ignored in (_signal.SIGINT, _signal.SIGQUIT):
        _signal.signal(ignored, _signal.SIG_IGN)
    kept = _FIRST if meeting is None else meeting.keep()
    os.closerange(_FIRST, kept)
    os.closerange(kept + (meeting is not None), _LAST_DESCRIPTOR)
    if meeting is not None:
        meeting.serve()
    while True:
        number = _signal.sigwait(_WAITED)
        if number in _PASSED_ON:
            os.kill(child, number)
            continue
        code = _reap(child) if number == _signal.SIGCHLD else 128 + _signal.SIGKILL
        if code is not None:
            _end_all()
            if number == PARENT_ENDED and leaves is not None:
                _remove(leaves)
            os._exit(code)


def _remove(leaves: str) -> None:
    # Imported here: seldom needed.
    from weighbridge.sandbox.walls.leftovers import remove_tree  # noqa: PLC0415  see above

    try:
        remove_tree(leaves)
    except OSError:
        return


def _reap(child: int) -> int | None:
    """Take what has ended; return the exit code of *child* if that has."""
    found = None
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if process == 0:
            return found
        if process == child:
            code = os.waitstatus_to_exitcode(status)
            found = 128 - code if code < 0 else code


def _end_all() -> None:
    """Kill every process below this one; those that lose their parent come up to it."""
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:  # noqa: PTH123  see above
            children = file.read().split()
        for process in children:
            os.kill(int(process), _signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
