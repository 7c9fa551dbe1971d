"""
Engine `direct`: Landlock and seccomp alone, where no namespaces can be made.

The program runs where everything else is, and cannot reach it. It sees that other processes exist,
and it sees a model where the store keeps it: without namespaces nothing can be shown elsewhere.
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from weighbridge.core.errors import IsolationError, UsageError
from weighbridge.sandbox.places import OF_ITSELF, OF_THE_MACHINE
from weighbridge.sandbox.walls import minder
from weighbridge.sandbox.walls.demands import require
from weighbridge.sandbox.walls.ending import End
from weighbridge.sandbox.walls.interface import Limits, Strength, Wall, Walls
from weighbridge.sandbox.walls.leftovers import remove_tree
from weighbridge.sandbox.walls.limiting import how_held
from weighbridge.sandbox.walls.machine import (
    Problem,
    filter_problem,
    landlock_problem,
    landlock_version,
)
from weighbridge.sandbox.walls.starting import Places, Running, find_program, ordered

NAME: Final = "direct"

_LANDLOCK_NEEDED: Final = 6
"""The version that knows abstract sockets and signals; older ones leave these."""

_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_MACHINE: Final = (
    *(f"/sys/devices/system/cpu/{name}" for name in ("online", "possible", "present")),
    *(f"/sys/fs/cgroup/{name}" for name in ("cpu.max", "memory.max")),
    *(f"/sys/fs/cgroup/cpu/cpu.cfs_{name}_us" for name in ("quota", "period")),
)
"""By which programs count the processors that they may use; what is there and closed ends some."""
_HELD: Final = frozenset(
    {
        *("listen", "gpus", "memory_bytes", "processes", "file_bytes", "open_files", "cpu_seconds"),
        *("seconds", "together"),
    }
)
_UNSEEN: Final = "the number and the names of other processes can be seen"


class Direct:
    """The engine; see the module."""

    name = NAME
    moves = False
    programs = ()

    def probe(self) -> Strength:
        """Find out whether the kernel has what it takes; nothing is run for that."""
        problem = _problem()
        if problem is not None:
            return Strength.nothing(NAME, problem.reason, *problem.remedies)
        return Strength(
            engine=NAME,
            walls=frozenset(Wall) - {Wall.UNSEEN},
            missing=((Wall.UNSEEN, _UNSEEN),),
            remedies=("use the engine bubblewrap, where nothing else is around",),
            version=f"Landlock {landlock_version()}",
        )

    def lacks(self, demand: str, /) -> str | None:
        """Return why it cannot hold *demand*; see `Engine`."""
        if demand == "connect":
            return "without namespaces a program cannot be kept to listed addresses"
        if demand == "interfaces":
            return "without namespaces they would be those of the machine"
        if demand == "temporary_bytes":
            return "its temporary directory lies on the machine's disk, whose share nobody counts"
        return None if demand in _HELD else "it does not know how"

    def how_held(self, limits: Limits, /) -> tuple[tuple[str, str], ...]:
        """Return for what each limit holds; see `Engine`."""
        return how_held(limits)

    def run(self, command: Sequence[str], walls: Walls, /) -> End:
        """
        Run *command* behind *walls*; see `Engine`.

        Raises:
            IsolationError: A wall cannot be put up; the program was not started.
            UsageError: There is no such program, or something is to be shown at another place.
        """
        problem = _problem()
        if problem is not None:
            raise IsolationError("the engine cannot isolate here", found=problem.reason)
        require(self, walls)
        moved = next((inside for outside, inside in walls.shown if outside != inside), None)
        if moved is not None:
            raise UsageError(
                "without namespaces a file is seen where it is",
                where=moved,
                hint="Use the engine bubblewrap",
            )
        program = find_program(command[0], walls)
        temporary = tempfile.mkdtemp(prefix="weighbridge-run-")
        try:
            own = {"TMPDIR": temporary, "HOME": temporary}
            around = replace(walls, environment=tuple({**dict(walls.environment), **own}.items()))
            places = Places(
                readable=(
                    *walls.readable,
                    *(inside for _, inside in walls.shown),
                    *OF_THE_MACHINE,
                    *OF_ITSELF,
                    *_MACHINE,
                ),
                writable=(temporary, *walls.writable),
                devices=(*_DEVICES, *walls.gpus),
                dies_with_parent=True,
                alone=False,
                leaves=temporary,
                sockets=temporary,
            )
            with ordered(program, command, around, places) as last:
                running = Running(last.line, descriptors=last.descriptors, news=last.news)
                code = running.wait(
                    running.signal,
                    seconds=walls.limits.seconds,
                    stop=lambda: running.signal(minder.PARENT_ENDED),
                )
                return End(code, over=running.over, exceeded=last.exceeded())
        finally:
            with suppress(OSError):
                remove_tree(temporary)


def _problem() -> Problem | None:
    """Return what the kernel lacks; None where it has everything."""
    return filter_problem() or landlock_problem(_LANDLOCK_NEEDED)
