"""Confined workers: what they are kept from, and that they end when they should."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.confined import ANSWER
from weighbridge.core.errors import OperationError
from weighbridge.sandbox import launcher as launching
from weighbridge.sandbox.frames import FrameError, HangUpError, receive_frame, send_frame
from weighbridge.sandbox.interface import Allowance, Measure
from weighbridge.sandbox.launcher import Launcher, Worker, is_supported
from weighbridge.sandbox.orders import REPLY

pytestmark = pytest.mark.skipif(not is_supported(), reason="no confined processes here")

TARGET = "support.confined:serve_attempts"
ALLOWANCE = Allowance(memory_bytes=512 << 20, cpu_seconds=1)
TESTS = str(Path(__file__).parents[2])


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Launcher]:
    """Give a launcher whose workers find the tests' support code."""
    found = launching.search_path()
    monkeypatch.setattr(launching, "search_path", lambda: [*found, TESTS])
    monkeypatch.setattr(launching, "MAX_WORKER_START_SECONDS", 600)  # on the busiest machine
    with Launcher(TARGET, allowance=ALLOWANCE) as made:
        yield made


def attempt(worker: Worker, name: str) -> str:
    """Have *worker* attempt what is called *name*, and return how it went, however long it takes."""
    worker.talk.settimeout(None)
    send_frame(worker.talk, b"Q", name.encode())
    kind, answer = receive_frame(worker.talk, most=4096)
    assert kind == ANSWER
    return answer.decode()


def require(worker: Worker, *measures: Measure) -> None:
    """Skip the test where the system does not provide *measures*."""
    missing = set(measures) - worker.confinement.enforced
    if missing:
        pytest.skip(f"not to be had here: {worker.confinement.refused}")


