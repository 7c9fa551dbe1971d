"""Steps that are run for real: what is seen of them, what they are kept to, how they end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.steps import isolation, run, shell
from weighbridge.core.errors import OperationError
from weighbridge.sandbox.frames import send_frame
from weighbridge.sandbox.steps import launch
from weighbridge.sandbox.steps.interface import (
    REPORT,
    Observation,
    StepMeasure,
    StepReport,
)
from weighbridge.sandbox.steps.launch import is_supported
from weighbridge.sandbox.steps.runner import TOO_DEEP
from weighbridge.sandbox.steps.wire import encode_report

pytestmark = pytest.mark.skipif(not is_supported(), reason="no steps here")

Run = Callable[..., StepReport]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a new directory, and give its real path."""
    monkeypatch.chdir(tmp_path)
    return Path(os.path.realpath(tmp_path))


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the lines of the runner counted where lines are counted."""
    variables = [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]
    if variables:
        monkeypatch.setattr(launch, "_VARIABLES", (*launch._VARIABLES, *variables))
        monkeypatch.setattr(launch, "_FLAGS", ("-B", "-X", "utf8"))


def seen(report: StepReport) -> Observation:
    """Return what was seen; skip the test where the system tells nothing."""
    if report.observation is None:
        pytest.skip(f"nothing can be observed here: {report.unobserved}")
    return report.observation


def isolated(report: StepReport) -> StepReport:
    """Return *report*; skip the test where the system cannot isolate."""
    if report.failure is not None and "cannot isolate" in report.failure:
        pytest.skip(report.failure)
    return report


@pytest.mark.parametrize(("text", "code"), [("exit 0", 0), ("exit 3", 3), ("exit 127", 127)])
def test_exit_codes(text: str, code: int) -> None:
    """The report has the program's exit code."""
    report = shell(text)
    assert (report.exit_code, report.signal, report.failure) == (code, None, None)


def test_a_step_has_no_word_in_its_report() -> None:
    """One that sends a report of its own by whatever it inherited is believed nothing."""
    forged = StepReport(exit_code=0, signal=None, failure=None)
    text = (
        "import os, sys\n"
        "for number in range(3, 64):\n"
        "    try: os.write(number, bytes.fromhex(sys.argv[1]))\n"
        "    except OSError: pass\n"
        "raise SystemExit(9)\n"
    )
    here, there = socket.socketpair()
    with here, there:
        send_frame(here, REPORT, encode_report(forged))
        frame = there.recv(1 << 16).hex()
    assert run(sys.executable, "-I", "-c", text, frame).exit_code == 9


def test_signals() -> None:
    """The report has the signal that ended the program."""
    report = shell("kill -KILL $$")
    assert (report.exit_code, report.signal) == (None, signal.SIGKILL)


def test_what_cannot_be_executed(place: Path) -> None:
    """A file that is no program is a failure, not an exit code."""
    (place / "bad").write_bytes(b"\0\1\2")
    (place / "bad").chmod(0o700)
    report = run(f"{place}/bad")
    assert report.failure is not None
    assert report.exit_code is None


def test_reads_are_seen(place: Path) -> None:
    """A file that was there and is read is seen, relative or absolute, by whichever process."""
    for name in ("a", "b", "c"):
        (place / name).write_text(name)
    report = shell(f"cat a; (cat {place}/b); cd / && exec cat {place}/./c", quiet_output=True)
    assert seen(report).files == tuple(f"{place}/{name}" for name in "abc")
    assert not seen(report).blind
    assert not seen(report).network


def test_own_files_are_not_seen(place: Path) -> None:
    """What the step makes itself, and moves about, is not seen."""
    report = shell("echo 1 > a; cat a; mv a b; cat b; mkdir d; cp b d/c; mv d e; cat e/c")
    assert seen(report).files == ()


def test_descriptors_are_resolved(place: Path) -> None:
    """A path by way of a descriptor or of the process itself is that of the file."""
    (place / "a").write_text("a")
    report = shell(
        "exec 5< a; cat /proc/self/fd/5 /dev/fd/5; cat /proc/self/cwd/a", quiet_output=True
    )
    assert seen(report).files == (f"{place}/a",)


def test_sockets_are_seen() -> None:
    """A socket for the network is seen; a pair of sockets is none."""
    text = "import socket; {}; "
    report = run(sys.executable, "-c", text.format("socket.socket().close()"))
    assert seen(report).network
    report = run(sys.executable, "-c", text.format("socket.socketpair()"))
    assert not seen(report).network


