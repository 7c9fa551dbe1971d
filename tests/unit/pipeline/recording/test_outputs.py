"""Links in what a step has made."""

import os
from pathlib import Path

import pytest

from weighbridge.pipeline.recording.outputs import linked_files
from weighbridge.sandbox.walls.leftovers import remove_tree

DEEP = 1000


def test_links_are_found_however_deep_and_lead_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those to files count wherever they lie; those to directories and to the output do not."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    output = tmp_path / "output"
    output.mkdir()
    monkeypatch.chdir(output)
    (output / "inner").symlink_to("file")
    (output / "above").symlink_to(tmp_path)
    for _ in range(DEEP):
        Path("d").mkdir()
        os.chdir("d")
    Path("link").symlink_to(elsewhere)
    os.chdir(output)
    try:
        assert linked_files(output) == (os.path.realpath(elsewhere),)
    finally:
        remove_tree(os.fspath(output))


def test_links_that_lead_on_without_end_are_no_files(tmp_path: Path) -> None:
    """Where a link leads to a link, and so on, those count that the kernel follows to a file."""
    elsewhere, output = tmp_path / "elsewhere", tmp_path / "output"
    elsewhere.touch()
    output.mkdir()
    followed = 40
    for number in range(followed, 0, -1):
        (output / f"{number}").symlink_to(f"{number + 1}")
    (output / f"{followed + 1}").symlink_to(elsewhere)
    (output / "0").symlink_to("1")
    assert linked_files(output) == (os.path.realpath(elsewhere),)
    (output / f"{followed + 1}").unlink()
    assert linked_files(output) == ()
