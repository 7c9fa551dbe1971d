"""Files examined in confined workers: what comes back, and what becomes of workers that fail."""

import os
import pickle
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from support import pickles as p
from support.scanning import subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import ArtifactChangedError
from weighbridge.core.evidence import Finding, Gap
from weighbridge.sandbox import launcher as launching
from weighbridge.sandbox.launcher import Launcher, Worker, is_supported
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Deadline, Examiner, Subject
from weighbridge.scan.worker import client
from weighbridge.scan.worker.client import ConfinedExaminer, confined_examiner

pytestmark = pytest.mark.skipif(not is_supported(), reason="no confined processes here")

TESTS = str(Path(__file__).parents[3])
PAYLOAD = p.proto(2) + b"cos\nsystem\nX\4\0\0\0none\x85R."

CALLER = """
import pickle, sys
from support.scanning import subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.scan.worker.client import ConfinedExaminer

examiner = ConfinedExaminer()
assert examiner(subject_of(pickle.dumps(1), format=FileFormat.PICKLE)) == ()
print(examiner._launcher._server, flush=True)
sys.stdin.read()
"""

Opened = Callable[[str], ConfinedExaminer]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """Give what makes an examiner whose workers run a function of the tests' support code."""
    found = launching.search_path()
    monkeypatch.setattr(launching, "search_path", lambda: [*found, TESTS])
    monkeypatch.setattr(launching, "MAX_WORKER_START_SECONDS", 600)
    monkeypatch.setattr(client, "WORKER_GRACE_SECONDS", 0.2)
    made: list[ConfinedExaminer] = []

    def make(target: str) -> ConfinedExaminer:
        made.append(ConfinedExaminer(target=f"support.confined:{target}"))
        return made[-1]

    yield make
    for each in made:
        each.close()


def within(seconds: float, subject: Subject) -> Subject:
    """Return *subject* with so much time."""
    return replace(subject, deadline=Deadline(clock=lambda: 0.0, at=seconds))


def some(name: str = "bad") -> Subject:
    """Return a file that nobody looks into, with time for the busiest machine."""
    return within(600, subject_of(b"x", format=FileFormat.PICKLE, path=name))


class TestReports:
    """What a worker finds."""

    @pytest.mark.parametrize("size", [0, 100_000])
    def test_same_as_in_this_process(self, size: int) -> None:
        """A worker reports what this process would, however it gets the bytes."""
        subject = subject_of(PAYLOAD + b"junk" + b"x" * size, format=FileFormat.PICKLE)
        with confined_examiner() as examiner:
            assert examiner(subject) == examine(subject) != ()

    def test_clean(self) -> None:
        """About a harmless file there is nothing to say."""
        subject = subject_of(pickle.dumps([1, 2]), format=FileFormat.PICKLE)
        with confined_examiner() as examiner:
            assert examiner(subject) == ()

    def test_open_file(self, tmp_path: Path) -> None:
        """A worker reads an open file through its descriptor."""
        data = PAYLOAD + b"x" * 200_000
        (tmp_path / "f").write_bytes(data)

        class Source(BytesSource):
            def read_at(self, offset: int, length: int, /) -> bytes:
                raise AssertionError((offset, length))

            def fileno(self) -> int:
                return file.fileno()

        subject = subject_of(data, format=FileFormat.PICKLE)
        with (tmp_path / "f").open("rb") as file, confined_examiner() as examiner:
            found = examiner(replace(subject, source=Source(data)))
        assert found == examine(subject)

    def test_source_that_fails(self) -> None:
        """When the bytes cannot be had, that is the caller's error and no finding."""

        class Source(BytesSource):
            def read_at(self, offset: int, length: int, /) -> bytes:
                raise ArtifactChangedError("changed")

        subject = subject_of(b"", format=FileFormat.PICKLE)
        with confined_examiner() as examiner, pytest.raises(ArtifactChangedError):
            examiner(replace(subject, source=Source(b"x" * 100_000)))

    def test_many_files_share_a_worker(self, opened: Opened) -> None:
        """A worker that did well is used again."""
        examiner = opened("serve_dead")
        for _ in range(3):
            assert examiner(some("good")) == ()
        assert len(examiner._idle) == 1

    def test_several_threads(self) -> None:
        """Threads have a worker each, and the right answer."""
        found: dict[int, tuple[Finding | Gap, ...]] = {}
        with confined_examiner() as examiner:

            def run(number: int) -> None:
                data = PAYLOAD if number % 2 else pickle.dumps(number)
                found[number] = examiner(subject_of(data, format=FileFormat.PICKLE))

            threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert [bool(found[number]) for number in range(4)] == [False, True, False, True]


