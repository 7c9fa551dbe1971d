"""
Start bubblewrap as it was started before, and wait for the program.

What `starting.Running` does, for a start whose every word is known. Imports next to nothing: it is
the start of a server, which is to take milliseconds.
"""

import _signal  # type: ignore[import-not-found]  # `signal` imports enumerations
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PLAN, ORDER, STARTED = 101, 102, 103
"""The descriptors that a line speaks of: what bubblewrap reads, what the last step reads, and what
it tells of its start by."""

_PASSED_ON = (_signal.SIGTERM, _signal.SIGHUP, _signal.SIGUSR1, _signal.SIGUSR2)
_DEFAULT = (_signal.SIGPIPE, _signal.SIGXFSZ)
"""Which the interpreter ignores, and programs do not expect to be ignored."""
_FIRST = 3


def launch(line: "Sequence[str]", *, plan: bytes, order: bytes) -> int | None:
    """
    Return the exit code of the program; None where it was not started.

    Args:
        line: Bubblewrap and its arguments.
        plan: What it reads from `PLAN`.
        order: What the last step reads from `ORDER`.
    """
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  pathlib takes as long as all of this
        if int(name) >= _FIRST:
            _keep_to_oneself(int(name))
    given = {PLAN: _filled(plan), ORDER: _filled(order)}
    news, given[STARTED] = os.pipe()
    os.set_blocking(news, False)
    # An interrupt of the terminal is for the program, which is in the same group.
    before = {_signal.SIGINT: _signal.signal(_signal.SIGINT, _signal.SIG_IGN)}
    try:
        process = os.posix_spawn(
            line[0],
            [*line],
            {},
            file_actions=[(os.POSIX_SPAWN_DUP2, own, to) for to, own in given.items()],
            setsigdef=_DEFAULT,
        )
        for own in given.values():
            os.close(own)
        for number in _PASSED_ON:
            before[number] = _signal.signal(number, _passing_on(process))
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        return (128 - code if code < 0 else code) if _said(news) else None
    except OSError:
        return None  # it could not be started
    finally:
        for number, handler in before.items():
            _signal.signal(number, handler)
        os.close(news)


def _said(news: int) -> bool:
    try:
        return bool(os.read(news, 1))
    except BlockingIOError:
        return False


def _keep_to_oneself(descriptor: int) -> None:
    try:
        os.set_inheritable(descriptor, False)
    except OSError:
        return  # the listing's own


def _filled(data: bytes) -> int:
    descriptor = os.memfd_create("weighbridge")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _passing_on(process: int):  # type: ignore[no-untyped-def]  # noqa: ANN202  see below
    def pass_on(number: int, frame: object) -> None:
        """Hand a signal to the program, which the first process inside has started."""
        del frame
        for first in _children(process) or [process]:
            for child in _children(first) or [first]:
                try:
                    os.kill(child, number)
                except ProcessLookupError:
                    continue

    return pass_on


def _children(process: int) -> "list[int]":
    try:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:  # noqa: PTH123
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def say(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
