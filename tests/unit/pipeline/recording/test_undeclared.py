"""Files that a step read undeclared, as they are when it is over."""

import os
from pathlib import Path

import pytest

from weighbridge.pipeline.recording.undeclared import Undeclared


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_what_a_step_put_in_the_place_of_a_file_is_not_read(tmp_path: Path) -> None:
    """Neither a pipe, which nobody would ever write to, nor what a link leads to is digested."""
    root = Path(os.path.realpath(tmp_path))
    (root / "secret").mkdir()
    (root / "secret" / "key").write_text("mine")
    (root / "read").write_text("x")
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("secret/key")
    (root / "place").symlink_to("secret")
    names = ("gone", "link", "pipe", "place/key", "read")
    found = Undeclared(paths=tuple(str(root / name) for name in names), directory=root)
    digested = {each.uri: bool(each.digests) for each in found.resources()}
    assert digested == {f"file:{name}": name == "read" for name in names}
