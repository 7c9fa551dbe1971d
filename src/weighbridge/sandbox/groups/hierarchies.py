"""
Where the kernel keeps control groups, and in which of them this process is.

There is one tree for everything (version 2), or one for each resource (version 1), or both side by
side. Containers see a part of a tree. See https://docs.kernel.org/admin-guide/cgroup-v2.html.
"""

from __future__ import annotations

import posixpath

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

MOUNTS: Final = "/proc/self/mountinfo"
"""Which file systems this process sees; see proc_pid_mountinfo(5)."""

MEMBERSHIP: Final = "/proc/self/cgroup"
"""In which group of each tree this process is; see cgroups(7)."""

_ESCAPED: Final = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\043": "#", "\\134": "\\"}
"""Characters of names as the kernel writes them; the last is what the others begin with."""
_UNIFIED: Final = "cgroup2"
_SEPARATE: Final = "cgroup"


class Hierarchy:
    """
    One tree of groups.

    Args:
        controllers: The resources of a tree of version 1; None for version 2, whose groups say
            themselves what they can limit.
        top: Where it is mounted.
        own: The directory of the group that this process is in, at `top` or below.
    """

    __slots__ = ("controllers", "own", "top")

    def __init__(self, *, controllers: frozenset[str] | None, top: str, own: str) -> None:
        self.controllers = controllers
        self.top = top
        self.own = own


def read_hierarchies(mounts: str, membership: str, /) -> tuple[Hierarchy, ...]:
    """
    Return the trees in which the own group can be seen.

    Args:
        mounts: What `MOUNTS` says.
        membership: What `MEMBERSHIP` says.
    """
    groups = dict(_memberships(membership))
    found: list[Hierarchy] = []
    for root, top, kind, options in _mounted(mounts):
        if kind == _UNIFIED:
            controllers, group = None, groups.get(frozenset())
        else:
            controllers = next((each for each in groups if each and each <= options), frozenset())
            group = groups.get(controllers) if controllers else None
        if group is not None and (own := _below(root, top, group)) is not None:
            found.append(Hierarchy(controllers=controllers, top=top, own=own))
    return tuple(found)


def _memberships(text: str) -> Iterator[tuple[frozenset[str], str]]:
    """Yield the controllers of each tree, none for version 2, and the own group in it."""
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        names, separator, group = rest.partition(":")
        if separator:
            yield frozenset(names.split(",")) - {""} if number != "0" else frozenset(), group


def _mounted(text: str) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Yield of each mounted tree its root, its place, its kind, and its options."""
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        place, kind = before.split(" "), after.split(" ")
        if separator and len(place) > 4 and len(kind) > 2 and kind[0] in {_UNIFIED, _SEPARATE}:  # noqa: PLR2004  the fields that are used
            yield _read(place[3]), _read(place[4]), kind[0], frozenset(kind[2].split(","))


def _read(name: str) -> str:
    for written, meant in _ESCAPED.items():
        name = name.replace(written, meant)
    return name


def _below(root: str, top: str, group: str) -> str | None:
    """Return the directory of *group*, if it is in the part of the tree that is mounted."""
    if root == "/":
        relative = group.lstrip("/")
    elif group == root or group.startswith(root + "/"):
        relative = group[len(root) + 1 :]
    else:
        return None
    if ".." in relative.split("/"):
        return None  # above what this process may see
    return posixpath.join(top, relative) if relative else top
