"""A program that is sent behind walls for a result: its streams, its time and its end."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.filters import ALLOW, ARCHITECTURES, REFUSE, UNKNOWN, decide
from weighbridge.core.errors import IsolationError, UsageError
from weighbridge.load.memfd import Descriptor
from weighbridge.sandbox.walls import errand as errands
from weighbridge.sandbox.walls.alone import refusing_processes
from weighbridge.sandbox.walls.engines import choose_engine
from weighbridge.sandbox.walls.errand import Ended, Errand, run_errand
from weighbridge.sandbox.walls.interface import Limits, Walls
from weighbridge.sandbox.walls.starting import PACKAGE

READABLE = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    sys.prefix,
    sys.base_prefix,
    os.fspath(PACKAGE.parent),
)
SECONDS = 600.0


@contextmanager
def sent(
    code: str, *, seconds: float = SECONDS, talk: int = 1 << 16
) -> Iterator[tuple[Ended, bytes]]:
    """Give how *code* ended behind walls, and what it wrote; its input is `given`."""
    engine, _ = choose_engine()
    errand = Errand(
        engine=engine.name,
        command=(os.path.realpath(sys.executable), "-I", "-S", "-c", code),
        walls=Walls(
            readable=READABLE,
            environment=(("PATH", "/usr/bin"),),
            limits=Limits(file_bytes=1 << 20),
        ),
        seconds=seconds,
        talk_bytes=talk,
    )
    given, result = (Descriptor(os.memfd_create(name)) for name in ("given", "result"))
    os.pwrite(given.number, b"given", 0)
    ended = run_errand(errand, given=given, result=result)
    yield ended, os.pread(result.number, 1 << 20, 0)


def test_streams_and_exit_code() -> None:
    """The program has the streams that it was given, and how it ended is told."""
    code = "import sys; print(sys.stdin.read() * 2); sys.stderr.write('said'); sys.exit(7)"
    with sent(code) as (ended, result):
        assert ended == Ended(exit_code=7, said=b"said")
        assert result == b"givengiven\n"


def test_a_signal() -> None:
    """A program that a signal ended is told by the signal's number."""
    with sent("import os; os.kill(os.getpid(), 9)") as (ended, _):
        assert ended.exit_code == 128 + 9


def test_its_time() -> None:
    """A program that does not end in time is ended."""
    with sent("import signal\nwhile True: signal.pause()", seconds=1.0) as (ended, _):
        assert (ended.exit_code, ended.late) == (None, True)


def test_a_stream_that_is_closed() -> None:
    """A program that closes its standard error and goes on is waited for, or ended in time."""
    code = "import os, sys; os.close(2); os.write(1, b'done')"
    with sent(code) as (ended, result):
        assert (ended.exit_code, result) == (0, b"done")


def test_what_it_says() -> None:
    """A program that says more than it may is ended; as much as it may is told."""
    with sent("import sys; sys.stderr.write('x' * 1000)", talk=1000) as (ended, _):
        assert (ended.exit_code, len(ended.said)) == (0, 1000)
    with sent("while True: __import__('os').write(2, b'x')", talk=1000) as (ended, _):
        assert (ended.exit_code, ended.loud) == (None, True)


def test_no_such_program() -> None:
    """A program that is not there is the caller's mistake, as without the agent."""
    engine, _ = choose_engine()
    errand = Errand(
        engine=engine.name,
        command=("no-such-program",),
        walls=Walls(readable=READABLE),
        seconds=SECONDS,
        talk_bytes=1000,
    )
    given = Descriptor(os.memfd_create("given"))
    with pytest.raises(UsageError, match="no such program"):
        run_errand(errand, given=given, result=given)


def test_an_agent_that_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what puts up the walls fails, nothing was run, and what it said is told."""
    monkeypatch.setattr(errands, "_CODE", "import sys; sys.exit('it is broken')")
    with pytest.raises(IsolationError, match="it is broken"), sent("pass"):
        pass


def test_an_interpreter_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that cannot be started is an error of ours."""
    engine, _ = choose_engine()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    errand = Errand(
        engine=engine.name,
        command=("/bin/true",),
        walls=Walls(readable=READABLE),
        seconds=SECONDS,
        talk_bytes=1000,
    )
    given = Descriptor(os.memfd_create("given"))
    with pytest.raises(IsolationError, match="cannot be started"):
        run_errand(errand, given=given, result=given)


FORKING = ((57, None), (58, None), (59, 221), (322, 281), (319, 279), (447, 447))
CLONE, CLONE3, READ = (56, 220), (435, 435), (0, 63)
THREAD = 0x003D0F00
"""The flags with which the C library makes threads."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_processes_are_refused_and_threads_are_not(architecture: str) -> None:
    """A process that stays alone makes threads, but no process, and becomes no other program."""
    code = refusing_processes(architecture)
    for pair in FORKING:
        assert decide(code, architecture, pair) in {REFUSE, None}
    assert decide(code, architecture, CLONE, THREAD) == ALLOW
    assert decide(code, architecture, CLONE, 17) == REFUSE
    assert decide(code, architecture, CLONE, 0x4111) == REFUSE
    assert decide(code, architecture, CLONE3) == UNKNOWN
    assert decide(code, architecture, READ) == ALLOW