def test_threads_are_seen(place: Path) -> None:
    """What any of many threads and processes opens is seen."""
    names = [f"f{n:02}" for n in range(40)]
    for name in names:
        (place / name).write_text(name)
    text = (
        "import os, threading\n"
        "def read(n):\n"
        "    open(f'f{n:02}').read()\n"
        "    if n % 4 == 0 and not os.fork(): open(f'f{n + 1:02}').read(); os._exit(0)\n"
        "threads = [threading.Thread(target=read, args=[n]) for n in range(40) if n % 4 != 1]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
    )
    report = run(sys.executable, "-I", "-W", "ignore", "-c", text, grace_seconds=600)
    found = {Path(path).name for path in seen(report).files}
    assert set(names) <= found


@pytest.mark.parametrize(
    "action", ["os.open('file', os.O_RDONLY)", "os.chdir(start); os.rename('d', 'e')"]
)
def test_directories_that_are_too_deep_are_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """A step makes more directories within each other than anybody follows, and hides nothing."""
    fewer = "sys.setrecursionlimit(160); from weighbridge"
    monkeypatch.setattr(launch, "_CODE", launch._CODE.replace("from weighbridge", fewer, 1))
    text = (
        "import os, stat\n"
        "start, deep = os.getcwd(), 170\n"
        "for _ in range(deep): os.mkdir('d'); os.chdir('d')\n"
        "os.mknod('file', 0o600 | stat.S_IFREG)\n"
        f"{action}\n"
        "os.chdir(start)\n"
        "os.chdir('d' if os.path.exists('d') else 'e')\n"
        "for _ in range(deep - 1): os.chdir('d')\n"
        "os.unlink('file')\n"
        "for _ in range(deep): os.chdir('..'); os.rmdir('e' if os.path.exists('e') else 'd')\n"
    )
    report = run(sys.executable, "-I", "-c", text)
    assert TOO_DEEP in seen(report).blind
    assert report.exit_code == 0


