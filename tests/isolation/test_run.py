"""`weighbridge run`: what the program sees, how it ends, and what happens where walls are missing."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from isolation.conftest import working
from support.publisher import weighbridge
from support.walled import LISTING, line, started, started_as, write_policy


def test_the_program_sees_the_verified_files_alone(place: Path, engine: str) -> None:
    """Weights and configuration are there; the signature, which is no part of the model, is not."""
    result = weighbridge(place, *line(engine, *LISTING, "{model}"))
    assert result.code == 0
    assert "model.safetensors" in result.out.split()
    assert "model.sig" not in result.out.split()
    assert f"isolated by {engine}" in result.err


def test_a_python_program_loads_the_model(place: Path, engine: str) -> None:
    """An unmodified program, named on the command line, gets the tensors that were signed."""
    program = place / "show.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, sys
            from safetensors.numpy import load_file
            tensors = load_file(os.path.join(os.environ["WEIGHBRIDGE_MODEL"], "model.safetensors"))
            print(sorted(tensors), sys.argv[1:])
            """
        ),
        "utf-8",
    )
    plain = subprocess.run(
        [sys.executable, os.fspath(program), "x"],
        env={**os.environ, "WEIGHBRIDGE_MODEL": os.fspath(place / "model")},
        capture_output=True,
        text=True,
        check=True,
    )
    result = weighbridge(place, *line(engine, sys.executable, "show.py", "x"))
    assert (result.code, result.out) == (0, plain.stdout)


def test_the_exit_code_is_the_programs(place: Path, engine: str) -> None:
    """Whatever the program ends with, so does the command; a signal is 128 and its number."""
    assert weighbridge(place, *line(engine, "/bin/sh", "-c", "exit 7")).code == 7
    assert weighbridge(place, *line(engine, "/bin/sh", "-c", "kill -KILL $$")).code == 137


_IGNORING = (
    "import os, signal, sys\n"
    "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'weighbridge', *sys.argv[1:]])"
)


def test_the_exit_code_is_the_programs_whoever_ignores_the_end_of_children(
    place: Path, engine: str
) -> None:
    """Some start others so; a program that failed has not succeeded then."""
    done = subprocess.run(
        [sys.executable, "-c", _IGNORING, *line(engine, "/bin/sh", "-c", "exit 7")],
        cwd=place,
        check=False,
    )
    assert done.returncode == 7


def test_a_denied_model_runs_nothing(place: Path, engine: str) -> None:
    """A changed model ends with the verdict, and the program is not started."""
    (place / "model" / "config.json").write_text("{}", "utf-8")
    result = weighbridge(place, *line(engine, "/bin/echo", "it ran"))
    assert result.code == 10
    assert "it ran" not in result.out


def test_what_the_rule_lists_is_there(place: Path, engine: str) -> None:
    """Files to read, directories to change and variables: those that are listed, and no others."""
    (place / "settings.txt").write_text("listed", "utf-8")
    (place / "out").mkdir()
    write_policy(place, 'read = ["settings.txt"], write = ["out"], env = ["LISTED"]')
    script = f"cat {place}/settings.txt; echo done > {place}/out/result; echo $LISTED-$OTHER"
    result = weighbridge(place, *line(engine, "/bin/sh", "-c", script), LISTED="a", OTHER="b")
    assert (result.code, result.out) == (0, "listeda-\n")
    assert (place / "out" / "result").read_text("utf-8") == "done\n"


def test_a_program_that_is_not_there(place: Path, engine: str) -> None:
    """It is named, as wrong usage."""
    result = weighbridge(place, *line(engine, "no-such-program"))
    assert result.code == 2
    assert "no-such-program" in result.err


def test_a_network_is_not_given(place: Path, engine: str) -> None:
    """A rule that lets the program use the network is refused: no engine could confine that."""
    write_policy(place, 'network = "allow"')
    result = weighbridge(place, *line(engine, "/bin/echo", "it ran"))
    assert result.code == 1
    assert "it ran" not in result.out
    assert "[isolation-unavailable]" in result.err


def test_a_check_alone_is_indeterminate(place: Path) -> None:
    """Who only checks enforces nothing, and the reason says what would."""
    result = weighbridge(place, "check", "model", "--policy", "weighbridge.toml")
    assert result.code == 11
    assert "weighbridge run" in result.out


