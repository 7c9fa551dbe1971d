"""Opening an inventory's files again for parsing."""

import os
from pathlib import Path

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError
from weighbridge.inventory.contents import DiskContents
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.sources.local import locate


def _contents(root: Path) -> DiskContents:
    handle = locate(root)
    return DiskContents(handle, take_inventory(handle, InventoryPlan()))


def test_an_untouched_file_is_given_out(tmp_path: Path) -> None:
    """Positioned reads return the file's bytes, cut at its end."""
    (tmp_path / "f").write_bytes(b"0123456789")
    with _contents(tmp_path).open("f") as source:
        assert (source.size, source.read_at(3, 4), source.read_at(8, 99)) == (10, b"3456", b"89")
        assert source.read_at(10, 5) == b""
        with pytest.raises(ValueError, match="not negative"):
            source.read_at(-1, 5)


def test_a_file_touched_before_opening_is_refused(tmp_path: Path) -> None:
    """A file rewritten after it was hashed is not parsed."""
    (tmp_path / "f").write_bytes(b"0123456789")
    os.utime(tmp_path / "f", ns=(1, 1))
    contents = _contents(tmp_path)
    (tmp_path / "f").write_bytes(b"9876543210")
    with pytest.raises(ArtifactChangedError), contents.open("f"):
        pass


def test_a_file_touched_while_parsed_voids_what_was_read(tmp_path: Path) -> None:
    """A change between opening and closing is found on leaving the context."""
    (tmp_path / "f").write_bytes(b"0123456789")
    os.utime(tmp_path / "f", ns=(1, 1))
    contents = _contents(tmp_path)
    with pytest.raises(ArtifactChangedError), contents.open("f") as source:
        (tmp_path / "f").write_bytes(b"9876543210")
        source.read_at(0, 10)


def test_a_shortened_file_is_an_error_and_not_a_short_read(tmp_path: Path) -> None:
    """Bytes that are no longer there raise instead of coming back fewer."""
    (tmp_path / "f").write_bytes(b"0123456789")
    contents = _contents(tmp_path)
    with pytest.raises(ArtifactChangedError), contents.open("f") as source:
        os.truncate(tmp_path / "f", 4)
        source.read_at(0, 10)


def test_a_vanished_file_is_a_change(tmp_path: Path) -> None:
    """A file that is gone has changed; it is not an error of the machine."""
    (tmp_path / "f").write_bytes(b"0")
    contents = _contents(tmp_path)
    (tmp_path / "f").unlink()
    with pytest.raises(ArtifactChangedError) as caught, contents.open("f"):
        pass
    assert caught.value.code is Code.FILE_CHANGED
