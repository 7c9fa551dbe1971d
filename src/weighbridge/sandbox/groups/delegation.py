"""
Share out a group that a service manager has delegated, by leaving it for one below.

A group of version 2 that has processes cannot share out what it may use. A service with
`Delegate=` starts right in the group that it is given, and nothing above is its own: so it has to
go one below, and with it what it has started. See https://systemd.io/CGROUP_DELEGATION/.
"""

from __future__ import annotations

import os
from contextlib import suppress

from weighbridge.core.limits.sandbox import MAX_ENDING_ROUNDS
from weighbridge.sandbox.groups.files import MEMBERS, SHARED_OUT, members, read_text, write_text

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_MARK: Final = "user.delegate"
"""What systemd annotates delegated groups with, as "1", for users to read (since release 251)."""
_BELOW: Final = "supervisor"
_OFFERED: Final = "cgroup.controllers"
_PARENT: Final = "PPid:"


def share_out(directory: str, wanted: frozenset[str], /) -> frozenset[str]:
    """
    Have the group *directory*, which this process is in, share out as much of *wanted* as it can.

    Only where it was delegated, and only if nobody is in it but this process and what descends
    from it, which all go to a group below that stays as long as the delegated one.

    Returns:
        What groups that are made in *directory* can limit; nothing where it is as it was.
    """
    try:
        if os.getxattr(directory, _MARK) != b"1":
            return frozenset()
        offered = wanted & set(read_text(f"{directory}/{_OFFERED}").split())
        if not offered or not all(map(_is_ours, members(directory))):
            return frozenset()
    except (OSError, ValueError):
        return frozenset()
    below = f"{directory}/{_BELOW}"
    try:
        with suppress(FileExistsError):
            os.mkdir(below)  # noqa: PTH102  pathlib takes too long
        _move(directory, below)
        write_text(f"{directory}/{SHARED_OUT}", " ".join(f"+{each}" for each in sorted(offered)))
    except OSError:
        _give_up(directory, below)
        return frozenset()
    return offered


def _move(source: str, target: str) -> None:
    """
    Move what is in the group *source* and ours, also what it starts meanwhile.

    Raises:
        OSError: The system refuses.
    """
    for _ in range(MAX_ENDING_ROUNDS):
        ours = [each for each in members(source) if _is_ours(each)]
        if not ours:
            return
        for each in ours:
            with suppress(ProcessLookupError):
                write_text(f"{target}/{MEMBERS}", str(each))


def _give_up(directory: str, below: str) -> None:
    """Go back, as far as that can be done."""
    with suppress(OSError):
        _move(below, directory)
    with suppress(OSError):
        os.rmdir(below)  # noqa: PTH106  pathlib takes too long


def _is_ours(process: int) -> bool:
    """Tell whether *process* is this one, or descends from it."""
    own = os.getpid()
    seen: set[int] = set()
    while process not in seen and process > 1:
        if process == own:
            return True
        seen.add(process)
        try:
            lines = read_text(f"/proc/{process}/status").splitlines()
        except OSError:
            return False
        process = next((int(each.split()[1]) for each in lines if each.startswith(_PARENT)), 0)
    return False
