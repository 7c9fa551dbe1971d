"""
Engine `gvisor`: a kernel of its own between the program and the machine's, by choice.

The program's system calls are answered by gVisor, a kernel in user space that reaches the machine
by few calls itself: what a hostile program would try on the machine's kernel it tries on that one.
Needs the program `runsc`. See https://gvisor.dev/docs/architecture_guide/security/.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Final

from weighbridge.core.errors import IsolationError
from weighbridge.sandbox.programs import candidates
from weighbridge.sandbox.walls import minder
from weighbridge.sandbox.walls.bundle import LIMITED, TEMPORARY, write_bundle
from weighbridge.sandbox.walls.copying import piped_files
from weighbridge.sandbox.walls.demands import policy_key, require
from weighbridge.sandbox.walls.ending import End
from weighbridge.sandbox.walls.interface import Limits, Strength, Wall, Walls
from weighbridge.sandbox.walls.leftovers import remove_tree
from weighbridge.sandbox.walls.limiting import CLOCK, EACH, FILE, TOGETHER
from weighbridge.sandbox.walls.machine import filter_problem, namespace_remedies
from weighbridge.sandbox.walls.starting import Running, find_program, told

NAME: Final = "gvisor"
_RUNSC: Final = "runsc"

_OUTER: Final = (
    "import sys; sys.path.append(sys.argv[2]); "
    "from weighbridge.sandbox.walls.outer import main; main(int(sys.argv[1]))"
)
_INSTALL: Final = (
    "apt-get install runsc",
    "or install a release of gVisor (https://gvisor.dev/docs/user_guide/install/)",
)
_EVERYBODY: Final = ["0", "0", "4294967295"]
_PROBE_SECONDS: Final = 60
_HELD: Final = frozenset({*LIMITED, "seconds"})
_NOT_HELD: Final[Mapping[str, str]] = {
    "gpus": "it has drivers of its own for some GPUs, and was never tried with one",
    "listen": "its network is one of its own, which nothing outside can enter",
    "connect": "its network is one of its own, from which nothing leads outside",
    "interfaces": "it was never tried with a program that asks for them",
    "temporary_bytes": "its temporary directory may take what its memory may",
    "together": "it limits the memory of each process, and processes together",
    "cpu_seconds": "it does not look at the processor time of programs",
}

_OPTIONS: Final = (
    *("--network", "none"),
    *("--overlay2", "none"),
    "--oci-seccomp",
    "--ignore-cgroups",
    *("--log-format", "json"),
)
_TRIED: Final = ("/bin/cat", "/proc/self/status", "/proc/net/dev")
_SYSTEM: Final = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
_DECODER: Final = json.JSONDecoder()
_FAILURES: Final = frozenset({"error", "fatal", "panic"})
_FILTERED: Final = "2"
_NONE: Final = "0000000000000000"


class Gvisor:
    """The engine; see the module."""

    name = NAME
    moves = True

    @property
    def programs(self) -> tuple[str, ...]:
        """Where `runsc` is looked for; see `Engine`."""
        return candidates(_RUNSC, _path())

    def probe(self) -> Strength:
        """Find out whether it runs here, and from inside what it keeps a program to."""
        problem = filter_problem()
        if problem is not None:
            return Strength.nothing(NAME, problem.reason, *problem.remedies)
        runsc = _program()
        if runsc is None:
            return Strength.nothing(NAME, "runsc is not there", *_INSTALL)
        with tempfile.TemporaryDirectory(prefix="weighbridge-probe-") as made:
            try:
                write_bundle(Path(made), _TRIED[0], _TRIED, Walls(readable=_SYSTEM))
                done = _called(_line(runsc, Path(made)))
                version = _called((runsc, "--version")).stdout.splitlines()
            except (OSError, IsolationError, subprocess.TimeoutExpired) as error:
                return Strength.nothing(NAME, f"runsc cannot be run: {error}", *_INSTALL)
            if done.returncode:
                said = _complaint(Path(made)) or f"runsc ended with {done.returncode}"
                return Strength.nothing(NAME, said, *namespace_remedies())
        doubt = _doubt(done.stdout)
        if doubt is not None:
            return Strength.nothing(NAME, doubt, *_INSTALL)
        return Strength(
            engine=NAME,
            walls=frozenset(Wall),
            version=version[0] if version else None,
        )

    def lacks(self, demand: str, /) -> str | None:
        """Return why it cannot hold *demand*; see `Engine`."""
        return None if demand in _HELD else _NOT_HELD.get(demand, "it does not know how")

    def how_held(self, limits: Limits, /) -> tuple[tuple[str, str], ...]:
        """Return for what each limit holds; see `Engine`."""
        held = {"processes": TOGETHER, "seconds": CLOCK, "file_bytes": FILE}
        asked = (field.name for field in fields(Limits) if getattr(limits, field.name) is not None)
        return tuple((policy_key(name), held.get(name, EACH)) for name in asked)

    def run(self, command: Sequence[str], walls: Walls, /) -> End:
        """
        Run *command* behind *walls*; see `Engine`.

        Raises:
            IsolationError: A wall cannot be put up; the program was not started.
            UsageError: There is no such program.
        """
        runsc = _program()
        if runsc is None:
            raise IsolationError("runsc is not there", hint=f"Run: {' '.join(_INSTALL)}")
        require(self, walls)
        program = find_program(command[0], walls)
        try:
            made = tempfile.mkdtemp(prefix="weighbridge-run-")
        except OSError as error:
            raise _unwritable(error) from error
        place = Path(made)
        try:
            _refuse_reachable(place, walls)
            try:
                write_bundle(place, program, command, walls)
            except OSError as error:
                raise _unwritable(error) from error
            order = {"line": _line(runsc, place), "parent": os.getpid(), "leaves": made}
            with piped_files() as output, told(_OUTER, order) as last:
                running = Running(
                    last.line, descriptors=last.descriptors, news=last.news, output=output
                )
                code = running.wait(
                    _Signals(runsc, place, running).send,
                    seconds=walls.limits.seconds,
                    stop=lambda: running.signal(minder.PARENT_ENDED),
                    interrupts=True,
                )
            complaint = _complaint(place)
            if complaint is not None:
                raise IsolationError("the engine gvisor has failed", found=complaint)
            return End(code, over=running.over)
        finally:
            with suppress(OSError):
                remove_tree(made)


def _unwritable(error: OSError) -> IsolationError:
    return IsolationError(
        f"the engine's files cannot be made: {error.strerror or error}", where=error.filename
    )


def _refuse_reachable(place: Path, walls: Walls) -> None:
    """
    Refuse a directory of the engine's that the program could change.

    Raises:
        IsolationError: It could.
    """
    for each in walls.writable:
        if each not in TEMPORARY and place.resolve().is_relative_to(each):
            raise IsolationError(
                "the rule lets the program change the directory for temporary files, where the "
                "engine keeps what decides about it",
                where=each,
                hint="Set TMPDIR to another directory",
            )


class _Signals:
    """How signals get to the program, which is no process of this machine's kernel."""

    def __init__(self, runsc: str, place: Path, running: Running) -> None:
        self._kill = (runsc, "--root", os.fspath(place / "state"), "kill", place.name)
        self._running = running

    def send(self, number: int) -> None:
        """Send a signal to the program; to the engine, where there is no program yet."""
        if _called((*self._kill, str(int(number)))).returncode:
            self._running.signal(number)


