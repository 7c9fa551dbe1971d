"""Walking an artifact: everything is listed, or is a gap with a reason."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits import inventory as limits
from weighbridge.inventory.walk import SymlinkRule, Walk, walk
from weighbridge.sources.local import locate


def _walk(root: Path, symlinks: SymlinkRule = SymlinkRule.REFUSE) -> Walk:
    return walk(locate(root), symlinks=symlinks)


def _codes(listed: Walk) -> dict[str | None, Code]:
    return {gap.path: gap.code for gap in listed.gaps}


def test_files_come_in_code_point_order_of_their_paths(tmp_path: Path) -> None:
    """`model-1` sorts before `model.x` and before `model/x`, as the specification orders."""
    (tmp_path / "model").mkdir()
    for name in ("model/x", "model.safetensors", "model-1", "\u00e9", "z"):
        (tmp_path / name).write_bytes(b"1")
    found = [f.path for f in _walk(tmp_path).files]
    assert found == ["model-1", "model.safetensors", "model/x", "z", "\u00e9"]


def test_an_empty_directory_is_reported(tmp_path: Path) -> None:
    """A directory with nothing in it is listed, since no signature can cover it."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "f").write_bytes(b"")
    assert _walk(tmp_path).empty_directories == ("a/b",)


@pytest.mark.parametrize("rule", list(SymlinkRule))
def test_a_link_to_a_directory_is_always_refused(tmp_path: Path, rule: SymlinkRule) -> None:
    """What lies below a linked directory would escape a signature, so the link is a gap."""
    (tmp_path / "m").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "m" / "link").symlink_to("../other")
    assert _codes(_walk(tmp_path / "m", rule)) == {"link": Code.SYMLINK_DIRECTORY}


def test_a_link_to_a_file_is_refused_unless_allowed(tmp_path: Path) -> None:
    """A link to a file is a gap by default, and the file itself when the caller says so."""
    (tmp_path / "f").write_bytes(b"12")
    (tmp_path / "link").symlink_to("f")
    assert _codes(_walk(tmp_path)) == {"link": Code.SYMLINK_REFUSED}
    allowed = _walk(tmp_path, SymlinkRule.FILES)
    assert not allowed.gaps
    assert [(f.path, f.through_symlink, f.stamp.size) for f in allowed.files] == [
        ("f", False, 2),
        ("link", True, 2),
    ]


def test_a_link_that_leads_nowhere_is_a_gap(tmp_path: Path) -> None:
    """A broken link and a loop are gaps, also where links are allowed."""
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    codes = _codes(_walk(tmp_path, SymlinkRule.FILES))
    assert codes == {"broken": Code.SYMLINK_BROKEN, "loop": Code.SYMLINK_BROKEN}


def test_special_files_are_gaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes and sockets are gaps, directly and behind a link."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    monkeypatch.chdir(tmp_path)  # a socket's address is 108 bytes long at most
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        codes = _codes(_walk(tmp_path, SymlinkRule.FILES))
    assert set(codes.values()) == {Code.SPECIAL_FILE}
    assert set(codes) == {"pipe", "link", "socket"}


def test_a_name_that_is_not_utf8_is_a_gap_that_can_be_shown(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are refused, and the reason's path is printable text."""
    os.close(os.open(os.fsencode(tmp_path) + b"/a\xffb", os.O_CREAT | os.O_WRONLY))
    (gap,) = _walk(tmp_path).gaps
    assert (gap.code, gap.path) == (Code.NAME_NOT_UTF8, "a\\xffb")


@pytest.mark.parametrize("name", ["a\nb", "e\u0301.bin", "a\\b", "\u202etxt.exe", "a\u2028b"])
def test_names_with_a_second_spelling_or_a_trick_are_gaps(tmp_path: Path, name: str) -> None:
    """Line breaks, decomposed letters, backslashes and direction marks are refused."""
    (tmp_path / name).write_bytes(b"")
    assert set(_codes(_walk(tmp_path)).values()) == {Code.NAME_NOT_CANONICAL}


@pytest.mark.parametrize("name", ["\u00e9.bin", "a b", "a:0:5", "..a", "\U0001f600", "-rf"])
def test_unusual_names_that_are_canonical_are_fine(tmp_path: Path, name: str) -> None:
    """Composed letters, blanks, colons, emoji and dashes are ordinary names."""
    (tmp_path / name).write_bytes(b"")
    listed = _walk(tmp_path)
    assert [f.path for f in listed.files] == [name]
    assert not listed.gaps


def test_a_directory_that_cannot_be_read_is_a_gap_and_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without permission the directory is a gap; it is not reported as empty."""
    (tmp_path / "d").mkdir()
    real = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("/d"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    # Root may read every directory, so the system's refusal is simulated.
    monkeypatch.setattr("weighbridge.inventory.walk.os.scandir", refuse)
    listed = _walk(tmp_path)
    assert _codes(listed) == {"d": Code.FILE_UNREADABLE}
    assert not listed.empty_directories


def test_depth_and_number_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One level or one file more than the bound is an error and never a shorter list."""
    monkeypatch.setattr("weighbridge.inventory.walk.MAX_DEPTH", 2)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "f").write_bytes(b"")
    assert len(_walk(tmp_path).files) == 1
    (tmp_path / "a" / "b" / "c").mkdir()
    with pytest.raises(LimitExceededError):
        _walk(tmp_path)
    monkeypatch.setattr("weighbridge.inventory.walk.MAX_DEPTH", limits.MAX_DEPTH)
    monkeypatch.setattr("weighbridge.inventory.walk.MAX_FILES", 4)
    assert len(_walk(tmp_path).files) == 1
    (tmp_path / "g").write_bytes(b"")
    with pytest.raises(LimitExceededError):
        _walk(tmp_path)


def test_a_refused_name_is_shown_on_one_line(tmp_path: Path) -> None:
    """A name with a line break or an escape sequence cannot fake a line of the report."""
    (tmp_path / "a\nerror: all is well\x1b[2J").write_bytes(b"")
    (gap,) = _walk(tmp_path).gaps
    assert gap.path == "a\\nerror: all is well\\x1b[2J"
