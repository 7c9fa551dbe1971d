"""Other scanners run confined and bounded; whatever they do, the run comes back."""

import os
import select
import socket
import sys
from pathlib import Path

import pytest

from support.other_scanners import write_program
from weighbridge.scan.others import process
from weighbridge.scan.others.process import Bounds, find_program, run_scanner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")

FEW = Bounds(seconds=600, output=4096)
"""For programs that end by themselves, or by something else than time, on the busiest machine."""


def test_what_it_says_comes_back(tmp_path: Path) -> None:
    """Both outputs, the report and the exit code are kept; the places are filled in."""
    program = write_program(tmp_path / "p", 'echo "$1"; echo talk >&2; echo report >"$2"; exit 3')
    outcome = run_scanner([str(program), "{path}", "{report}"], root=tmp_path, bounds=FEW)
    assert outcome.problem is None
    assert (outcome.exit_code, outcome.output) == (3, f"{tmp_path}\n".encode())
    assert (outcome.talk, outcome.report) == (b"talk\n", b"report\n")


def test_arguments_are_not_interpreted(tmp_path: Path) -> None:
    """A path with characters that mean something to a shell is one argument."""
    root = tmp_path / "a; touch $(x) 'b'"
    program = write_program(tmp_path / "p", 'printf "%s|" "$@"')
    outcome = run_scanner([str(program), "--path={path}", "$HOME"], root=root, bounds=FEW)
    assert outcome.output.decode() == f"--path={root}|$HOME|"


def test_the_environment_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's environment reaches it, and its home is empty and its own."""
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    program = write_program(tmp_path / "p", 'env; pwd; ls -A "$HOME"; test -t 0 || cat')
    outcome = run_scanner([str(program)], root=tmp_path, bounds=FEW)
    text = outcome.output.decode()
    assert "SECRET_TOKEN" not in text
    assert "/nowhere" not in text
    variables = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert variables["HOME"] == variables["TMPDIR"]
    assert text.splitlines()[-1] == variables["HOME"]
    assert not Path(variables["HOME"]).exists()


def test_the_network_is_cut_off_where_that_is_possible(tmp_path: Path) -> None:
    """A program that is called offline sees no network interface but an idle loopback."""
    program = write_program(tmp_path / "p", "cat /proc/net/dev 2>/dev/null || true")
    outcome = run_scanner([str(program)], root=tmp_path, bounds=FEW)
    if sys.platform != "linux" or not outcome.offline:
        pytest.skip("the system does not let its users have a network namespace")
    names = [line.split(":")[0].strip() for line in outcome.output.decode().splitlines()[2:]]
    assert [name for name in names if not name.startswith(("lo", "tunl", "sit", "gre", "ip"))] == []


def test_it_ends_in_time(tmp_path: Path) -> None:
    """A program that does not end is ended, with what it started."""
    # Both wait for a writer that never comes. They take no CPU time, which is bounded as well.
    program = write_program(tmp_path / "p", 'mkfifo "$HOME/f"; cat "$HOME/f" & cat "$HOME/f"')
    outcome = run_scanner([str(program)], root=tmp_path, bounds=Bounds(seconds=0.3, output=10))
    assert outcome.problem == "it did not end within 0.3 seconds"


def test_it_says_no_more_than_allowed(tmp_path: Path) -> None:
    """A program that prints without end is ended, and what it printed is no answer."""
    program = write_program(tmp_path / "p", "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done")
    outcome = run_scanner([str(program)], root=tmp_path, bounds=FEW)
    assert outcome.problem == "it printed more than 4096 bytes"
    talking = write_program(tmp_path / "q", "while :; do echo aaaaaaaaaaaaaaaaaaaaaaa >&2; done")
    assert run_scanner([str(talking)], root=tmp_path, bounds=FEW).problem is not None


def test_its_report_is_bounded(tmp_path: Path) -> None:
    """A report beyond the bound is no answer."""
    program = write_program(tmp_path / "p", 'head -c 5000 /dev/zero >"$1"')
    outcome = run_scanner([str(program), "{report}"], root=tmp_path, bounds=FEW)
    assert outcome.problem == "its report has more than 4096 bytes"


@pytest.mark.parametrize("body", ['mkdir "$1"', 'ln -s /etc/passwd "$1"', 'mkfifo "$1"', ":"])
def test_a_report_is_a_file(tmp_path: Path, body: str) -> None:
    """A report that is no regular file is none."""
    program = write_program(tmp_path / "p", body)
    outcome = run_scanner([str(program), "{report}"], root=tmp_path, bounds=FEW)
    assert (outcome.report, outcome.problem) == (None, None)


def test_files_are_bounded(tmp_path: Path) -> None:
    """A program that writes without end meets the bound for files."""
    program = write_program(tmp_path / "p", 'head -c 100000 /dev/zero >"$HOME/x"; echo $?')
    bounds = Bounds(seconds=600, output=4096, file=1000)
    outcome = run_scanner([str(program)], root=tmp_path, bounds=bounds)
    assert outcome.output != b"0\n"


def test_a_signal_is_a_failure(tmp_path: Path) -> None:
    """A program that ends by a signal has given no answer."""
    program = write_program(tmp_path / "p", "kill -SEGV $$")
    outcome = run_scanner([str(program)], root=tmp_path, bounds=FEW)
    assert outcome.problem == "it was ended by SIGSEGV"


