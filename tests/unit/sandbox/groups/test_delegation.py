"""A group that a service manager has delegated is left for one below, and then shared out."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from weighbridge.sandbox.groups import delegation
from weighbridge.sandbox.groups import group as grouping
from weighbridge.sandbox.groups.delegation import share_out
from weighbridge.sandbox.groups.group import grouped
from weighbridge.sandbox.groups.hierarchies import Hierarchy
from weighbridge.sandbox.groups.interface import MEMORY, PROCESSES, RESOURCES


class Delegated:
    """A group as systemd gives it to a service, with the kernel's rules about its processes."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.refuses = ""
        for name in ("memory.max", "memory.swap.max", "memory.events"):
            (place / name).touch()
        (place / "cgroup.controllers").write_text("cpu io memory pids\n")
        (place / "cgroup.subtree_control").write_text("")
        self.stay(os.getpid())

    def stay(self, *processes: int) -> None:
        """Have these processes be in the group."""
        (self.place / "cgroup.procs").write_text("".join(f"{each}\n" for each in processes))

    def inside(self, name: str = "") -> list[int]:
        """Return who is in the group, or in the one of that name below."""
        file = self.place / name / "cgroup.procs"
        return [int(each) for each in file.read_text("ascii").split()] if file.exists() else []

    def write(self, path: str, text: str) -> None:
        """Do as the kernel does when *text* is written to one of its files."""
        file = Path(path)
        if file.name == self.refuses:
            raise PermissionError(errno.EACCES, "refused")
        if file.name == "cgroup.procs":
            for name in ("", "supervisor"):
                kept = [each for each in self.inside(name) if each != int(text)]
                if (self.place / name).exists():
                    (self.place / name / "cgroup.procs").write_text(
                        "".join(f"{each}\n" for each in kept)
                    )
            with file.open("a") as opened:
                opened.write(f"{text}\n")
            return
        if file.parent == self.place and self.inside():
            raise OSError(errno.EBUSY, "it has processes")
        file.write_text(text.replace("+", ""))


@pytest.fixture
def delegated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delegated:
    """Return the group of a service, which has this process alone."""
    made = Delegated(tmp_path)
    monkeypatch.setattr(delegation, "write_text", made.write)
    monkeypatch.setattr(
        os, "getxattr", lambda path, name: {(str(tmp_path), "user.delegate"): b"1"}[str(path), name]
    )
    return made


@pytest.fixture
def child() -> Iterator[int]:
    """Return a process that this one has started."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        yield started.pid
        started.kill()


def test_it_is_left_and_shared_out(delegated: Delegated, child: int) -> None:
    """This process goes below, with what it started, and all that was asked for can be limited."""
    delegated.stay(os.getpid(), child)
    assert share_out(os.fspath(delegated.place), RESOURCES) == RESOURCES
    assert (delegated.inside(), set(delegated.inside("supervisor"))) == ([], {os.getpid(), child})
    assert (delegated.place / "cgroup.subtree_control").read_text() == "memory pids"


def test_a_group_is_made_in_it(delegated: Delegated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing above is one's own, the delegated group is what groups are made in."""
    seen = Hierarchy(controllers=None, top=str(delegated.place), own=str(delegated.place))
    monkeypatch.setattr(grouping, "_trees", lambda: (seen,))
    (delegated.place / "cgroup.type").write_text("domain")
    places: list[tuple[str, frozenset[str], int]] = []

    def made(place: tuple[str, frozenset[str], int], *_: object) -> str:
        places.append(place)
        raise PermissionError(errno.EPERM, "enough was seen")

    monkeypatch.setattr(grouping, "_made", made)
    with grouped({MEMORY: 1 << 30, PROCESSES: 7}) as group:
        assert group is None
    assert places == [(str(delegated.place), RESOURCES, 2)]


def test_what_is_not_offered_is_not_shared_out(delegated: Delegated) -> None:
    """The manager decides what a service may limit."""
    (delegated.place / "cgroup.controllers").write_text("cpu pids\n")
    assert share_out(os.fspath(delegated.place), RESOURCES) == {PROCESSES}
    (delegated.place / "cgroup.controllers").write_text("cpu\n")
    assert share_out(os.fspath(delegated.place), RESOURCES) == frozenset()


def test_nobody_elses_process_is_moved(delegated: Delegated) -> None:
    """With somebody else in the group it stays as it is."""
    delegated.stay(os.getpid(), os.getppid())
    assert share_out(os.fspath(delegated.place), RESOURCES) == frozenset()
    assert delegated.inside() == [os.getpid(), os.getppid()]
    assert not (delegated.place / "supervisor").exists()


@pytest.mark.parametrize("mark", [b"0", b"", None])
def test_only_what_was_delegated(
    mark: bytes | None, delegated: Delegated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That this process may change a group does not make it its own."""

    def getxattr(_: str, name: str) -> bytes:
        if mark is None:
            raise OSError(errno.ENODATA, name)
        return mark

    monkeypatch.setattr(os, "getxattr", getxattr)
    assert share_out(os.fspath(delegated.place), RESOURCES) == frozenset()
    assert delegated.inside() == [os.getpid()]


@pytest.mark.parametrize("refused", ["cgroup.subtree_control", "cgroup.procs"])
def test_a_refusal_leaves_it_as_it_was(refused: str, delegated: Delegated) -> None:
    """This process is where it was, and nothing is left below."""
    delegated.refuses = refused
    assert share_out(os.fspath(delegated.place), RESOURCES) == frozenset()
    assert delegated.inside() == [os.getpid()]
    assert delegated.inside("supervisor") == []
