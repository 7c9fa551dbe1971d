"""
Run another scanner: confined, with a clean environment, bounded in time and in what it says.

Its working and home directory is an empty temporary one: scanners read their settings from
there, and those must not come from a model. What it prints beyond the bound, or after its time,
ends it, with everything that it started.
"""

import errno
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import weighbridge
from weighbridge.core.errors import printable
from weighbridge.core.limits.scanning import (
    MAX_SCANNER_MEMORY_BYTES,
    MAX_SCANNER_OUTPUT_BYTES,
    MAX_SCANNER_SECONDS,
    MAX_SCANNER_WRITE_BYTES,
)
from weighbridge.core.values import frozen
from weighbridge.scan.others.interface import PATH_PLACE, REPORT_PLACE, Outcome
from weighbridge.scan.others.reach import readable_for

_CODE: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from weighbridge.scan.others.confine import main; sys.exit(main(*map(int, sys.argv[2:])))"
)
_PACKAGE: Final = Path(weighbridge.__file__).parents[1]
_POSIX: Final = os.name == "posix"
_BLOCK: Final = 1 << 16
_GRACE_SECONDS: Final = 5.0
_STATUS_BYTES: Final = 4096
_SYSTEM_PATH: Final = ("/usr/local/bin", "/usr/bin", "/bin")


@frozen
class Bounds:
    """How much a run may take; see `core.limits`."""

    seconds: float = MAX_SCANNER_SECONDS
    output: int = MAX_SCANNER_OUTPUT_BYTES
    memory: int = MAX_SCANNER_MEMORY_BYTES
    file: int = MAX_SCANNER_WRITE_BYTES


def find_program(name: str, /, *, away_from: Path) -> Path | None:
    """Return where *name* is on PATH; relative entries and those below *away_from* do not count."""
    for entry in os.get_exec_path():
        folder = Path(entry)
        if folder.is_absolute() and not folder.resolve().is_relative_to(away_from):
            found = shutil.which(name, path=entry)
            if found is not None and _is_outside(Path(found), away_from):
                return Path(found)
    return None


def _is_outside(program: Path, folder: Path) -> bool:
    """Tell whether *program* is named in full and is not, by way of links, within *folder*."""
    return program.is_absolute() and not program.resolve().is_relative_to(folder)


def run_scanner(
    command: Sequence[str],
    *,
    root: Path,
    bounds: Bounds | None = None,
    asks_a_service: bool = False,
) -> Outcome:
    """
    Run *command* and return what it left.

    Where the system can confine it, it reads the system, its own installation, what its command
    line names in full, and the artifact; it writes to a directory of its own, and has no network.

    Args:
        command: An absolute program and its arguments, in which `{path}` and `{report}` stand
            for the artifact and for the file to report to.
        root: The artifact.
        bounds: How much it may take.
        asks_a_service: Whether it may ask a process of this machine, by a Unix socket.
    """
    bounds = bounds or Bounds()
    with tempfile.TemporaryDirectory(prefix="weighbridge-", ignore_cleanup_errors=True) as place:
        report = Path(place) / "report"
        filled = [
            part.replace(PATH_PLACE, str(root)).replace(REPORT_PLACE, str(report))
            for part in command
        ]
        reach = _Reach(
            home=Path(place), readable=readable_for(filled, root=root), service=asks_a_service
        )
        outcome = _Run(filled, reach=reach, bounds=bounds).finish()
        if outcome.problem is not None:
            return outcome
        return _with_report(outcome, report, limit=bounds.output)


def _with_report(outcome: Outcome, report: Path, *, limit: int) -> Outcome:
    """Add the report to *outcome*; the scanner made the file, so it may be anything."""
    data: bytes | None = None
    problem = None
    try:
        if report.is_file() and not report.is_symlink():
            with report.open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        problem = f"its report cannot be read: {error.strerror}"
    if data is not None and len(data) > limit:
        data, problem = None, f"its report has more than {limit} bytes"
    return Outcome(
        exit_code=outcome.exit_code,
        output=outcome.output,
        talk=outcome.talk,
        report=data,
        problem=problem,
        offline=outcome.offline,
        confined=outcome.confined,
    )


@frozen
class _Reach:
    """What a scanner may use: a directory to write to, places to read, and perhaps a service."""

    home: Path
    readable: tuple[str, ...]
    service: bool