def test_the_end_of_a_runner_is_the_end_of_the_step(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong where a step is watched, the step does not go on without."""
    wrong = (
        "import weighbridge.sandbox.steps.observer as o; b = o.Observer.before; "
        "o.Observer.before = lambda s, c: 1 // ('wrong' not in repr(c)) and b(s, c); "
    )
    monkeypatch.setattr(
        launch, "_CODE", launch._CODE.replace("from weighbridge", f"{wrong}from weighbridge", 1)
    )
    os.mkfifo(place / "p")
    reader = os.open(place / "p", os.O_RDONLY | os.O_NONBLOCK)
    text = (
        "import ctypes, os, signal\n"
        "ctypes.CDLL(None).prctl(1, 0)\n"  # not to end with the runner
        "os.write(os.open('p', os.O_WRONLY), b'up')\n"
        "if not os.fork(): os.setsid()\n"
        "try: open('wrong')\n"
        "except OSError: signal.pause()\n"
        "raise SystemExit(9)\n"
    )
    try:
        seen(run("/bin/true"))
        with pytest.raises(OperationError, match="runner of the step is gone"):
            run(sys.executable, "-I", "-c", text)
        assert [os.read(reader, 9), os.read(reader, 9)] == [b"up", b""]
    finally:
        os.close(reader)


def test_a_step_within_a_step_is_not_observed_twice(place: Path) -> None:
    """Where the kernel refuses a second listener, the report says so."""
    text = (
        "from weighbridge.sandbox.steps.launch import run_step\n"
        "from weighbridge.sandbox.steps.interface import StepOrder\n"
        "r = run_step(StepOrder(program='/bin/true', command=('true',), environment=(),"
        " grace_seconds=0))\n"
        "assert r.exit_code == 0 and (r.observation or r.unobserved), r\n"
    )
    source = os.fspath(Path(launch.__file__).parents[3])
    report = run("env", f"PYTHONPATH={source}", sys.executable, "-c", text)
    assert report.exit_code == 0


def test_what_is_left_behind_is_ended(place: Path) -> None:
    """A daemon that the step leaves is ended before the report comes, and counted."""
    report = shell("mkfifo p; (setsid sh -c 'echo $$ > pid; echo > p; sleep 1000000' &) ; cat p")
    process = int((place / "pid").read_text())
    assert report.exit_code == 0
    assert report.ended > 0
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_what_ends_by_itself_is_waited_for(place: Path) -> None:
    """A process that is about to end gets the time to."""
    report = shell("(echo late > late) & exit 0", grace_seconds=600)
    assert report.ended == 0
    assert (place / "late").read_text() == "late\n"


def test_an_isolated_step_reads_and_writes_what_is_declared(place: Path) -> None:
    """It reads its inputs and writes its output, and all measures hold."""
    rules = isolation(place)
    (place / "in" / "a").write_text("a")
    report = isolated(shell(f"cat {place}/in/a > {place}/out/b", isolation=rules))
    assert report.exit_code == 0, report
    assert set(report.enforced) == set(StepMeasure)
    assert (place / "out" / "b").read_text() == "a"


@pytest.mark.parametrize(
    "text",
    [
        "cat {0}/secret",
        "cat out/../secret",
        "echo > {0}/in/new",
        "echo > {0}/new",
        "rm {0}/in/a",
        "mv {0}/out/own {0}/own",
        "ln {0}/secret {0}/out/secret",
        "ln -s {0}/secret {0}/out/s && cat {0}/out/s",
        "cat /proc/$PPID/environ",
        "kill -CONT $PPID",
        "unshare -r true",
        "ls {0}",
    ],
)
def test_an_isolated_step_is_refused_the_rest(place: Path, text: str) -> None:
    """Whatever was not declared can neither be read nor written, nor evaded."""
    rules = isolation(place)
    (place / "secret").write_text("secret")
    (place / "in" / "a").write_text("a")
    (place / "out" / "own").touch()
    report = isolated(shell(text.format(place), isolation=rules))
    assert report.exit_code not in {0, None}
    assert (place / "in" / "a").exists()
    assert not (place / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "ports", "allowed"),
    [
        ("socket.AF_INET, socket.SOCK_STREAM", (), False),
        ("socket.AF_INET, socket.SOCK_STREAM", (9,), True),
        ("socket.AF_INET6, socket.SOCK_STREAM", (9,), True),
        ("socket.AF_INET, socket.SOCK_DGRAM", (9,), False),
        ("socket.AF_INET, socket.SOCK_STREAM, 262", (9,), False),
        ("socket.AF_UNIX, socket.SOCK_STREAM", (9,), False),
        ("socket.AF_NETLINK, socket.SOCK_RAW", (9,), False),
    ],
)
def test_sockets_of_an_isolated_step(
    place: Path, arguments: str, ports: tuple[int, ...], allowed: bool
) -> None:
    """There is no socket, or TCP alone where ports are declared."""
    rules = isolation(place, ports=ports)
    text = (
        "import socket\n"
        f"try: socket.socket({arguments}).close()\n"
        "except PermissionError: raise SystemExit(9)\n"
        "except OSError: pass\n"
    )
    report = isolated(run(sys.executable, "-I", "-c", text, isolation=rules))
    assert report.exit_code == (0 if allowed else 9)


def test_ports_of_an_isolated_step(place: Path) -> None:
    """A connection to another port than the declared ones is refused before it is tried."""
    text = (
        "import socket, sys\n"
        "try: socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "except ConnectionRefusedError: raise SystemExit(8)\n"
        "except PermissionError: raise SystemExit(9)\n"
    )
    rules = isolation(place, ports=(9,))
    codes = [
        isolated(run(sys.executable, "-I", "-c", text, port, isolation=rules)).exit_code
        for port in ("9", "10")
    ]
    assert codes == [8, 9]


def test_what_cannot_be_isolated_is_not_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a measure cannot be had, the program does not begin."""
    code = launch._CODE.replace(
        "from weighbridge",
        "import weighbridge.sandbox.landlock as l; l.version = lambda: 0; from weighbridge",
        1,
    )
    monkeypatch.setattr(launch, "_CODE", code)
    report = shell("touch out/ran", isolation=isolation(place))
    assert report.failure is not None
    assert "cannot isolate" in report.failure
    assert not (place / "out" / "ran").exists()


def test_the_end_of_the_caller_is_the_end_of_the_step(place: Path) -> None:
    """A step does not go on when whoever ordered it is killed, even if it ignores requests."""
    os.mkfifo(place / "p")
    text = (
        "import sys; sys.path[:0] = eval(sys.argv[1])\n"
        "from weighbridge.sandbox.steps.launch import run_step\n"
        "from weighbridge.sandbox.steps.interface import StepOrder\n"
        "run_step(StepOrder(program='/bin/sh', command=('sh', '-c', sys.argv[2]), environment="
        "(('PATH', '/usr/bin:/bin'),), grace_seconds=0))\n"
    )
    # `sleep` inherits the pipe.
    script = 'trap "" TERM INT; exec 7> p; echo $$ >&7; sleep 1000000; sleep 1000000'
    caller = subprocess.Popen(
        [sys.executable, "-c", text, repr([os.fspath(Path(launch.__file__).parents[3])]), script]
    )
    with (place / "p").open() as held:
        assert int(held.readline())
        caller.kill()
        caller.wait()
        # The step holds the other end open; when all of it has ended there is no more.
        assert held.read() == ""


def test_a_runner_that_is_gone_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that ends without a report is an error."""
    monkeypatch.setattr(launch, "_CODE", "raise SystemExit(0)")
    with pytest.raises(OperationError, match="is gone"):
        shell("exit 0")