def _line(runsc: str, place: Path) -> tuple[str, ...]:
    """Return the command line that runs the bundle at *place*."""
    return (
        runsc,
        *("--root", os.fspath(place / "state")),
        *("--log", os.fspath(place / "log")),
        *(() if _is_root() else ("--rootless",)),
        *_OPTIONS,
        *("run", "--bundle", os.fspath(place), place.name),
    )


def _is_root() -> bool:
    """Tell whether this is root of the machine, and not of a user namespace alone."""
    try:
        everybody = Path("/proc/self/uid_map").read_text("ascii").split() == _EVERYBODY
    except OSError:
        everybody = False
    return os.geteuid() == 0 and everybody


def _called(line: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  found by `_program`
        line,
        env={},
        # Not a device: run by root, it makes what it is given nobody's.
        input="",
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=_PROBE_SECONDS,
    )


def _complaint(place: Path) -> str | None:
    """
    Return what runsc says went wrong, which no exit code tells from what the program ends with.

    The program has no way to the file that it is said in.
    """
    try:
        text = (place / "log").read_text("utf-8", "replace").strip()
    except OSError:
        return None
    found = None
    while text:
        try:
            entry, end = _DECODER.raw_decode(text)
            level, message = entry["level"], str(entry["msg"])
        except (ValueError, KeyError, TypeError):
            return text
        text = text[end:].strip()
        if level in _FAILURES:
            found = message
    return found


def _doubt(seen: str) -> str | None:
    """Return what a program inside has that it should not, as it says itself; None for nothing."""
    status, _, network = seen.partition("Inter-|")
    values = {name: value.split() for name, _, value in map(_parted, status.splitlines())}
    interfaces = {name.strip() for name, colon, _ in map(_parted, network.splitlines()) if colon}
    if values.get("Seccomp") != [_FILTERED]:
        return "it does not filter system calls as it is told to"
    if any(values.get(name) != [_NONE] for name in ("CapEff", "CapPrm", "CapBnd")):
        return "it leaves capabilities to programs"
    if values.get("Pid") != ["1"]:
        return "it shows other processes to programs"
    if not network or interfaces - {"lo"}:
        return "it gives a network to programs"
    return None


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def _program() -> str | None:
    return shutil.which(_RUNSC, path=_path())


def _path() -> str:
    return os.defpath + os.pathsep + "/usr/local/bin"