@pytest.fixture
def hung_up() -> Iterator[None]:
    """Let a hangup count, which `nohup` has all that it starts ignore."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hung_up")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_goes_on_to_the_program(place: Path, engine: str, number: signal.Signals) -> None:
    """The program can end in its own way when the command is asked to end."""
    script = f"trap 'echo asked; exit 5' {number}; echo ready; while :; do sleep 1 & wait; done"
    with started(place, engine, script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "asked\n"
        assert process.wait() == 5


def test_an_interrupt_is_the_programs(place: Path, engine: str) -> None:
    """Ctrl-C reaches the program by the terminal's group; the command waits for what it does."""
    script = "trap 'echo interrupted; exit 6' INT; echo ready; while :; do sleep 1 & wait; done"
    with started(place, engine, script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait() == 6


def test_the_program_ends_with_the_command(place: Path, engine: str) -> None:
    """Where the command is killed, the program does not stay behind without anybody's walls."""
    with started(place, engine, "echo ready; exec sleep 600") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
        # The pipe ends when everybody who could write to it has ended.
        assert process.stdout.read() == ""


_SERVER = """
import socket, sys, threading
port, elsewhere = map(int, sys.argv[1:])
server = socket.create_server(("127.0.0.1", port))
print("ready", flush=True)
while True:
    connection, _ = server.accept()
    with connection:
        asked = connection.recv(100)
        try:
            socket.create_connection(("127.0.0.1", elsewhere), 5).close()
            said = b"dialled out"
        except OSError:
            said = b"answer to " + asked
        connection.sendall(said)
"""


def test_a_server_can_be_asked_and_ask_nobody(place: Path, serving_engine: str) -> None:
    """It answers at its port, and what listens outside hears nothing of it."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        write_policy(place, f"listen = [{port}]")
        (place / "server.py").write_text(_SERVER, "utf-8")
        command = (sys.executable, "-I", "server.py", str(port), str(elsewhere.getsockname()[1]))
        with started_as(place, serving_engine, *command) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            for question in (b"one", b"two"):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(question)
                    assert client.recv(100) == b"answer to " + question
            process.terminate()
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_without_listen_a_server_cannot_start(place: Path, engine: str) -> None:
    """A port that the rule does not list cannot be had."""
    (place / "server.py").write_text(_SERVER, "utf-8")
    result = weighbridge(place, *line(engine, sys.executable, "-I", "server.py", "18765", "1"))
    assert result.code == 1
    assert "PermissionError" in result.err


def test_a_server_is_not_run_where_nobody_could_ask_it(place: Path) -> None:
    """A rule that lists ports is refused by an engine that has no way in, and nothing is run."""
    working("gvisor")
    write_policy(place, "listen = [18765]")
    result = weighbridge(place, *line("gvisor", "/bin/echo", "it ran"))
    assert result.code == 1
    assert "it ran" not in result.out
    assert "isolation.listen" in result.err
    assert "[isolation-unavailable]" in result.err


def test_what_several_write_to_one_file_is_all_there(place: Path, engine: str) -> None:
    """A program goes on in a file where others stopped, and others where it did."""
    with (place / "log").open("w") as log:
        for number in range(2):
            script = f"echo {number} said; echo {number} talked >&2"
            subprocess.run(
                [sys.executable, "-m", "weighbridge", *line(engine, "/bin/sh", "-c", script)],
                cwd=place,
                stdout=log,
                stderr=log,
                check=True,
            )
    found = (place / "log").read_text("utf-8").splitlines()
    said = [each for each in found if each != f"isolated by {engine}"]
    assert said == ["0 said", "0 talked", "1 said", "1 talked"]


def test_what_cannot_be_run_is_no_program_that_ended(place: Path) -> None:
    """Where gVisor fails, it says so, and its exit code is not taken for the program's."""
    working("gvisor")
    (place / "no-program").write_text("", "utf-8")
    (place / "no-program").chmod(0o755)
    result = weighbridge(place, *line("gvisor", "./no-program"))
    assert result.code == 1
    assert "the engine gvisor has failed" in result.err


def test_a_taken_port_runs_nothing(place: Path) -> None:
    """Where the relay's port is somebody else's, it is named and the program is not run."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write_policy(place, f"listen = [{port}]")
        result = weighbridge(place, *line("bubblewrap", "/bin/echo", "it ran"))
    assert result.code == 1
    assert "it ran" not in result.out
    assert str(port) in result.err
