"""
Make a group for one program, have the program join it, and end what is in it.

A group of version 2 holds everything in one directory; in version 1 each resource has one of its
own. It is made below the group that this process is in, whose limits hold as well, or beside it,
since a group of version 2 that has processes cannot share out. No one else's group is changed; one
that a service manager has delegated is nobody else's, and is left for one below: see `delegation`.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enumerations
import fcntl
import os
import time
from contextlib import ExitStack, contextmanager, suppress

from weighbridge.core.limits.sandbox import MAX_ENDING_ROUNDS, MAX_GROUP_ATTEMPTS
from weighbridge.sandbox.groups.delegation import share_out
from weighbridge.sandbox.groups.files import (
    MEMBERS,
    SHARED_OUT,
    members,
    read_text,
    write_text,
)
from weighbridge.sandbox.groups.hierarchies import (
    MEMBERSHIP,
    MOUNTS,
    read_hierarchies,
)
from weighbridge.sandbox.groups.interface import MEMORY, PROCESSES, RESOURCES

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from weighbridge.sandbox.groups.hierarchies import Hierarchy
    from weighbridge.sandbox.groups.interface import Shares

    Place = tuple[str, frozenset[str], int]
    """A directory in which groups can be made, the resources that they limit, and the version."""

_PREFIX: Final = "weighbridge-"
_KILL: Final = "cgroup.kill"
_KIND: Final = "cgroup.type"
_LIMIT: Final = {MEMORY: "memory.max", PROCESSES: "pids.max"}
_OLD_MEMORY: Final = "memory.limit_in_bytes"
_ROUND_SECONDS: Final = 0.01

JOIN: Final = b"0"
"""What a process writes to a descriptor of `Group.joins` to become a member."""


class Group:
    """
    A group, in as many directories as it takes.

    Attributes:
        held: What it limits.
        joins: Descriptors; whoever writes `JOIN` to each is in the group from then on, with
            everything that it starts.

    Raises:
        OSError: It cannot be joined.
    """

    def __init__(self, directories: Iterable[str], held: frozenset[str]) -> None:
        self._directories = tuple(directories)
        self.held: Final = held
        joins: list[int] = []
        with ExitStack() as opened:
            for each in self._directories:
                joins.append(_open_to_join(each))
                opened.callback(os.close, joins[-1])
            self._opened = opened.pop_all()
        self.joins: Final = tuple(joins)

    def exceeded(self) -> frozenset[str]:
        """Return what somebody in it was refused more of, or was ended for."""
        return frozenset(
            resource
            for directory in self._directories
            for resource, names in _EVENTS.items()
            if any(_events(f"{directory}/{name}", keys) for name, keys in names)
        )

    def end(self) -> None:
        """Kill everything in it; what could not be ended within the bound stays."""
        for directory in self._directories:
            with suppress(OSError):
                write_text(f"{directory}/{_LIMIT[PROCESSES]}", "0")  # no new ones meanwhile
        for directory in self._directories:
            _end(directory)

    def close(self) -> None:
        """Kill everything in it, and remove it."""
        self.end()
        self._opened.close()
        for directory in self._directories:
            with suppress(OSError):
                os.rmdir(directory)  # noqa: PTH106  pathlib takes too long


_EVENTS: Final = {
    MEMORY: (("memory.events", ("oom_kill",)), ("memory.oom_control", ("oom_kill",))),
    PROCESSES: (("pids.events", ("max",)),),
}


@contextmanager
def grouped(shares: Shares, /) -> Iterator[Group | None]:
    """
    Give a group that has *shares*, as far as this system lets this process make one.

    `Group.held` says what it limits, which may be less than was asked for. On leaving everything
    in it is killed, and it is removed. Groups that earlier programs could not remove, since they
    were killed themselves, are removed as well.

    Returns:
        None where nothing is to be limited, or nothing can be.
    """
    with ExitStack() as unwinding:
        yield _make_group(_trees(), frozenset(shares), shares, unwinding)


def limitable() -> frozenset[str]:
    """Return what groups that this process can make would limit; one is made and removed."""
    with ExitStack() as unwinding:
        group = _make_group(_trees(), RESOURCES, {}, unwinding)
        return frozenset() if group is None else group.held


def _trees() -> tuple[Hierarchy, ...]:
    try:
        return read_hierarchies(read_text(MOUNTS), read_text(MEMBERSHIP))
    except (OSError, ValueError):
        return ()


def _make_group(
    trees: Iterable[Hierarchy], wanted: frozenset[str], shares: Shares, unwinding: ExitStack
) -> Group | None:
    """Return a group for as much of *wanted* as can be made in *trees*; unwinding removes it."""
    directories: list[str] = []
    held = frozenset[str]()
    for tree in trees:
        place = _place_in(tree, wanted - held)
        if place is None:
            continue
        with suppress(OSError), ExitStack() as making:
            directories.append(_made(place, shares, making))
            held |= place[1]
            unwinding.push(making.pop_all())
    try:
        group = Group(directories, held) if directories else None
    except OSError:
        return None
    if group is not None:
        unwinding.callback(group.close)
    return group


def _place_in(tree: Hierarchy, wanted: frozenset[str]) -> Place | None:
    if not wanted:
        return None
    return _unified(tree, wanted) if tree.controllers is None else _separate(tree, wanted)


def _separate(tree: Hierarchy, wanted: frozenset[str]) -> Place | None:
    here = frozenset(resource for resource in wanted if resource in (tree.controllers or ()))
    if not here:
        return None
    return tree.own, here, 1


def _unified(tree: Hierarchy, wanted: frozenset[str]) -> Place | None:
    """Return the group nearest to the own one that shares out the most of *wanted*."""
    directory = tree.own
    best: Place | None = None
    while True:
        # Whoever moves a process has to be allowed to change the group above both.
        if os.access(directory, os.W_OK) and os.access(f"{directory}/{MEMBERS}", os.W_OK):
            here = _shared_out(directory, wanted)
            if here and (best is None or len(here) > len(best[1])):
                best = (directory, here, 2)
        above = os.path.dirname(directory)  # noqa: PTH120  pathlib takes too long
        if directory in {tree.top, above} or (best is not None and best[1] == wanted):
            break
        directory = above
    if best is None and (here := share_out(tree.own, wanted)):
        best = (tree.own, here, 2)
    return best


def _shared_out(directory: str, wanted: frozenset[str]) -> frozenset[str]:
    """Return what groups in *directory* can limit; of the machine's own one, see to it."""
    if not os.path.exists(f"{directory}/{_KIND}"):  # noqa: PTH110  pathlib takes too long
        # Only the root of the machine's tree is of no kind, and may have processes all the same.
        with suppress(OSError):
            write_text(f"{directory}/{SHARED_OUT}", " ".join(f"+{each}" for each in sorted(wanted)))
    try:
        names = read_text(f"{directory}/{SHARED_OUT}").split()
    except OSError:
        return frozenset()
    return frozenset(each for each in wanted if each in names)