class TestConfinement:
    """What a worker cannot do."""

    @pytest.mark.parametrize(
        "name",
        [
            "execute",
            "fork",
            "kill-parent",
            "make-executable",
            "memory-file",
            "socket-mptcp",
            "socket-tcp",
            "socket-udp",
            "socket-unix",
            "write",
        ],
    )
    def test_refused_call(self, launcher: Launcher, name: str) -> None:
        """Programs, processes, sockets, executable memory and files to write are refused."""
        worker = launcher.start()
        require(worker, Measure.CALLS)
        assert attempt(worker, name) in {"PermissionError", "OSError"}

    def test_refused_file(self, launcher: Launcher) -> None:
        """A file that is not of the Python installation cannot be read."""
        worker = launcher.start()
        require(worker, Measure.FILES)
        assert attempt(worker, "read-etc") == "PermissionError"

    def test_python_can_be_read(self, launcher: Launcher) -> None:
        """Modules can be imported after the confinement."""
        worker = launcher.start()
        assert attempt(worker, "read-python") == "read 1"
        assert attempt(worker, "import") == "wave"

    def test_memory(self, launcher: Launcher) -> None:
        """More memory than allowed is not to be had, and the worker lives on."""
        worker = launcher.start()
        require(worker, Measure.MEMORY)
        assert attempt(worker, "allocate") == "MemoryError"
        assert attempt(worker, "read-python") == "read 1"

    def test_garbage_is_collected(self, launcher: Launcher) -> None:
        """Only the imports go without it: what a hostile file leaves in cycles is freed."""
        assert attempt(launcher.start(), "collects-garbage") == "True"

    def test_environment(self, launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing of the caller's environment reaches a worker."""
        monkeypatch.setenv("SECRET_TOKEN", "x")
        worker = launcher.start()
        assert "SECRET_TOKEN" not in attempt(worker, "environment")

    def test_descriptors(self, launcher: Launcher, tmp_path: Path) -> None:
        """Files that the caller has open, inheritable ones too, are not open in a worker."""
        with (tmp_path / "secret").open("w") as file:
            os.set_inheritable(file.fileno(), True)
            worker = launcher.start()
            assert len(attempt(worker, "open-files").split(",")) <= 4

    def test_measures_are_reported(self, launcher: Launcher) -> None:
        """Each measure is either enforced or refused with a reason."""
        confinement = launcher.start().confinement
        refused = {measure for measure, _ in confinement.refused}
        assert confinement.enforced | refused == set(Measure)
        assert not confinement.enforced & refused
        assert confinement.is_complete == (not refused)


class TestEnds:
    """How workers end."""

    def test_processor_time(self, launcher: Launcher) -> None:
        """A worker that computes for too long is ended by the system."""
        worker = launcher.start()
        require(worker, Measure.CPU)
        with pytest.raises(HangUpError):
            attempt(worker, "spin")
        assert worker.end() in {"used up its processor time", "was ended by SIGKILL"}

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
    def test_time_that_was_used(self, launcher: Launcher) -> None:
        """How long a worker has computed is told as long as it is there."""
        worker = launcher.start()
        before = worker.worked
        assert attempt(worker, "read-python") == "read 1"
        after = worker.worked
        assert before is not None
        assert after is not None
        assert 0 < before < after
        worker.end()
        assert worker.worked is None

    def test_crash(self, launcher: Launcher) -> None:
        """It is told how a worker crashed, and the next one starts."""
        worker = launcher.start()
        with pytest.raises(HangUpError):
            attempt(worker, "crash")
        assert worker.end() == "was ended by SIGSEGV"
        assert attempt(launcher.start(), "read-python") == "read 1"

    def test_exit(self, launcher: Launcher) -> None:
        """A worker that leaves by itself is told from one that was ended."""
        worker = launcher.start()
        with pytest.raises(HangUpError):
            attempt(worker, "exit")
        assert worker.end() == "ended with the exit code 3"

    def test_nonsense(self, launcher: Launcher) -> None:
        """What is no message is an error and not an answer."""
        worker = launcher.start()
        with pytest.raises(FrameError):
            attempt(worker, "nonsense")

    def test_close_ends_all(self, launcher: Launcher) -> None:
        """When the launcher is closed every worker is gone, a busy one too."""
        busy = launcher.start()
        send_frame(busy.talk, b"Q", b"spin")
        with busy.talk.dup() as kept:
            launcher.close()
            kept.settimeout(None)
            with pytest.raises(HangUpError):
                receive_frame(kept, most=10)
        assert busy.end() == "is gone"

    def test_closed_launcher(self, launcher: Launcher) -> None:
        """A closed launcher starts nothing."""
        launcher.close()
        launcher.close()
        with pytest.raises(OperationError):
            launcher.start()

    def test_server_that_was_ended(self, launcher: Launcher) -> None:
        """Without the process that forks workers, starting one is an error."""
        launcher.start()
        assert launcher._server is not None
        os.kill(launcher._server, signal.SIGKILL)
        with pytest.raises(OperationError):
            launcher.start()

    def test_server_that_ends_while_a_worker_is_ended(self, launcher: Launcher) -> None:
        """Without that process nobody knows how a worker ended, and that is no error."""
        worker = launcher.start()
        assert launcher._server is not None
        os.kill(launcher._server, signal.SIGKILL)
        assert worker.end() == "is gone"

    def test_worker_that_was_ended_twice(self, launcher: Launcher) -> None:
        """The number of a worker that is gone is no process to be ended, whoever has it now."""
        worker = launcher.start()
        assert worker.end() != "is gone"
        assert worker.end() == "is gone"
        assert attempt(launcher.start(), "read-python") == "read 1"

    def test_late_answer(self, launcher: Launcher) -> None:
        """An answer that came too late is not taken for that to the next order."""
        worker = launcher.start()
        control, late = socket.socketpair()
        control.settimeout(0.01)
        with late:
            assert launcher._control is not None
            launcher._control.close()
            launcher._control = control
            assert worker.end() == "is gone"
            with pytest.raises(BrokenPipeError):
                late.sendall(REPLY.pack(9))
            with pytest.raises(OperationError, match="they were ended"):
                launcher.start()

    def test_from_a_thread(self, launcher: Launcher) -> None:
        """A thread other than the main one can start workers, while others run."""
        found: list[str] = []

        def run() -> None:
            with launcher:
                found.append(attempt(launcher.start(), "read-python"))

        other = threading.Thread(target=run)
        other.start()
        other.join()
        assert found == ["read 1"]


class TestBytecode:
    """What is compiled once is not compiled again at each start, unless that is not wanted."""

    @pytest.mark.parametrize("unwanted", [False, True])
    def test_modules_are_compiled_once(
        self, unwanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What forks workers keeps what it compiled, as Python does for whoever started it."""
        code = "from support.confined import serve_attempts\n"
        (tmp_path / "first_run.py").write_text(code)
        found = [*launching.search_path(), TESTS, str(tmp_path)]
        monkeypatch.setattr(launching, "search_path", lambda: found)
        monkeypatch.setattr(launching, "MAX_WORKER_START_SECONDS", 600)
        monkeypatch.setattr("sys.dont_write_bytecode", unwanted)
        with Launcher("first_run:serve_attempts", allowance=ALLOWANCE) as launcher:
            worker = launcher.start()
            assert attempt(worker, "writes-bytecode") == "False"
        assert (tmp_path / "__pycache__").exists() is not unwanted


class TestAhead:
    """A worker that is started before somebody wants one."""

    def test_it_is_the_first_one(self, launcher: Launcher) -> None:
        """The first worker is the one that was prepared, confined as any; the next one is new."""
        launcher.prepare()
        launcher.prepare()
        assert launcher._ahead is not None
        ahead = launcher._ahead.talk
        first, second = launcher.start(), launcher.start()
        assert first.talk is ahead
        assert first.confinement == second.confinement
        assert attempt(first, "read-python") == attempt(second, "read-python") == "read 1"
        assert "is gone" not in {first.end(), second.end()}

    def test_nothing_is_prepared_beside_workers(self, launcher: Launcher) -> None:
        """Where there is a worker already, none is started on suspicion."""
        launcher.start()
        launcher.prepare()
        assert launcher._ahead is None

    def test_answers_are_not_mixed_up(self, launcher: Launcher) -> None:
        """What is asked before that worker is taken gets its own answer."""
        launcher.prepare()
        with socket.socket() as talk:
            assert launcher.reap(Worker(launcher, os.getpid(), talk), os.getpid()) == -1
        assert attempt(launcher.start(), "read-python") == "read 1"

    def test_it_ends_with_the_launcher(self, launcher: Launcher) -> None:
        """A worker that nobody took is gone when the launcher is closed, and so is the socket."""
        launcher.prepare()
        assert launcher._ahead is not None
        with launcher._ahead.talk.dup() as kept:
            kept.settimeout(None)
            receive_frame(kept, most=4096)
            launcher.close()
            with pytest.raises(HangUpError):
                receive_frame(kept, most=10)
        assert launcher._ahead is None
        with pytest.raises(OperationError):
            launcher.start()

    def test_server_that_ended(self, launcher: Launcher) -> None:
        """When what forks workers has ended meanwhile, starting one is an error."""
        launcher.prepare()
        assert launcher._server is not None
        os.kill(launcher._server, signal.SIGKILL)
        with pytest.raises(OperationError):
            launcher.start()
        with pytest.raises(OperationError):
            launcher.prepare()


class TestStart:
    """What cannot be started."""

    @pytest.mark.parametrize("program", ["", "/nonexistent/python", "/bin/false"])
    def test_no_interpreter(self, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the interpreter is not one, that is an error with a hint."""
        monkeypatch.setattr("sys.executable", program)
        with Launcher(TARGET, allowance=ALLOWANCE) as launcher, pytest.raises(OperationError):
            launcher.start()

    def test_no_target(self) -> None:
        """A target that does not exist is an error."""
        with (
            Launcher("weighbridge.no_such:serve", allowance=ALLOWANCE) as launcher,
            pytest.raises(OperationError),
        ):
            launcher.start()
