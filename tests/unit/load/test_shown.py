"""Directories that show held files and nothing else, for readers that open files by name."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.holding import hold_files
from weighbridge.core.errors import ArtifactChangedError, StoreError, UsageError
from weighbridge.load import shown
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.shown import is_shown, show_files, show_for_good
from weighbridge.load.store import Store
from weighbridge.load.tree import remove_tree

LARGE = bytes(range(256)) * 8192
FILES = {"config.json": b"{}", "empty": b"", "sub/deep/model.bin": LARGE}

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory files are Linux's")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store; read-only trees are removed afterwards."""
    place = tmp_path / "store"
    yield Store(place)
    for entry in sorted(place.iterdir()) if place.is_dir() else []:
        remove_tree(entry)


def as_mapping(held: HeldFiles) -> dict[str, HeldFile]:
    """Return the held files by path."""
    return {path: held[path] for path in held.paths}


def contents(root: Path) -> dict[str, bytes]:
    """Return every file below *root*."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "copy"])
def test_it_shows_the_files_and_nothing_else(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, memory: bool
) -> None:
    """The directory has exactly the held files, under their names, by links or as a copy."""
    if not memory:
        monkeypatch.setattr(shown, "create_memory_file", lambda _size: None)
    with show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root:
        assert contents(root) == FILES
        links = [path.is_symlink() for path in root.rglob("*") if path.is_file()]
        assert all(links) if memory and sys.platform == "linux" else not any(links)


@on_linux
def test_nobody_can_write_through_it(store: Store) -> None:
    """Files of the directory cannot be written to, not even by the process that holds them."""
    with show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root:
        for path in FILES:
            with pytest.raises(PermissionError):
                (root / path).write_bytes(b"other")
        assert stat.S_IMODE(root.stat().st_mode) == 0o555
        assert contents(root) == FILES


@on_linux
def test_it_is_gone_afterwards(store: Store, tmp_path: Path) -> None:
    """Nothing stays on disk when the context is left, by an error either; open files do stay open."""
    with show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root:
        opened = (root / "sub/deep/model.bin").open("rb")
    with (
        pytest.raises(UsageError, match="stop"),
        show_files(as_mapping(hold_files(FILES)), name="bert", store=store),
    ):
        raise UsageError("stop")
    assert not root.exists()
    assert [p.name for p in (tmp_path / "store").iterdir()] == [".lock-workplaces"]
    with opened:
        assert opened.read() == LARGE


@on_linux
@pytest.mark.parametrize("what", ["link", "file", "directory"])
def test_a_change_of_the_directory_is_noticed(store: Store, tmp_path: Path, what: str) -> None:
    """A program of the same user that exchanges something in the directory makes the load fail."""
    other = tmp_path / "other"
    other.write_bytes(b"other")
    with (
        pytest.raises(ArtifactChangedError, match="changed the directory"),
        show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root,
    ):
        root.chmod(0o700)
        if what == "directory":
            (root / "sub").rename(root / "aside")
            (root / "sub").mkdir()
        else:
            (root / "config.json").unlink()
            if what == "link":
                (root / "config.json").symlink_to(other)
            else:
                (root / "config.json").write_bytes(b"{}")


@on_linux
def test_a_child_sees_the_same_bytes(store: Store) -> None:
    """A program started meanwhile, without our descriptors, reads the same memory by name."""
    with show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root:
        command = [sys.executable, "-c", "import sys; print(len(open(sys.argv[1], 'rb').read()))"]
        place = os.fspath(root / "sub/deep/model.bin")
        done = subprocess.run([*command, place], capture_output=True, check=True, close_fds=True)
    assert int(done.stdout) == len(LARGE)


@on_linux
def test_what_a_killed_process_left_is_removed(store: Store, tmp_path: Path) -> None:
    """A directory that nobody holds any more goes with the next one; one in use stays."""
    with show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root:
        left = tmp_path / "store" / ".work-left"
        (left / "bert").mkdir(parents=True)
        with show_files(as_mapping(hold_files(FILES)), name="bert", store=store):
            assert not left.exists()
            assert root.exists()


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../../x"])
def test_names_stay_inside(store: Store, name: str, tmp_path: Path) -> None:
    """A model's name leads nowhere else than into the store."""
    with show_files(as_mapping(hold_files(FILES)), name=name, store=store) as root:
        assert (tmp_path / "store") in Path(os.path.normpath(root)).parents
        assert contents(root) == FILES


