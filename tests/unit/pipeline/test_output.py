"""Results are written whole or not at all."""

import os
from pathlib import Path

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.pipeline.output import write_all, write_whole


def test_the_content_is_there_with_ordinary_permissions(tmp_path: Path) -> None:
    """A written file has the content and the mode that the user's mask gives."""
    old = os.umask(0o027)
    try:
        write_whole(tmp_path / "f", b"new")
    finally:
        os.umask(old)
    assert (tmp_path / "f").read_bytes() == b"new"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_an_interrupt_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt before the last step leaves the old content and no temporary file."""
    (tmp_path / "f").write_bytes(b"old")

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("weighbridge.pipeline.output.os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_file_that_must_not_be_replaced_is_not(tmp_path: Path) -> None:
    """Without leave to replace, an existing file is an error with its own code."""
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(OperationError) as caught:
        write_whole(tmp_path / "f", b"new", replace=False)
    assert caught.value.code is Code.OUTPUT_EXISTS
    assert (tmp_path / "f").read_bytes() == b"old"
    write_whole(tmp_path / "g", b"new", replace=False)
    assert (tmp_path / "g").read_bytes() == b"new"


def test_a_place_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """A missing directory is an error of the operation that names the file."""
    with pytest.raises(OperationError, match="nowhere"):
        write_whole(tmp_path / "nowhere" / "f", b"new")


def test_files_that_belong_together_are_all_there_or_none_is(tmp_path: Path) -> None:
    """Where one of them cannot be written, those before it are taken back."""
    one, two = tmp_path / "one", tmp_path / "two"
    with pytest.raises(OperationError, match="nowhere"):
        write_all({one: b"1", two: b"2", tmp_path / "nowhere" / "f": b"3"})
    assert list(tmp_path.iterdir()) == []
    write_all({one: b"1", two: b"2"})
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"2")


@pytest.mark.parametrize("link", [False, True])
def test_what_belongs_to_somebody_else_is_not_taken_back(tmp_path: Path, link: bool) -> None:
    """A file that was there is an error, and stays as it was: a link to nothing too."""
    one, two = tmp_path / "one", tmp_path / "two"
    if link:
        two.symlink_to("nothing")
    else:
        two.write_bytes(b"old")
    with pytest.raises(OperationError) as caught:
        write_all({one: b"1", two: b"2"})
    assert caught.value.code is Code.OUTPUT_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == ["two"]
    assert two.is_symlink() if link else two.read_bytes() == b"old"


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    """The temporary file's name does not depend on the file's, which may be 255 bytes long."""
    write_whole(tmp_path / ("f" * 255), b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["f" * 255]
    with pytest.raises(OperationError, match="too long"):
        write_whole(tmp_path / ("f" * 256), b"new")


def test_a_file_that_comes_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without leave to replace, a file that somebody makes while ours is written stays."""
    real = os.fsync

    def meddle(descriptor: int) -> None:
        (tmp_path / "f").write_bytes(b"theirs")
        real(descriptor)

    monkeypatch.setattr("weighbridge.pipeline.output.os.fsync", meddle)
    with pytest.raises(OperationError, match="exists already"):
        write_whole(tmp_path / "f", b"ours", replace=False)
    assert (tmp_path / "f").read_bytes() == b"theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_file_system_without_hard_links_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where links cannot be made, the file is renamed into its place."""

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(self, target)

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_whole(tmp_path / "f", b"ours", replace=False)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("f", b"ours")]


@pytest.mark.parametrize("fails", [False, True])
def test_a_file_that_comes_meanwhile_is_kept_without_hard_links_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Where links cannot be made, the name is taken before the file is put there."""

    def meddle(self: Path, target: Path) -> None:
        if not fails:
            self.write_bytes(b"theirs")
        raise PermissionError(self, target)

    def refuse(self: Path, target: Path) -> None:
        assert target.exists()
        raise OSError(self)

    monkeypatch.setattr(Path, "hardlink_to", meddle)
    if fails:
        monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OperationError):
        write_whole(tmp_path / "f", b"ours", replace=False)
    left = [(p.name, p.read_bytes()) for p in tmp_path.iterdir()]
    assert left == ([] if fails else [("f", b"theirs")])