@pytest.mark.parametrize("mode", [0o600, None])
def test_what_cannot_be_started_is_told(tmp_path: Path, mode: int | None) -> None:
    """A program that is absent, or may not be executed, is told with the system's reason."""
    place = tmp_path / "p"
    if mode is not None:
        place.write_text("")
        place.chmod(mode)
    outcome = run_scanner([str(place)], root=tmp_path, bounds=FEW)
    assert outcome.exit_code != 0
    assert outcome.problem is not None
    assert outcome.problem.startswith("it cannot be started: ")


def has_ended(number: int) -> bool:
    """Tell whether the process *number* ends; it takes a while from the signal to the end."""
    try:
        descriptor = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    try:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        return bool(waiting.poll(60_000))
    finally:
        os.close(descriptor)


def test_a_second_process_does_not_outlive_it(tmp_path: Path) -> None:
    """What it leaves running in the background is ended with it, and does not hold up the run."""
    program = write_program(tmp_path / "p", "(while :; do :; done) & echo $!")
    outcome = run_scanner([str(program)], root=tmp_path, bounds=FEW)
    assert outcome.problem is None
    assert has_ended(int(outcome.output))


def test_what_goes_on_in_a_session_of_its_own_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What escapes the end may print more: then what was printed so far is no answer."""
    monkeypatch.setattr(process, "_GRACE_SECONDS", 0.1)
    goes_on = tmp_path / "goes_on"
    os.mkfifo(goes_on)
    begun = '"$HOME/begun"'
    escaped = f"mkfifo {begun}; setsid sh -c 'echo >{begun}; cat {goes_on}' & cat {begun}"
    program = write_program(tmp_path / "p", escaped)
    outcome = run_scanner([str(program)], root=tmp_path, bounds=FEW)
    goes_on.write_bytes(b"")  # its reader ends with that
    assert outcome.exit_code == 0
    assert outcome.problem == "something that it started goes on, and may print more"


@pytest.fixture
def confined(tmp_path: Path) -> Path:
    """Return a directory with a model; skip the test where scanners cannot be confined."""
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_text("secret", "utf-8")
    program = write_program(tmp_path / "p", "true")
    if not run_scanner([str(program)], root=tmp_path / "model", bounds=FEW).confined:
        pytest.skip("the system has no Landlock, or no filters for system calls")
    return tmp_path


@pytest.mark.parametrize(
    "attempt",
    [
        "cat {0}/secret",
        "ls {0}",
        "echo >{0}/secret",
        "echo >{0}/model/new",
        "chmod 777 {0}/secret && test -x {0}/secret",
        "cat /proc/$PPID/cmdline",
        "kill -0 $PPID",
        "unshare --user true",
        "{1} -c 'import socket; socket.socket()'",
        "{1} -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"{0}/service\")'",
    ],
)
def test_it_reaches_nothing_else(confined: Path, attempt: str) -> None:
    """A scanner that a model has taken over reads, changes and asks nothing of the machine."""
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(f"{confined}/service")
        service.listen()
        python = os.path.realpath(sys.executable)
        program = write_program(
            confined / "p", f"if {attempt.format(confined, python)}; then echo done; fi 2>&1"
        )
        outcome = run_scanner([str(program), python], root=confined / "model", bounds=FEW)
        assert (outcome.exit_code, outcome.offline) == (0, True)
        assert not outcome.output.endswith(b"done\n")
        assert (confined / "secret").read_text("utf-8") == "secret"


def test_it_reaches_what_it_needs(confined: Path) -> None:
    """It reads the model and what the command line names in full, and writes to its directory."""
    (confined / "model" / "a").write_text("a", "utf-8")
    program = write_program(
        confined / "p", 'cat "$1/a" "${2#*=}" && echo b >"$HOME/x" && cat "$HOME/x"'
    )
    command = [str(program), "{path}", f"--rules={confined}/secret"]
    outcome = run_scanner(command, root=confined / "model", bounds=FEW)
    assert outcome.output == b"asecretb\n"


def test_a_service_is_asked(confined: Path) -> None:
    """One that asks a service of the machine does so by a Unix socket, and by no other."""
    python = os.path.realpath(sys.executable)
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(f"{confined}/service")
        service.listen()
        code = (
            "import socket\n"
            f"socket.socket(socket.AF_UNIX).connect('{confined}/service')\n"
            "try:\n    socket.socket()\nexcept PermissionError:\n    print('asked')\n"
        )
        outcome = run_scanner(
            [python, "-I", "-S", "-c", code],
            root=confined / "model",
            bounds=FEW,
            asks_a_service=True,
        )
        assert outcome.output == b"asked\n"


def test_programs_are_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program is taken from PATH, but not from a relative entry and not from the model."""
    model, tools = tmp_path / "model", tmp_path / "tools"
    for folder in (model, tools):
        folder.mkdir()
        write_program(folder / "acme", ":")
    monkeypatch.chdir(tools)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", str(model)]))
    assert find_program("acme", away_from=model) is None
    monkeypatch.setenv("PATH", os.pathsep.join([".", str(model), str(tools)]))
    assert find_program("acme", away_from=model) == tools / "acme"
    assert find_program("other", away_from=model) is None
    (tools / "linked").symlink_to(model / "acme")
    assert find_program("linked", away_from=model) is None
    assert find_program("linked", away_from=tmp_path / "elsewhere") == tools / "linked"


def test_without_an_interpreter_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Python does not know itself nothing is run unconfined instead."""
    program = write_program(tmp_path / "p", "echo ran")
    monkeypatch.setattr(sys, "executable", "")
    outcome = run_scanner([str(program)], root=tmp_path, bounds=FEW)
    assert outcome.output == b""
    assert outcome.problem == "it cannot be started: the Python interpreter is not known"
