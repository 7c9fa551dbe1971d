"""
How each limit of a program is held: for all of its processes together, or for each.

A control group counts what all of them take, root's included. Where none can be made, the limits
of processes remain: memory is limited for each, processes for each user but root. What cannot be
held is refused before anything is started.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from weighbridge.core.errors import IsolationError
from weighbridge.core.values import frozen
from weighbridge.sandbox.groups.group import grouped, limitable
from weighbridge.sandbox.groups.interface import MEMORY, PROCESSES
from weighbridge.sandbox.walls.interface import Limits

TOGETHER: Final = "all processes together"
EACH: Final = "each process"
USER: Final = "all processes of the user"
FILE: Final = "each file"
_PLACE: Final = "each directory in memory"
CLOCK: Final = "the program and what it started"

_HINT: Final = (
    "Run it where this process may make control groups (systemd-run --user --scope "
    "-p Delegate=yes; a service with Delegate=yes; a container with a writable "
    "/sys/fs/cgroup), {otherwise}"
)


@frozen
class Bounds:
    """
    What the last step before the program is told of limits.

    Attributes:
        each: Limits of processes, by their names in `Limits`.
        joins: Descriptors by which it joins the program's group.
        exceeded: Returns what the group refused the program more of, or ended something for.
    """

    each: tuple[tuple[str, int | None], ...]
    joins: tuple[int, ...] = ()
    exceeded: Callable[[], frozenset[str]] = frozenset


def how_held(limits: Limits, /) -> tuple[tuple[str, str], ...]:
    """
    Return of each limit what the policy calls it, and for what it will hold.

    Raises:
        IsolationError: One cannot be held here.
    """
    return _described(limits, limitable() if shares(limits) else frozenset())


@contextmanager
def bounded(limits: Limits, /) -> Iterator[Bounds]:
    """
    Give how the last step keeps the program to *limits*; on leaving all that is left is ended.

    Raises:
        IsolationError: One cannot be held here, or not any more as it could be a moment ago.
    """
    plan, expected = planned(limits)
    with grouped(shares(limits)) as group:
        if expected != (frozenset() if group is None else group.held):
            raise IsolationError("what a control group can hold here has changed meanwhile")
        if group is None:
            yield plan
        else:
            yield replace(plan, joins=group.joins, exceeded=group.exceeded)


def planned(limits: Limits, /) -> tuple[Bounds, frozenset[str]]:
    """
    Return how the last step will keep the program to *limits*, and what a group has to hold then.

    Raises:
        IsolationError: One cannot be held here.
    """
    asked = shares(limits)
    held = limitable() & asked.keys() if asked else frozenset[str]()
    _described(limits, held)
    return Bounds(each=_of_each(limits, held)), held


def _of_each(limits: Limits, held: frozenset[str]) -> tuple[tuple[str, int | None], ...]:
    """Return the limits of processes that are left beside a group that has *held*."""
    by_group = {_FIELDS[resource] for resource in held}
    return tuple((name, None if name in by_group else getattr(limits, name)) for name in _OF_EACH)


_FIELDS: Final = {MEMORY: "memory_bytes", PROCESSES: "processes"}
_OF_EACH: Final = ("memory_bytes", "processes", "file_bytes", "open_files", "cpu_seconds")


def shares(limits: Limits, /) -> dict[str, int]:
    """Return of what a group would limit how much the program may use of it."""
    asked = ((resource, getattr(limits, name)) for resource, name in _FIELDS.items())
    return {resource: value for resource, value in asked if value is not None}


def _described(limits: Limits, groups: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Return how each limit is held if *groups* limit these resources; see `how_held`."""
    found: list[tuple[str, str]] = []
    if limits.memory_bytes is not None:
        together = MEMORY in groups
        if limits.together and not together:
            raise _not_together("memory-mib", "or leave isolation.together out of the rule")
        found.append(("memory-mib", TOGETHER if together else EACH))
    if limits.processes is not None:
        together = PROCESSES in groups
        if limits.together and not together:
            raise _not_together("processes", "or leave isolation.together out of the rule")
        if not together and is_exempt():
            raise _not_together("processes", "or as another user than root")
        found.append(("processes", TOGETHER if together else USER))
    plain = (
        ("cpu-seconds", limits.cpu_seconds, EACH),
        ("seconds", limits.seconds, CLOCK),
        ("file-mib", limits.file_bytes, FILE),
        ("tmp-mib", limits.temporary_bytes, _PLACE),
        ("open-files", limits.open_files, EACH),
    )
    return (*found, *((name, how) for name, value, how in plain if value is not None))


def _not_together(key: str, otherwise: str) -> IsolationError:
    return IsolationError(
        "no control group can be made that would hold what the rule demands",
        where=f"isolation.{key}",
        found="root's processes are not counted without one"
        if "root" in otherwise
        else "without one, each process is limited by itself",
        hint=_HINT.format(otherwise=otherwise),
    )


def is_exempt() -> bool:
    """
    Tell whether the kernel does not count this user's processes: those of the machine's root.

    Root of a container that is another user outside is counted; where it cannot be told, the last
    step tries it.
    """
    if os.getuid():
        return False
    try:
        lines = Path("/proc/self/uid_map").read_text("ascii").splitlines()
    except OSError:
        return True
    maps = [tuple(map(int, line.split())) for line in lines]
    return next((outside == 0 for inside, outside, _ in maps if inside == 0), True)