def _made(place: Place, shares: Shares, unwinding: ExitStack) -> str:
    """
    Make a group in *place*, limited to *shares*, that is removed on unwinding.

    Raises:
        OSError: The system refuses.
    """
    above, resources, version = place
    _remove_left(above)
    for _ in range(MAX_GROUP_ATTEMPTS):
        directory = f"{above}/{_PREFIX}{os.getpid()}-{os.urandom(8).hex()}"
        os.mkdir(directory)  # noqa: PTH102  pathlib takes too long
        # Held for as long as it is used: what is not held was left, and is anybody's to remove.
        if (lock := _locked(directory)) is None:
            continue
        unwinding.callback(_let_go, directory, lock)
        if version != 1 and read_text(f"{directory}/{_KIND}").strip() != "domain":
            raise OSError(0, "a group that is made here takes threads, and no processes")
        for resource in resources:
            _limit(directory, resource, shares.get(resource), version=version)
        return directory
    raise OSError(0, "a group that was made is removed each time")


def _limit(directory: str, resource: str, share: int | None, *, version: int) -> None:
    """Write the limit of one resource; without one, see that it could be written."""
    if resource == MEMORY and version == 1:
        write_text(f"{directory}/{_OLD_MEMORY}", "-1" if share is None else str(share))
        if share is not None:
            # Memory and swap together, where the kernel counts that.
            with suppress(FileNotFoundError, PermissionError):
                write_text(f"{directory}/memory.memsw.limit_in_bytes", str(share))
            write_text(f"{directory}/memory.swappiness", "0")
        return
    write_text(f"{directory}/{_LIMIT[resource]}", "max" if share is None else str(share))
    if resource == MEMORY and share is not None:
        with suppress(FileNotFoundError, PermissionError):
            write_text(f"{directory}/memory.swap.max", "0")


def _remove_left(directory: str) -> None:
    """Remove groups whose makers are gone, with what is in them."""
    for name in os.listdir(directory):  # noqa: PTH208  pathlib takes too long
        left = f"{directory}/{name}"
        if name.startswith(_PREFIX) and (lock := _locked(left)) is not None:
            _end(left)
            _let_go(left, lock)


def _locked(directory: str) -> int | None:
    """Hold *directory*; None for one that is gone, or that somebody else holds."""
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.exists(directory):  # noqa: PTH110  pathlib takes too long
            return opened
    except OSError:
        pass
    os.close(opened)
    return None


def _let_go(directory: str, lock: int) -> None:
    with suppress(OSError):
        os.rmdir(directory)  # noqa: PTH106  pathlib takes too long
    os.close(lock)


def _end(directory: str) -> None:
    """Kill every member, and wait for them to be gone."""
    for _ in range(MAX_ENDING_ROUNDS):
        left = members(directory)
        if not left:
            return
        try:
            write_text(f"{directory}/{_KILL}", "1")
        except OSError:
            for member in left:
                _kill(member, directory)
        time.sleep(_ROUND_SECONDS)


def _kill(member: int, directory: str) -> None:
    """Kill a member; its number may be that of another process by now."""
    with suppress(OSError):
        process = os.pidfd_open(member)
        try:
            if member in members(directory):
                _signal.pidfd_send_signal(process, _signal.SIGKILL)
        finally:
            os.close(process)


def _open_to_join(directory: str) -> int:
    return os.open(f"{directory}/{MEMBERS}", os.O_WRONLY | os.O_CLOEXEC)


def _events(path: str, keys: Iterable[str]) -> bool:
    """Tell whether one of *keys* has happened, by a file that counts."""
    try:
        lines = read_text(path).splitlines()
    except OSError:
        return False
    counts = dict(line.split(" ", 1) for line in lines if " " in line)
    return any(counts.get(key, "0") != "0" for key in keys)