def test_many_files_are_copied(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors are left for the framework: beyond the bound the files are copied."""
    monkeypatch.setattr(shown, "MAX_SHOWN_DESCRIPTORS", 2)
    with show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root:
        assert contents(root) == FILES
        assert not (root / "empty").is_symlink()


def test_a_store_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    """No directory is made where other users could put something in its place."""
    place = tmp_path / "open"
    place.mkdir(mode=0o755)
    with (
        pytest.raises(StoreError, match="not private"),
        show_files(as_mapping(hold_files(FILES)), name="bert", store=Store(place)),
    ):
        pass


def test_a_path_that_is_not_canonical_is_refused(store: Store) -> None:
    """No file is shown outside of the directory."""
    held = as_mapping(hold_files({"a": b"x"}))
    with (
        pytest.raises(ValueError, match="canonical"),
        show_files({"../a": held["a"]}, name="bert", store=store),
    ):
        pass


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "copy"])
def test_files_that_are_shown_are_known(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, memory: bool
) -> None:
    """A file is known as long as it is shown and leads to the verified bytes, and no other is."""
    if not memory:
        monkeypatch.setattr(shown, "create_memory_file", lambda _size: None)
    other = tmp_path / "other"
    other.write_bytes(b"{}")
    with show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root:
        assert all(is_shown(root / path) for path in FILES)
        assert is_shown(root / "sub" / ".." / "config.json")
        assert not is_shown(root)
        assert not is_shown(root / "missing")
        assert not is_shown(other)
    assert not any(is_shown(root / path) for path in FILES)


@on_linux
def test_an_exchanged_file_is_not_known(store: Store) -> None:
    """A name that leads to another file by now is not one that is shown."""
    with (
        pytest.raises(ArtifactChangedError),
        show_files(as_mapping(hold_files(FILES)), name="bert", store=store) as root,
    ):
        root.chmod(0o700)
        (root / "config.json").unlink()
        assert not is_shown(root / "config.json")
        (root / "config.json").write_bytes(b"{}")
        assert not is_shown(root / "config.json")
        assert is_shown(root / "empty")


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "copy"])
def test_shown_for_good(store: Store, monkeypatch: pytest.MonkeyPatch, *, memory: bool) -> None:
    """What is shown for good stays, and is known, while others are shown and gone."""
    if not memory:
        monkeypatch.setattr(shown, "create_memory_file", lambda _size: None)
    root = show_for_good(as_mapping(hold_files(FILES)), name="bert", store=store)
    with show_files(as_mapping(hold_files(FILES)), name="other", store=store) as other:
        assert contents(root) == contents(other) == FILES
    assert other.exists() is not (memory and sys.platform == "linux")
    assert contents(root) == FILES
    assert is_shown(root / "config.json")


@on_linux
def test_what_a_process_showed_for_good_goes_when_it_ended(store: Store) -> None:
    """The next workplace in a store removes what a process left that is gone."""
    code = (
        "import sys; from support.holding import hold_files;"
        "from weighbridge.load.shown import show_for_good; from weighbridge.load.store import Store;"
        "held = hold_files({'a/b': b'x'});"
        "print(show_for_good({'a/b': held['a/b']}, name='bert', store=Store(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(store.root)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    left = Path(done.stdout.strip())
    assert left.is_dir()
    with store.workplace():
        assert not left.exists()
