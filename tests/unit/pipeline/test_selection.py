"""Which paths the caller leaves out."""

import os
from pathlib import Path

import pytest

from weighbridge.core.errors import UsageError
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.selection import FileSelection, git_paths, inside
from weighbridge.sources.local import locate


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a model directory; its parent is the current directory."""
    (tmp_path / "model" / "sub").mkdir(parents=True)
    (tmp_path / "model" / "sub" / "a").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "model"


@pytest.mark.parametrize("given", ["model/sub/a", "sub/a", "./model/./sub/a", "model/x/../sub/a"])
def test_paths_count_from_the_current_directory_or_else_from_the_model(
    model: Path, given: str
) -> None:
    """Every spelling of the same file leaves out the same file."""
    assert FileSelection(ignore_paths=(given,)).ignored(locate(model)) == {"sub/a"}


def test_an_absolute_path_works(model: Path) -> None:
    """An absolute path below the model is relative to it afterwards."""
    ignored = FileSelection(ignore_paths=(model / "sub",)).ignored(locate(model))
    assert ignored == {"sub"}


@pytest.mark.parametrize("given", ["../elsewhere", "/etc/passwd", "model/../../x"])
def test_a_path_outside_leaves_nothing_out(model: Path, given: str) -> None:
    """A path that is not below the model has no effect."""
    assert FileSelection(ignore_paths=(given,)).ignored(locate(model)) == frozenset()


@pytest.mark.parametrize("given", ["model", "model/", "model/sub/..", "."])
def test_the_whole_model_cannot_be_left_out(model: Path, given: str) -> None:
    """Leaving out everything would verify anything, so it is the caller's mistake."""
    if given == ".":
        os.chdir(model)
    with pytest.raises(UsageError, match="whole model"):
        FileSelection(ignore_paths=(given,)).ignored(locate(model))


def test_a_link_means_the_link(model: Path) -> None:
    """Leaving out a symbolic link leaves out the link and not what it leads to."""
    (model / "link").symlink_to("sub/a")
    assert inside(locate(model), model / "link") == "link"


def test_links_are_refused_unless_allowed() -> None:
    """The rule for links follows the caller's flag."""
    assert FileSelection().symlinks is SymlinkRule.REFUSE
    assert FileSelection(allow_symlinks=True).symlinks is SymlinkRule.FILES


def test_a_single_file_has_no_git_metadata(model: Path) -> None:
    """Git's names are left out of directories only."""
    assert ".git" in git_paths(locate(model))
    assert not git_paths(locate(model / "sub" / "a"))
