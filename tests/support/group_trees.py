"""Trees of control groups made of plain files, which behave as the kernel's where tests look."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from weighbridge.sandbox.groups.hierarchies import Hierarchy

FILES: Final = {
    "memory": ("memory.max", "memory.swap.max", "memory.events"),
    "pids": ("pids.max", "pids.events"),
}


class Unified:
    """A tree of version 2: a new directory gets the files of what its parent shares out."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        self.kind = "domain"
        self._make = os.mkdir

        def mkdir(path: str | Path, mode: int = 0o777) -> None:
            self._make(path, mode)
            if Path(path).is_relative_to(place):
                self._populate(Path(path))

        monkeypatch.setattr(os, "mkdir", mkdir)
        monkeypatch.setattr(os, "rmdir", _remove)
        self._fill(place, ())

    def add(self, path: str, shares: str = "") -> Path:
        """Add a group, and have it share out these resources."""
        made = self.place / path
        self._make(made)
        self._fill(made, ())
        (made / "cgroup.type").write_text(self.kind)
        (made / "cgroup.subtree_control").write_text(shares)
        return made

    def hierarchy(self, own: Path) -> Hierarchy:
        """Return the tree as it is seen from the group *own*."""
        return Hierarchy(controllers=None, top=str(self.place), own=str(own))

    def _populate(self, path: Path) -> None:
        shared = (path.parent / "cgroup.subtree_control").read_text("ascii").split()
        self._fill(path, shared)
        (path / "cgroup.type").write_text(self.kind)

    def _fill(self, path: Path, resources: "tuple[str, ...] | list[str]") -> None:
        for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.kill"):
            (path / name).touch()
        for resource in resources:
            for name in FILES[resource]:
                (path / name).touch()


def _remove(place: str | Path) -> None:
    """Remove a directory as the kernel removes a group: the files in it do not count."""
    path = Path(place)
    for each in path.iterdir():
        each.unlink()
    path.rename(path.with_name(f"removed-{path.name}"))


@contextmanager
def separate(place: Path, *resources: str) -> Iterator[Hierarchy]:
    """Give a tree of version 1 for *resources*; nobody can make a group in it."""
    place.mkdir()
    yield Hierarchy(controllers=frozenset(resources), top=str(place), own=str(place))
