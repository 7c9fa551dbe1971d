"""Which directories decide where a path leads."""

import os
from pathlib import Path

import pytest

from weighbridge.sandbox.walls.lookups import directories, is_within, leads_through


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a real directory with one that programs may change, and another beside it."""
    place = Path(os.path.realpath(tmp_path))
    (place / "changed" / "below").mkdir(parents=True)
    (place / "beside").mkdir()
    (place / "beside" / "file").write_text("x", "utf-8")
    (place / "changed" / "directory").symlink_to(place / "beside")
    (place / "changed" / "file").symlink_to("../beside/file")
    (place / "to-changed").symlink_to("changed")
    (place / "to-file").symlink_to("to-changed/file")
    (place / "to-beside").symlink_to("beside")
    (place / "loop").symlink_to("loop")
    return place


@pytest.mark.parametrize(
    "path",
    [
        "changed/below",
        "changed/missing/file",
        "changed/directory/file",
        "changed/file",
        "to-changed/directory/file",
        "to-file",
        "changed/below/../../beside/file",
        "changed/directory/../beside/file",
        "beside/../changed/file",
        "loop",
        "loop/file",
    ],
)
def test_a_link_anywhere_in_a_path_counts(tree: Path, path: str) -> None:
    """Whoever may change a directory decides about all that is looked up in it."""
    assert leads_through(tree / path, [os.fspath(tree / "changed")])


@pytest.mark.parametrize("path", ["changed", "to-changed", "beside/file", "to-beside/file", "none"])
def test_what_is_looked_up_elsewhere_does_not(tree: Path, path: str) -> None:
    """A place itself is looked up above it."""
    assert not leads_through(tree / path, [os.fspath(tree / "changed")])


def test_relative_paths_are_those_of_the_current_directory(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked up from there, and by it."""
    monkeypatch.chdir(tree / "changed")
    assert leads_through("file", [os.fspath(tree / "changed")])
    assert directories("../beside/file") == [
        *map(os.fspath, reversed((tree / "changed").parents)),
        os.fspath(tree / "beside"),
    ]


def test_a_name_that_begins_alike_is_another_one() -> None:
    """Parts of paths are compared, and not letters."""
    assert is_within("/a/b", "/a")
    assert is_within("/a", "/a")
    assert is_within("/a", "/")
    assert not is_within("/ab", "/a")