class _Run:
    """One process with the threads that read what it prints."""

    def __init__(self, command: list[str], *, reach: "_Reach", bounds: Bounds) -> None:
        self._command = command
        self._reach = reach
        self._home = reach.home
        self._bounds = bounds
        self._too_much = threading.Event()
        self._ending = threading.Lock()
        self._is_over = False

    def finish(self) -> Outcome:
        """Run to the end, or to a bound."""
        reading, writing = os.pipe()
        try:
            try:
                process = self._start(writing)
            finally:
                os.close(writing)
            return self._watch(process, reading)
        except OSError as error:
            return Outcome(exit_code=None, problem=f"it cannot be started: {error.strerror}")
        finally:
            os.close(reading)

    def _start(self, status: int) -> "subprocess.Popen[bytes]":
        command = self._command
        if _POSIX and not sys.executable:
            raise FileNotFoundError(errno.ENOENT, "the Python interpreter is not known")
        with tempfile.TemporaryFile() as order:
            order.write(json.dumps(self._order()).encode())
            order.seek(0)
            given = (order.fileno(), status) if _POSIX else ()
            if _POSIX:
                own = [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _CODE, str(_PACKAGE)]
                command = [*own, *map(str, given)]
            return subprocess.Popen(  # noqa: S603  the program is the user's own choice
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._home,
                env=self._environment(),
                start_new_session=True,
                pass_fds=given,
            )

    def _order(self) -> dict[str, object]:
        """Return what `confine` is told."""
        bounds = self._bounds
        return {
            "command": self._command,
            "memory": bounds.memory,
            "seconds": int(bounds.seconds) + 1,
            "size": bounds.file,
            "caller": os.getpid(),
            "home": os.fspath(self._home.resolve()),
            "readable": self._reach.readable,
            "asks_a_service": self._reach.service,
        }

    def _environment(self) -> dict[str, str]:
        """Return the few variables that programs need; none of the caller's secrets."""
        program = str(Path(self._command[0]).parent)
        home = str(self._home)
        kept = {key: os.environ[key] for key in ("SYSTEMROOT",) if key in os.environ}
        return kept | {
            "PATH": os.pathsep.join(dict.fromkeys((program, *_SYSTEM_PATH))),
            "HOME": home,
            "TMPDIR": home,
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "COLUMNS": "32767",  # a line that is folded is read as two
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
        }

    def _watch(self, process: "subprocess.Popen[bytes]", reading: int) -> Outcome:
        assert process.stdout is not None
        assert process.stderr is not None
        output, talk = bytearray(), bytearray()
        readers = [
            threading.Thread(target=self._drain, args=(process, stream, kept), daemon=True)
            for stream, kept in ((process.stdout, output), (process.stderr, talk))
        ]
        for reader in readers:
            reader.start()
        late = False
        try:
            late = not _ends_within(process, self._bounds.seconds)
        finally:
            # Also what it left behind, and also when this process is being interrupted.
            self._end(process)
        for reader in readers:
            reader.join(_GRACE_SECONDS)
        held = any(reader.is_alive() for reader in readers)
        network, _, failure = _status(reading) if _POSIX else ("online", "", "")
        return Outcome(
            exit_code=process.returncode,
            output=bytes(output),
            talk=bytes(talk),
            problem=self._problem(process.returncode, failure, late=late, held=held),
            offline=network in {"offline", "confined"},
            confined=network == "confined",
        )

    def _problem(self, code: int | None, failure: str, *, late: bool, held: bool) -> str | None:
        if failure:
            return f"it cannot be started: {failure}"
        if late:
            return f"it did not end within {self._bounds.seconds:g} seconds"
        if self._too_much.is_set():
            return f"it printed more than {self._bounds.output} bytes"
        if held:
            return "something that it started goes on, and may print more"
        if code is None or code < 0:
            name = signal.Signals(-code).name if code else "a signal"
            return f"it was ended by {name}"
        return None

    def _drain(
        self, process: "subprocess.Popen[bytes]", stream: IO[bytes], kept: bytearray
    ) -> None:
        """Keep what comes up to the bound; more ends the process."""
        with stream:
            while piece := os.read(stream.fileno(), _BLOCK):
                if len(kept) + len(piece) > self._bounds.output:
                    self._too_much.set()
                    self._end(process)
                    return
                kept += piece

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """
        End the process and everything of its group, and wait for it; once, from any thread.

        The group is killed before the process is waited for: its number is its own until then,
        and could be anybody's afterwards.
        """
        with self._ending:
            if not self._is_over:
                _kill(process)
                process.wait()
                self._is_over = True


def _ends_within(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Tell whether the process ends in time, without taking its exit code where that can be."""
    if sys.platform == "linux":
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:  # an old kernel
            pass
        else:
            try:
                waiting = select.poll()
                waiting.register(descriptor, select.POLLIN)
                return bool(waiting.poll(seconds * 1000))
            finally:
                os.close(descriptor)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if _POSIX:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
    else:
        process.kill()


def _status(descriptor: int) -> tuple[str, str, str]:
    """Return what the confining program says: the network, and why it could not go on."""
    text = os.read(descriptor, _STATUS_BYTES).decode("utf-8", errors="replace")
    network, separator, failure = text.partition("\n")
    return network, separator, printable(failure.strip())
