"""Where groups are made in a tree of version 2, and what becomes of them."""

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.group_trees import Unified, separate
from weighbridge.sandbox.groups import group as grouping
from weighbridge.sandbox.groups.group import Group, grouped, limitable
from weighbridge.sandbox.groups.interface import MEMORY, PROCESSES, RESOURCES

SHARES = {MEMORY: 1 << 30, PROCESSES: 7}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unified:
    """Return a tree of version 2 whose root shares out nothing."""
    place = tmp_path / "cgroup"
    place.mkdir()
    return Unified(place, monkeypatch)


def seen_from(tree: Unified, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process be in the group *own* of *tree*."""
    monkeypatch.setattr(grouping, "_trees", lambda: (tree.hierarchy(own),))


def places(group: Group) -> list[str]:
    """Return the names of the directories above a group's."""
    return [Path(each).parent.name for each in group._directories]


class TestUnified:
    """Which group is taken, by what the ones around share out."""

    def test_beside(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """A group that has processes cannot share out: the one above is taken."""
        tree.add("app", "memory pids")
        seen_from(tree, tree.add("app/own"), monkeypatch)
        with grouped(SHARES) as group:
            assert group is not None
            assert (places(group), group.held) == (["app"], RESOURCES)
            made = Path(*group._directories)
            assert (made / "memory.max").read_text() == str(1 << 30)
            assert (made / "memory.swap.max").read_text() == "0"
            assert (made / "pids.max").read_text() == "7"
        assert not made.exists()

    def test_the_machines_own(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """The root of the tree is made to share out, since it may have processes as well."""
        seen_from(tree, tree.place, monkeypatch)
        # The file is written over and not parsed, as the kernel would: it now has other words.
        with grouped(SHARES) as group:
            assert group is None
        assert (tree.place / "cgroup.subtree_control").read_text() == "+memory +pids"

    def test_nobody_elses(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """No other group is made to share out what it does not."""
        above = tree.add("app")
        (tree.place / "cgroup.type").write_text("domain")
        seen_from(tree, tree.add("app/own"), monkeypatch)
        assert limitable() == frozenset()
        assert (above / "cgroup.subtree_control").read_text() == ""

    def test_a_part(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is shared out in part is held in part."""
        tree.add("app", "pids")
        (tree.place / "cgroup.type").write_text("domain")
        seen_from(tree, tree.add("app/own"), monkeypatch)
        with grouped(SHARES) as group:
            assert group is not None
            assert group.held == {PROCESSES}

    def test_the_most(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """The nearest group that shares out everything is taken before a nearer one."""
        tree.add("far", "memory pids")
        tree.add("far/near", "pids")
        seen_from(tree, tree.add("far/near/own"), monkeypatch)
        with grouped(SHARES) as group:
            assert group is not None
            assert places(group) == ["far"]

    def test_threads(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """A group that would take threads alone is of no use, and not left behind."""
        app = tree.add("app", "memory pids")
        own = tree.add("app/own")
        tree.kind = "domain invalid"
        seen_from(tree, own, monkeypatch)
        assert limitable() == frozenset()
        assert not [*app.glob("weighbridge-*")]

    def test_no_rights(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """A group in which nothing can be made is passed over."""
        app = tree.add("app", "memory pids")
        seen_from(tree, tree.add("app/own"), monkeypatch)
        (app / "cgroup.procs").unlink()
        assert limitable() == frozenset()


class TestOthers:
    """Trees of version 1, and none."""

    def test_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tree in which a limit cannot be set holds nothing, and nothing is left in it."""
        with separate(tmp_path / "pids", "pids") as tree:
            monkeypatch.setattr(grouping, "_trees", lambda: (tree,))
            assert limitable() == frozenset()
            assert not [*(tmp_path / "pids").iterdir()]

    def test_another_resource(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tree for something else is not looked at."""
        with separate(tmp_path / "cpu", "cpu") as tree:
            monkeypatch.setattr(grouping, "_trees", lambda: (tree,))
            assert limitable() == frozenset()

    def test_no_groups(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the kernel tells of none, there are none."""
        monkeypatch.setattr(grouping, "MOUNTS", str(tmp_path / "none"))
        assert limitable() == frozenset()

    def test_nothing_to_limit(self) -> None:
        """Without shares no group is made."""
        with grouped({}) as group:
            assert group is None


class TestLeft:
    """What the makers of groups could not remove."""

    def test_left(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """A group that nobody holds is removed with the next, and one that is held stays."""
        app = tree.add("app", "memory pids")
        seen_from(tree, tree.add("app/own"), monkeypatch)
        left = app / "weighbridge-1-left"
        left.mkdir()
        with grouped(SHARES) as held:
            assert held is not None
            assert not left.exists()
            with grouped(SHARES) as another:
                assert another is not None
                assert Path(held._directories[0]).exists()

    def test_removed_meanwhile(self, tree: Unified, monkeypatch: pytest.MonkeyPatch) -> None:
        """A group that is removed before it is held is made anew, a bounded number of times."""
        tree.add("app", "memory pids")
        seen_from(tree, tree.add("app/own"), monkeypatch)
        monkeypatch.setattr(grouping, "_locked", lambda _: None)
        assert limitable() == frozenset()


class TestEnding:
    """What is in a group when it is closed."""

    @pytest.fixture
    def member(self) -> "subprocess.Popen[bytes]":
        """Return a process that goes on until it is killed."""
        return subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])

    def test_killed(self, member: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
        """Without a call of the kernel's for it, each member is killed."""
        (tmp_path / "cgroup.procs").write_text(f"{member.pid}\n0\n")
        grouping._kill(member.pid, str(tmp_path))
        assert member.wait() == -signal.SIGKILL

    def test_no_member(self, member: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
        """A process that is no member, or no longer, is let alone."""
        (tmp_path / "cgroup.procs").write_text("0\n")
        grouping._kill(member.pid, str(tmp_path))
        assert member.poll() is None
        member.kill()
        member.wait()

    def test_a_group_that_cannot_be_entered(self, tmp_path: Path) -> None:
        """Nothing stays open where a directory cannot be joined."""
        (tmp_path / "cgroup.procs").touch()
        before = len([*Path("/proc/self/fd").iterdir()])
        with pytest.raises(FileNotFoundError), ExitStack():
            Group([str(tmp_path), str(tmp_path / "missing")], RESOURCES)
        assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_exceeded(tmp_path: Path) -> None:
    """What was refused or ended is told from the kernel's counts."""
    (tmp_path / "cgroup.procs").touch()
    (tmp_path / "memory.events").write_text("low 0\noom_kill 1\n")
    (tmp_path / "pids.events").write_text("max 0\n")
    assert Group([str(tmp_path)], RESOURCES).exceeded() == {MEMORY}
