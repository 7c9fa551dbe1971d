"""What gVisor is believed, and what not."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from weighbridge.core.errors import IsolationError
from weighbridge.sandbox.walls import gvisor
from weighbridge.sandbox.walls.gvisor import Gvisor
from weighbridge.sandbox.walls.interface import Wall, Walls

GOOD = """Name:\tcat
Pid:\t1
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
Seccomp:\t2
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo:       0       0    0    0    0     0          0         0        0       0    0    0
"""

BAD = {
    "filter": ("Seccomp:\t2", "Seccomp:\t0"),
    "capabilities": ("CapEff:\t0000000000000000", "CapEff:\t0000000000000400"),
    "bounding": ("CapBnd:\t0000000000000000", ""),
    "processes": ("Pid:\t1", "Pid:\t77"),
    "network": ("    lo:", "  eth7:       0\n    lo:"),
    "nothing": (GOOD, ""),
    "half": (GOOD[GOOD.index("Inter-|") :], ""),
}


def runsc(place: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have *script* taken for the program."""
    made = place / "runsc"
    made.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    made.chmod(made.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(gvisor, "_program", lambda: os.fspath(made))


def test_what_a_program_sees_inside_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything holds where a program inside has no capability, no company and no network."""
    runsc(tmp_path, monkeypatch, f"cat <<'END'\n{GOOD}END")
    assert Gvisor().probe().walls == frozenset(Wall)


@pytest.mark.parametrize("what", sorted(BAD))
def test_what_should_not_be_there_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """One thing that a program inside has and should not, or no answer, and it is not used."""
    runsc(tmp_path, monkeypatch, f"cat <<'END'\n{GOOD.replace(*BAD[what])}END")
    strength = Gvisor().probe()
    assert not strength.works
    assert strength.walls == frozenset()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "ended with 3"),
        ('echo \'{"level":"error","msg":"no namespaces"}\' > "$4"; exit 128', "no namespaces"),
    ],
)
def test_why_it_does_not_work_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """The reason is what it logs, or how it ended."""
    runsc(tmp_path, monkeypatch, script)
    strength = Gvisor().probe()
    assert not strength.works
    assert reason in strength.missing[0][1]
    assert strength.remedies


def test_without_the_program_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command to install it is there, and nothing is run."""
    monkeypatch.setattr(gvisor, "_program", lambda: None)
    assert "apt-get install runsc" in Gvisor().probe().remedies
    with pytest.raises(IsolationError, match="apt-get install runsc"):
        Gvisor().run(["/bin/true"], Walls(readable=()))


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", None),
        ('{"level":"warning","msg":"slow"}', None),
        ('{"level":"error","msg":"one"}{"level":"error","msg":"two"}', "two"),
        ('{"level":"error","msg":"one"}\n{"level":"info","msg":"two"}\n', "one"),
        ("panic: it broke", "panic: it broke"),
        ('{"level":"error"}', '{"level":"error"}'),
    ],
)
def test_its_log_tells_its_failures(tmp_path: Path, log: str, found: str | None) -> None:
    """An error counts, and so does what cannot be read; a warning does not."""
    (tmp_path / "log").write_text(log, "utf-8")
    assert gvisor._complaint(tmp_path) == found


def test_a_program_cannot_change_what_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where temporary files would lie in a directory that it may change, it is not run."""
    runsc(tmp_path, monkeypatch, "exit 0")
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(out))
    with pytest.raises(IsolationError, match="directory for temporary files"):
        Gvisor().run(["/bin/true"], Walls(readable=(), writable=(os.fspath(out),)))
    assert list(out.iterdir()) == []


def test_without_room_for_its_files_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its files cannot be made, it is said which."""
    runsc(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(tmp_path / "missing"))
    with pytest.raises(IsolationError, match="files cannot be made"):
        Gvisor().run(["/bin/true"], Walls(readable=()))


def test_a_program_of_another_kernel_that_fails_is_no_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it ends with is not the program's where it has logged that it failed itself."""
    runsc(tmp_path, monkeypatch, 'echo \'{"level":"error","msg":"it broke"}\' > "$4"; exit 0')
    with pytest.raises(IsolationError, match="it broke"):
        Gvisor().run(["/bin/true"], Walls(readable=()))
