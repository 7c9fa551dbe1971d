"""Where control groups are, told from what the kernel says."""

import pytest

from weighbridge.sandbox.groups.hierarchies import read_hierarchies

UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
PIDS = "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids"
BOTH = "39 31 0:36 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
NAMED = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd"


def test_unified() -> None:
    """In version 2 the group is below the mount, by the path that the kernel tells."""
    (found,) = read_hierarchies(UNIFIED, "0::/user.slice/a.scope\n")
    own = "/sys/fs/cgroup/user.slice/a.scope"
    assert (found.controllers, found.top, found.own) == (None, "/sys/fs/cgroup", own)


def test_separate() -> None:
    """In version 1 each tree has its resources, and its own group."""
    membership = "8:pids:/a\n9:name=systemd:/b\n2:cpu,cpuacct:/c\n"
    found = read_hierarchies(f"{PIDS}\n{BOTH}\n{NAMED}", membership)
    assert [(each.controllers, each.own) for each in found] == [
        (frozenset({"pids"}), "/sys/fs/cgroup/pids/a"),
        (frozenset({"cpu", "cpuacct"}), "/sys/fs/cgroup/cpu,cpuacct/c"),
        (frozenset({"name=systemd"}), "/sys/fs/cgroup/systemd/b"),
    ]


def test_both_versions() -> None:
    """Side by side, the unified tree is no tree of a resource."""
    found = read_hierarchies(f"{PIDS}\n{UNIFIED}", "8:pids:/a\n0::/b\n")
    assert [each.controllers for each in found] == [frozenset({"pids"}), None]


@pytest.mark.parametrize(
    ("root", "group", "own"),
    [
        ("/docker/abc", "/docker/abc", "/sys/fs/cgroup"),
        ("/docker/abc", "/docker/abc/x", "/sys/fs/cgroup/x"),
        ("/docker/abc", "/docker/abcdef", None),
        ("/docker/abc", "/elsewhere", None),
        ("/", "/../above", None),
        ("/", "/", "/sys/fs/cgroup"),
    ],
)
def test_a_part_of_a_tree(root: str, group: str, own: str | None) -> None:
    """A container sees a part of the tree; a group outside of it is not to be found."""
    mounts = UNIFIED.replace(" / /sys", f" {root} /sys", 1)
    assert [each.own for each in read_hierarchies(mounts, f"0::{group}")] == ([own] if own else [])


def test_names_with_spaces() -> None:
    """The kernel writes some characters of names as numbers."""
    mounts = UNIFIED.replace("/sys/fs/cgroup", "/my\\040groups", 1)
    assert read_hierarchies(mounts, "0::/a")[0].top == "/my groups"


@pytest.mark.parametrize("text", ["", "\n", "31 23 0:28", "31 23 0:28 / /x rw - tmpfs t rw", "- -"])
def test_nothing(text: str) -> None:
    """Where there are none, or lines that say nothing, none are found."""
    assert read_hierarchies(text, "0::/a") == ()
    assert read_hierarchies(UNIFIED, text) == ()
