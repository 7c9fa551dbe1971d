"""The attacks of the demonstration: each does what it says, and nothing of it stays."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from weighbridge.demo.damage import (
    added,
    flipped_bit,
    malicious_pickle,
    overwritten,
    renamed,
    replaced,
    swapped,
)

CONTENT = bytes(range(256))

Attack = Callable[[Path], AbstractContextManager[None]]

ATTACKS: dict[str, tuple[Attack, dict[str, bytes]]] = {
    "flipped bit": (
        lambda root: flipped_bit(root / "a", offset=3),
        {"a": CONTENT[:3] + b"\x02" + CONTENT[4:], "b": b"b"},
    ),
    "overwritten": (
        lambda root: overwritten(root / "a", offset=254, content=b"xy"),
        {"a": CONTENT[:254] + b"xy", "b": b"b"},
    ),
    "added": (
        lambda root: added(root / "c", content=b"new"),
        {"a": CONTENT, "b": b"b", "c": b"new"},
    ),
    "renamed": (lambda root: renamed(root / "b", to=root / "c"), {"a": CONTENT, "c": b"b"}),
    "replaced": (
        lambda root: replaced(root / "b", content=b"longer"),
        {"a": CONTENT, "b": b"longer"},
    ),
    "swapped": (
        lambda root: swapped(root / "a", offset=0, content=b"!", spare=root.parent / "spare"),
        {"a": b"!" + CONTENT[1:], "b": b"b"},
    ),
}


def _files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a directory with two files."""
    root = tmp_path / "model"
    root.mkdir()
    (root / "a").write_bytes(CONTENT)
    (root / "b").write_bytes(b"b")
    return root


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_changes_exactly_what_it_names(name: str, root: Path) -> None:
    """While an attack is on, the directory differs in the way it says and in no other."""
    attack, expected = ATTACKS[name]
    with attack(root):
        assert _files(root) == expected


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_leaves_nothing_behind(name: str, root: Path) -> None:
    """After an attack, also one that ends in an exception, every byte is as before."""
    attack, _ = ATTACKS[name]
    before = _files(root)
    with pytest.raises(KeyboardInterrupt), attack(root):
        raise KeyboardInterrupt
    assert _files(root) == before
    assert [path.name for path in root.parent.iterdir()] == [root.name]


def test_a_swap_gives_the_path_another_inode(root: Path) -> None:
    """A swapped file is another file, not a changed one; after it the first one is back."""
    path = root / "a"
    before = path.stat().st_ino
    with swapped(path, offset=0, content=b"!", spare=root.parent / "spare"):
        assert path.stat().st_ino != before
    assert path.stat().st_ino == before


def test_an_overwrite_keeps_the_inode(root: Path) -> None:
    """An overwritten file is the same file, so that a mapping of it would see the new bytes."""
    path = root / "a"
    before = path.stat().st_ino
    with overwritten(path, offset=0, content=b"!"):
        assert path.stat().st_ino == before


def test_bytes_beyond_the_end_are_not_overwritten(root: Path) -> None:
    """An overwrite that would make the file longer is refused and changes nothing."""
    with (
        pytest.raises(ValueError, match="file ends"),
        overwritten(root / "a", offset=255, content=b"xy"),
    ):
        pass
    assert (root / "a").read_bytes() == CONTENT


def test_an_existing_file_is_not_added_again(root: Path) -> None:
    """Adding a file that exists is refused, so that restoring cannot delete it."""
    with pytest.raises(FileExistsError), added(root / "a", content=b""):
        pass
    assert (root / "a").read_bytes() == CONTENT


def test_an_existing_file_is_not_renamed_over(root: Path) -> None:
    """Renaming onto an existing file is refused, so that restoring cannot lose it."""
    with pytest.raises(FileExistsError), renamed(root / "b", to=root / "a"):
        pass
    assert (root / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["plain", "it's \\ spaced", "ümläut 日本"])
def test_the_pickle_would_run_its_command(tmp_path: Path, name: str) -> None:
    """The pickle is real: unpickling it in another process makes the marker, whatever its name."""
    marker = tmp_path / name
    payload = tmp_path / "payload"
    payload.write_bytes(malicious_pickle(marker))
    program = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    subprocess.run([sys.executable, "-c", program, str(payload)], check=True)
    assert marker.exists()


def test_making_the_pickle_runs_nothing(tmp_path: Path) -> None:
    """The marker appears only where the pickle is loaded, not where it is made."""
    marker = tmp_path / "marker"
    assert malicious_pickle(marker)
    assert not marker.exists()