@pytest.mark.parametrize("made", [client.confined_examiner, client.confined_lister])
def test_system_without_workers(
    made: Callable[[], AbstractContextManager[Examiner]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no confined processes, files are examined in this one."""
    monkeypatch.setattr(client, "is_supported", lambda: False)
    with made() as examiner:
        assert examiner(subject_of(PAYLOAD, format=FileFormat.PICKLE))
        assert examiner(subject_of(pickle.dumps(1), format=FileFormat.PICKLE)) == ()


class TestLostWorkers:
    """Whatever becomes of a worker, its file is not clean."""

    def test_death(self, opened: Opened) -> None:
        """A file of which workers die is a gap that says so, and the next file is examined."""
        examiner = opened("serve_dead")
        (gap,) = examiner(some())
        assert isinstance(gap, Gap)
        assert gap.code is Code.SCAN_CRASHED
        assert "exit code 9" in gap.reason
        assert examiner(some("good")) == ()

    def test_second_attempt(self, opened: Opened) -> None:
        """What a careful worker still finds is reported beside the gap."""
        finding, gap = opened("serve_fragile")(some())
        assert isinstance(finding, Finding)
        assert finding.message == "careful"
        assert isinstance(gap, Gap)

    def test_silence(self, opened: Opened) -> None:
        """A worker that does not answer in time is ended, and the file is a gap."""
        (gap,) = opened("serve_silence")(within(0.1, some()))
        assert isinstance(gap, Gap)
        assert gap.code is Code.SCAN_TIMEOUT

    @pytest.mark.parametrize("target", ["serve_late", "serve_silence"])
    @pytest.mark.parametrize(
        ("worked", "busy"), [((0.0, 0.0), True), ((0.0, 1e9), False), ((None, 0.0), False)]
    )
    def test_a_busy_machine(
        self,
        opened: Opened,
        monkeypatch: pytest.MonkeyPatch,
        target: str,
        worked: tuple[float | None, float | None],
        *,
        busy: bool,
    ) -> None:
        """Of time that is over is said whether the worker could use it, by its processor time."""
        times = iter(worked)
        monkeypatch.setattr(Worker, "worked", property(lambda _: next(times)))
        (gap,) = opened(target)(within(0.1, some()))
        assert isinstance(gap, Gap)
        assert gap.code is Code.SCAN_TIMEOUT
        assert ("when it has less to do" in gap.reason) is busy

    @pytest.mark.parametrize("target", ["serve_nonsense", "serve_greed", "serve_flood"])
    def test_nonsense(self, opened: Opened, target: str) -> None:
        """A worker that gives no valid answer is ended, and the file is a gap."""
        (gap,) = opened(target)(some())
        assert isinstance(gap, Gap)
        assert gap.code is Code.SCAN_CRASHED
        assert "no valid answer" in gap.reason

    def test_no_start(self, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where workers do not start, every file is a gap, and starting is tried once."""
        examiner = opened("no_such_function")
        tries: list[Launcher] = []
        real = Launcher.start

        def start(launcher: Launcher) -> Worker:
            tries.append(launcher)
            return real(launcher)

        monkeypatch.setattr(Launcher, "start", start)
        first = examiner(some())
        assert examiner(some()) == first
        assert len(tries) == 1
        (gap,) = first
        assert isinstance(gap, Gap)
        assert "cannot be started" in gap.reason

    def test_memory(self) -> None:
        """A file that takes more memory than there is for it is a gap, and no crash."""
        lists = p.proto(2) + b"]" * 4_000_000 + b"."
        allowance = replace(client.ALLOWANCE, memory_bytes=160 << 20)
        with ConfinedExaminer(allowance=allowance) as examiner:
            assert examiner(subject_of(lists, format=FileFormat.PICKLE))
            assert examiner(subject_of(pickle.dumps(1), format=FileFormat.PICKLE)) == ()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the system has no pidfd")
def test_killed_caller_leaves_nobody_behind() -> None:
    """When the calling process is killed, its workers end by themselves."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", CALLER],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as caller:
        assert caller.stdout is not None
        # The caller lives until it is killed, and with it the number is that of its server.
        server = os.pidfd_open(int(caller.stdout.readline()))
        caller.kill()
    try:
        waiting = select.poll()
        waiting.register(server, select.POLLIN)
        assert waiting.poll(), "ended by the time limit of all tests, if at all"
    finally:
        os.close(server)
