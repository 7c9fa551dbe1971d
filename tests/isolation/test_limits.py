"""How much a program behind walls may use: together where groups can be made, and else by itself."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import fields
from pathlib import Path

import pytest

from support.groups import has_groups, without_groups
from support.publisher import weighbridge
from support.walled import line, write_policy
from weighbridge.core.errors import IsolationError
from weighbridge.sandbox.groups.interface import RESOURCES
from weighbridge.sandbox.walls import limiting
from weighbridge.sandbox.walls.interface import Limits
from weighbridge.sandbox.walls.limiting import EACH, TOGETHER, USER, bounded, how_held
from weighbridge.sandbox.walls.starting import PACKAGE

TAKE = "x = bytearray(b'1' * (300 << 20)); print('taken')"
TAKE_TOGETHER = """
import os
for _ in range(4):
    if os.fork() == 0:
        x = bytearray(b'1' * (80 << 20))
        os._exit(0)
ended = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(4)]
print('each', set(ended) == {0})
"""
HOLD = """
import os, signal
for _ in range(30):
    try:
        child = os.fork()
    except BlockingIOError:
        print('refused', flush=True)
        break
    if child == 0:
        signal.pause()
else:
    print('all are there', flush=True)
os._exit(0)
"""
ROOT = os.geteuid() == 0


def python(code: str) -> Sequence[str]:
    """Return how *code* is run by the interpreter, and by nothing but it."""
    return (sys.executable, "-I", "-S", "-c", code)


def hidden(place: Path, engine: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run *command* behind the walls of *engine* where no group can be made."""
    return subprocess.run(
        without_groups(sys.executable, "-m", "weighbridge", *line(engine, *command)),
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_memory(place: Path, grouping_engine: str) -> None:
    """A program that takes more than it was given does not get it, and it is said how that holds."""
    write_policy(place, "memory-mib = 200")
    result = weighbridge(place, *line(grouping_engine, *python(TAKE)))
    assert "taken" not in result.out
    if has_groups():
        assert result.code == 137
        assert f"memory-mib for {TOGETHER}" in result.err
        assert "killed a process of it for memory: all together may use 200 MiB" in result.err
    else:
        assert result.code == 1
        assert "MemoryError" in result.err
        assert f"memory-mib for {EACH}" in result.err


def test_enough_memory(place: Path, engine: str) -> None:
    """One that takes less gets it."""
    write_policy(place, "memory-mib = 1200")
    result = weighbridge(place, *line(engine, *python(TAKE)))
    assert result.out == "taken\n"
    assert "for memory" not in result.err


def test_memory_of_all_processes(place: Path, grouping_engine: str) -> None:
    """Several processes that keep to it each, and not together, are ended where that is counted."""
    write_policy(place, "memory-mib = 200")
    result = weighbridge(place, *line(grouping_engine, *python(TAKE_TOGETHER)))
    assert result.out != "each True\n" if has_groups() else result.out == "each True\n"


def test_memory_without_groups(place: Path, engine: str) -> None:
    """Without groups each process is limited by itself."""
    write_policy(place, "memory-mib = 200")
    result = hidden(place, engine, *python(TAKE))
    assert result.returncode == 1
    assert "MemoryError" in result.stderr
    assert f"memory-mib for {EACH}" in result.stderr


def test_processes(place: Path, engine: str) -> None:
    """No more processes than allowed can be started, by root neither; or nothing is run."""
    write_policy(place, "processes = 20")
    result = weighbridge(place, *line(engine, *python(HOLD)))
    if has_groups():
        assert result.out == "refused\n"
        assert f"processes for {TOGETHER}" in result.err
        said = "it was refused a process: there may be 20 at a time"
        assert (said in result.err) == (engine != "gvisor")
    else:
        assert "all are there" not in result.out


def test_enough_processes(place: Path, engine: str) -> None:
    """As many as are needed can be."""
    write_policy(place, "processes = 20000")
    result = weighbridge(place, *line(engine, *python(HOLD)))
    assert result.out == "all are there\n" or not has_groups()


def test_processes_without_groups(place: Path, grouping_engine: str) -> None:
    """Without groups root's processes are not counted: nothing is run then."""
    write_policy(place, "processes = 20")
    result = hidden(place, grouping_engine, *python(HOLD))
    if limiting.is_exempt():
        assert (result.returncode, result.stdout) == (1, "")
        assert "root's processes are not counted" in result.stderr
        assert "[isolation-unavailable]" in result.stderr
    else:
        assert result.stdout == "refused\n"


@pytest.mark.parametrize("limit", ["memory-mib = 200", "processes = 20"])
def test_together_is_demanded(place: Path, engine: str, limit: str) -> None:
    """A rule that demands that all processes are counted is refused where that cannot be."""
    write_policy(place, f"{limit}, together = true")
    result = hidden(place, engine, "/bin/echo", "it ran")
    assert (result.returncode, result.stdout) == (1, "")
    assert "[isolation-unavailable]" in result.stderr


def test_time(place: Path, engine: str) -> None:
    """A program whose time is over is ended, with what it has started, and that is said."""
    write_policy(place, "seconds = 1")
    result = weighbridge(place, *line(engine, "/bin/sh", "-c", "sleep 1000 & exec sleep 1000"))
    assert result.code == 124
    assert "its time was over" in result.err


def test_enough_time(place: Path, engine: str) -> None:
    """One that ends before is not touched, whatever it ends with."""
    write_policy(place, "seconds = 100000")
    result = weighbridge(place, *line(engine, "/bin/sh", "-c", "exit 124"))
    assert result.code == 124
    assert "its time was over" not in result.err


def test_processor_time(place: Path, grouping_engine: str) -> None:
    """A program that uses up its processor time is ended."""
    write_policy(place, "cpu-seconds = 1")
    result = weighbridge(place, *line(grouping_engine, *python("while True: pass")))
    assert result.code in {128 + 24, 128 + 9}


def test_size_of_files(place: Path, engine: str) -> None:
    """A file does not get larger than allowed."""
    (place / "out").mkdir()
    write_policy(place, 'file-mib = 1, write = ["out"]')
    script = f"head -c 3000000 /dev/zero > {place}/out/large; exit 0"
    assert weighbridge(place, *line(engine, "/bin/sh", "-c", script)).code == 0
    assert (place / "out" / "large").stat().st_size == 1 << 20


def test_open_files(place: Path, engine: str) -> None:
    """No more files can be open at a time than allowed."""
    write_policy(place, "open-files = 20")
    code = "import os\nfor _ in range(30): os.open('/dev/null', 0)"
    result = weighbridge(place, *line(engine, *python(code)))
    assert result.code == 1
    assert "Too many open files" in result.err


def test_size_of_the_temporary_directory(place: Path, grouping_engine: str) -> None:
    """It holds no more than allowed, in however many files; an engine that cannot do that refuses."""
    write_policy(place, "tmp-mib = 4")
    script = "for n in 1 2 3; do head -c 3000000 /dev/zero > $TMPDIR/$n; done; du -skx $TMPDIR"
    result = weighbridge(place, *line(grouping_engine, "/bin/sh", "-c", script))
    if grouping_engine == "direct":
        assert (result.code, result.out) == (1, "")
        assert "isolation.tmp-mib" in result.err
    else:
        assert int(result.out.split()[0]) <= (4 << 10) + 64


def test_nothing_is_left_of_a_group(place: Path, grouping_engine: str) -> None:
    """When the program has ended, its group is gone."""
    write_policy(place, "processes = 2000, memory-mib = 2000")
    script = "while read group; do echo $group; done </proc/self/cgroup; sleep 1000 & exit 0"
    result = weighbridge(place, *line(grouping_engine, "/bin/sh", "-c", script))
    assert result.code == 0 or not has_groups()
    names = set(re.findall(r"weighbridge-[0-9a-f-]+", result.out))
    assert bool(names) == has_groups()
    assert not [each for name in names for each in Path("/sys/fs/cgroup").glob(f"**/{name}")]


class TestWhatIsSaid:
    """For what each limit holds."""

    @pytest.fixture(params=[RESOURCES, frozenset[str]()], ids=["groups", "none"])
    def groups(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> frozenset[str]:
        """Have groups, or none."""
        found: frozenset[str] = request.param
        monkeypatch.setattr(limiting, "limitable", lambda: found)
        monkeypatch.setattr(limiting, "is_exempt", lambda: False)
        return found

    def test_each(self, groups: frozenset[str]) -> None:
        """Memory and processes hold for all together in a group, and for less without."""
        held = dict(how_held(Limits(memory_bytes=1, processes=1, cpu_seconds=1, seconds=1)))
        assert held["memory-mib"] == (TOGETHER if groups else EACH)
        assert held["processes"] == (TOGETHER if groups else USER)
        assert held["cpu-seconds"] == EACH
        assert len(held) == 4

    def test_together(self, groups: frozenset[str]) -> None:
        """What is demanded for all together is refused without a group."""
        for limits in (Limits(memory_bytes=1, together=True), Limits(processes=1, together=True)):
            if groups:
                assert [how for _, how in how_held(limits)] == [TOGETHER]
            else:
                with pytest.raises(IsolationError, match="no control group"):
                    how_held(limits)

    def test_root(self, groups: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Root's processes are counted by a group alone."""
        monkeypatch.setattr(limiting, "is_exempt", lambda: True)
        if groups:
            assert how_held(Limits(processes=1)) == (("processes", TOGETHER),)
        else:
            with pytest.raises(IsolationError, match="root's processes"):
                how_held(Limits(processes=1))

    def test_less(self, groups: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the group cannot be made after all, nothing is limited by less than was said."""
        monkeypatch.setattr(limiting, "grouped", lambda _: nullcontext())
        with ExitStack() as entered:
            if groups:
                with pytest.raises(IsolationError, match="has changed meanwhile"):
                    entered.enter_context(bounded(Limits(memory_bytes=1)))
            else:
                bounds = entered.enter_context(bounded(Limits(memory_bytes=1)))
                assert dict(bounds.each)["memory_bytes"] == 1

    def test_nothing(self, groups: frozenset[str]) -> None:
        """Without limits there is nothing to say."""
        del groups
        assert how_held(Limits()) == ()


def test_the_last_step_tries_whether_processes_are_counted() -> None:
    """A limit that the kernel does not hold for this user is noticed where nothing else told."""
    code = (
        "import json, os, resource, sys\n"
        "from weighbridge.sandbox.walls import bounds\n"
        "values = dict.fromkeys(json.loads(sys.argv[1])) | {'processes': 1000}\n"
        "bounds.limit(values)\n"
        "try:\n"
        "    bounds.require_counted(values)\n"
        "except OSError:\n"
        "    print('not counted')\n"
        "else:\n"
        "    print('counted', resource.getrlimit(resource.RLIMIT_NPROC)[0] <= 1000)\n"
    )
    names = [field.name for field in fields(Limits)]
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(names)],
        env={**os.environ, "PYTHONPATH": os.fspath(PACKAGE.parent)},
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == ("not counted\n" if limiting.is_exempt() else "counted True\n")
