"""The store: private, whole or not at all, and compared byte by byte before it is used."""

import errno
import logging
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from support.holding import admit, hold_files
from weighbridge.core.errors import StoreError
from weighbridge.load import store as store_module
from weighbridge.load import tree
from weighbridge.load.held import HeldFiles
from weighbridge.load.store import Store, default_root
from weighbridge.load.tree import find_difference, remove_tree, write_tree

KEY = "ab" * 32
LARGE = bytes(range(256)) * 8192  # two blocks
FILES = {"a.bin": LARGE, "empty": b"", "sub/deep/b.txt": b"text\n"}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Return where the store is to be; read-only trees are removed afterwards."""
    place = tmp_path / "cache" / "store"
    yield place
    for entry in sorted(place.iterdir()) if place.is_dir() else []:
        remove_tree(entry)


def held() -> HeldFiles:
    """Return the files, held."""
    return hold_files(FILES)


def provide(root: Path) -> Path:
    """Return the entry of the files."""
    return Store(root).provide(held(), key=KEY, name="model")


def content(place: Path) -> dict[str, bytes]:
    """Return every file below *place*."""
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


def writable(path: Path) -> Path:
    """Make *path* and what is above it writable, as its owner can."""
    path.parent.chmod(0o755)
    if not path.is_symlink():
        path.chmod(0o755 if path.is_dir() else 0o644)
    return path


class TestCopies:
    """What is given out."""

    def test_is_exact(self, root: Path) -> None:
        """The copy has every file and nothing else."""
        place = provide(root)
        assert place == root / KEY
        assert content(place) == FILES

    def test_is_read_only(self, root: Path) -> None:
        """Files have mode 0444 and directories 0555, whatever the umask; the store has 0700."""
        before = os.umask(0o077)
        try:
            place = provide(root)
        finally:
            os.umask(before)
        modes = {stat.S_IMODE(p.stat().st_mode) for p in place.rglob("*") if p.is_file()}
        folders = {stat.S_IMODE(p.stat().st_mode) for p in place.rglob("*") if p.is_dir()}
        assert (modes, folders) == ({0o444}, {0o555})
        assert stat.S_IMODE(place.stat().st_mode) == 0o555
        assert stat.S_IMODE(root.stat().st_mode) == 0o700

    def test_is_reused(self, root: Path) -> None:
        """A second load gets the same copy, which was not written again."""
        first = provide(root)
        inode = (first / "a.bin").stat().st_ino
        assert provide(root) == first
        assert (first / "a.bin").stat().st_ino == inode

    def test_leaves_nothing_else(self, root: Path) -> None:
        """Beside the entry there is only its lock."""
        provide(root)
        assert sorted(p.name for p in root.iterdir()) == [f".lock-{KEY}", KEY]

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b"])
    def test_a_single_file_needs_a_name(self, name: str, root: Path) -> None:
        """A single file is called by the artifact's name, which has to be a file name."""
        single = hold_files({".": b"data"})
        assert Store(root).provide(single, key=KEY, name="w.bin").read_bytes() == b"data"
        with pytest.raises(StoreError):
            Store(root).provide(single, key=KEY, name=name)


def change_byte(place: Path) -> None:
    """Change a byte in the second block, and nothing else."""
    writable(place / "a.bin")
    with (place / "a.bin").open("r+b") as file:
        file.seek(len(LARGE) - 1)
        file.write(b"\0")
    (place / "a.bin").chmod(0o444)
    place.chmod(0o555)


def replace_by_link(place: Path) -> None:
    """Put a link to the same content in a file's place."""
    target = writable(place / "a.bin")
    target.rename(place.parent / "elsewhere")
    target.symlink_to(place.parent / "elsewhere")
    place.chmod(0o555)


def add_hard_link(place: Path) -> None:
    """Give a file a second name outside of the entry."""
    (place.parent / "elsewhere").hardlink_to(place / "a.bin")


def add_file(place: Path) -> None:
    """Add a file, read-only like the others."""
    place.chmod(0o755)
    (place / "extra").write_bytes(b"")
    (place / "extra").chmod(0o444)
    place.chmod(0o555)


def add_directory(place: Path) -> None:
    """Add an empty directory."""
    place.chmod(0o755)
    (place / "extra").mkdir(0o555)
    place.chmod(0o555)


def remove_file(place: Path) -> None:
    """Remove a file."""
    place.chmod(0o755)
    (place / "empty").unlink()
    place.chmod(0o555)


def append(place: Path) -> None:
    """Make a file longer."""
    path = writable(place / "sub/deep/b.txt")
    path.write_bytes(b"text\n!")
    path.chmod(0o444)
    path.parent.chmod(0o555)


def make_writable(place: Path) -> None:
    """Give a file its owner's write permission."""
    (place / "empty").chmod(0o644)


def make_directory_writable(place: Path) -> None:
    """Give the entry itself its owner's write permission."""
    place.chmod(0o755)


def replace_entry_by_file(place: Path) -> None:
    """Put a file in the entry's place."""
    remove_tree(place)
    place.write_bytes(b"")


def replace_entry_by_link(place: Path) -> None:
    """Put a link to the same tree in the entry's place."""
    place.rename(place.parent / "elsewhere")
    place.symlink_to(place.parent / "elsewhere")


def replace_file_by_directory(place: Path) -> None:
    """Put a directory in a file's place."""
    writable(place / "empty").unlink()
    (place / "empty").mkdir(0o555)
    place.chmod(0o555)


CHANGES = [
    change_byte,
    replace_by_link,
    add_hard_link,
    add_file,
    add_directory,
    remove_file,
    append,
    make_writable,
    make_directory_writable,
    replace_entry_by_file,
    replace_entry_by_link,
    replace_file_by_directory,
]


class TestComparison:
    """An entry that differs is never given out."""

    @pytest.mark.parametrize("change", CHANGES)
    def test_a_changed_entry_is_replaced(
        self, change: Callable[[Path], None], root: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Whatever was changed, the next load gives exact bytes, keeps the bad copy, and says so."""
        place = provide(root)
        with caplog.at_level(logging.WARNING):
            provide(root)
            assert not caplog.records
            change(place)
            assert provide(root) == place
        assert content(place) == FILES
        assert find_difference(place, {p: held()[p] for p in FILES}) is None
        assert len([r for r in caplog.records if "not what was verified" in r.message]) == 1
        assert len(list(root.glob(".bad-*"))) == 1

    def test_a_file_that_grows_while_it_is_compared(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Bytes behind the expected end are seen even if the size was right a moment before."""
        place = provide(root)
        append(place)
        real = tree._compare

        def stale(path: Path, status: os.stat_result, *args: object, **kwargs: object) -> object:
            if path.name == "b.txt":
                values = list(status)
                values[stat.ST_SIZE] = 5
                status = os.stat_result(values)
            return real(path, status, *args, **kwargs)  # type: ignore[arg-type]  # as it came

        monkeypatch.setattr(tree, "_compare", stale)
        difference = find_difference(place, {p: held()[p] for p in FILES})
        assert difference == "sub/deep/b.txt: the content differs"


class TestPrivacy:
    """A store that others can change is not used."""

    @pytest.mark.parametrize("mode", [0o701, 0o710, 0o755, 0o777])
    def test_refuses_open_modes(self, mode: int, root: Path) -> None:
        """Any permission for others is refused; without it the same store is used."""
        provide(root)
        root.chmod(mode)
        with pytest.raises(StoreError, match="not private"):
            provide(root)
        root.chmod(0o700)
        provide(root)

    def test_refuses_links(self, root: Path) -> None:
        """A store that is a link to a private directory is refused."""
        provide(root)
        link = root.with_name("link")
        link.symlink_to(root)
        with pytest.raises(StoreError, match="not private"):
            provide(link)

    def test_refuses_files(self, root: Path) -> None:
        """A store that is a file is refused."""
        root.parent.mkdir()
        root.write_bytes(b"")
        with pytest.raises(StoreError, match="not private"):
            provide(root)

    def test_refuses_foreign_owners(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A store of another user is refused."""
        provide(root)
        user = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: user)
        with pytest.raises(StoreError, match=f"expected owner {user}"):
            provide(root)

    def test_refuses_a_place_that_everybody_can_change(self, root: Path) -> None:
        """A directory above that all can write to is refused, unless it is sticky."""
        provide(root)
        root.parent.chmod(0o777)
        with pytest.raises(StoreError, match="everybody can write"):
            provide(root)
        root.parent.chmod(0o1777)
        provide(root)

    @pytest.mark.parametrize(
        ("changed", "value", "match"),
        [
            (stat.ST_UID, 1, "another user owns"),
            (stat.ST_GID, 1, "another group can write"),
        ],
    )
    def test_refuses_a_place_that_somebody_else_can_change(
        self,
        changed: int,
        value: int,
        match: str,
        root: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A directory above of another user, or that another group can write to, is refused."""
        provide(root)
        root.parent.chmod(0o775)
        provide(root)
        real = Path.stat

        def stat_other(path: Path, **options: bool) -> os.stat_result:
            found = real(path, **options)
            if path != root.parent:
                return found
            values = list(found)
            values[changed] += value
            return os.stat_result(values)

        monkeypatch.setattr(Path, "stat", stat_other)
        with pytest.raises(StoreError, match=match):
            provide(root)
        root.parent.chmod(0o755)
        if changed == stat.ST_GID:
            provide(root)

    @pytest.mark.parametrize(
        ("mapped", "user"),
        [("0 0 4294967295\n", 0), ("0 1000 1\n", 65534), ("0 0 1\n60000 0 6000\n", 0), ("x", 0)],
    )
    def test_who_owns_what_a_container_has_no_user_for(
        self, mapped: str, user: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only where the kernel's stand-in is no user of its own may it own directories above."""
        for name, text in (("_UNMAPPED", "65534\n"), ("_MAPPED", mapped)):
            (tmp_path / name).write_text(text)
            monkeypatch.setattr(store_module, name, tmp_path / name)
        assert store_module._unmapped_user() == user

    def test_links_above_are_followed_once(self, root: Path, tmp_path: Path) -> None:
        """The copy lies where a link above led at first, whoever turns it elsewhere later."""
        root.parent.mkdir()
        link = tmp_path / "link"
        link.symlink_to(root.parent)
        store = Store(link / root.name)
        link.unlink()
        link.symlink_to(tmp_path)
        assert store.provide(held(), key=KEY, name="m") == root / KEY

    def test_other_systems_have_no_modes(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where there are neither modes nor locks the copy is made and compared all the same."""
        provide(root)
        root.chmod(0o755)
        monkeypatch.setattr(store_module, "fcntl", None)
        monkeypatch.setattr(store_module, "POSIX", False)
        assert content(provide(root)) == FILES


class TestFailures:
    """Nothing half-written stays, and nothing else than our errors comes out."""

    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
    def test_cleans_up(
        self, error: BaseException, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A full disk or an interrupt leaves no entry and no temporary; the next try works."""

        def fail(place: Path, files: object) -> None:
            del files
            place.mkdir()
            (place / "half").write_bytes(b"x")
            (place / "half").chmod(0o444)
            place.chmod(0o555)
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(store_module, "write_tree", fail)
            expected = StoreError if isinstance(error, OSError) else KeyboardInterrupt
            with pytest.raises(expected):
                provide(root)
        assert [p.name for p in root.iterdir()] == [f".lock-{KEY}"]
        assert content(provide(root)) == FILES

    def test_a_real_full_disk(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A write that fails in the middle is a StoreError and leaves nothing."""
        real = os.fdopen

        class Full:
            """A file that takes one block."""

            def __init__(self, descriptor: int) -> None:
                self.file = real(descriptor, "wb", buffering=0)
                self.room = 1

            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None:
                self.file.close()

            def write(self, block: memoryview) -> int:
                """Take half a block once."""
                self.room -= 1
                if self.room < 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return self.file.write(block[: len(block) // 2])

        monkeypatch.setattr(os, "fdopen", lambda number, *_, **__: Full(number))
        with pytest.raises(StoreError, match="No space left"):
            provide(root)
        assert [p.name for p in root.iterdir()] == [f".lock-{KEY}"]

    def test_leftovers_of_a_killed_process_go(self, root: Path) -> None:
        """What a killed process left half-written is removed by the next one."""
        root.mkdir(mode=0o700, parents=True)
        write_tree(root / f".new-{KEY}-dead", {"x": held()["empty"]})
        provide(root)
        assert not list(root.glob(".new-*"))

    def test_an_unwritable_place(self, tmp_path: Path) -> None:
        """A place below a file is no place for a store."""
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(StoreError, match="cannot be kept"):
            provide(tmp_path / "file" / "store")

    @pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "a//b", "a/./b", "a\0b"])
    def test_paths_stay_inside(self, path: str, tmp_path: Path) -> None:
        """A path that leads elsewhere is never written, whoever let it through."""
        with pytest.raises(ValueError, match="canonical"):
            write_tree(tmp_path / "tree", {path: held()["empty"]})

    def test_removing_nothing(self, tmp_path: Path) -> None:
        """Removing what is not there, a link or a file does not touch what a link leads to."""
        remove_tree(tmp_path / "none")
        target = tmp_path / "target"
        target.mkdir()
        (tmp_path / "link").symlink_to(target)
        remove_tree(tmp_path / "link")
        assert [p.name for p in tmp_path.iterdir()] == ["target"]

    @pytest.mark.parametrize("swapped", ["tree", "sub", "deep"])
    def test_a_link_that_takes_a_place_meanwhile(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
    ) -> None:
        """Who exchanges a directory while it is removed has nothing removed, or opened, elsewhere."""
        outside = tmp_path / "outside"
        (outside / "kept").mkdir(parents=True)
        outside.chmod(0o500)
        place = tmp_path / "tree"
        (place / "sub" / "deep").mkdir(parents=True)
        look = os.stat

        def exchange(path: object, **options: Any) -> os.stat_result:
            found = look(path, **options)  # type: ignore[arg-type]
            within = options.get("dir_fd")
            if Path(str(path)).name == swapped and not stat.S_ISLNK(found.st_mode):
                os.rename(str(path), tmp_path / "aside", src_dir_fd=within)
                os.symlink(outside, str(path), dir_fd=within)
            return found

        monkeypatch.setattr(os, "stat", exchange)
        with pytest.raises(NotADirectoryError):
            remove_tree(place)
        assert [each.name for each in outside.iterdir()] == ["kept"]
        assert stat.S_IMODE(look(outside).st_mode) == 0o500


class TestConcurrency:
    """Many programs load the same model at once."""

    def test_threads(self, root: Path) -> None:
        """Threads that ask at the same time all get the same exact copy."""
        start = threading.Barrier(8)
        places: list[Path] = []

        def work() -> None:
            start.wait()
            places.append(provide(root))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert places == [root / KEY] * 8
        assert content(root / KEY) == FILES
        assert sorted(p.name for p in root.iterdir()) == [f".lock-{KEY}", KEY]

    def test_processes(self, root: Path) -> None:
        """Processes that ask at the same time all get the same exact copy."""
        program = (
            "import sys; from support.holding import hold_files;"
            "from weighbridge.load.store import Store;"
            "print(Store(sys.argv[1]).provide(hold_files({'f': b'x' * 300000}), key='k', name='m'))"
        )
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(root)],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        outputs = [process.communicate()[0].strip() for process in processes]
        assert outputs == [str(root / "k")] * 4
        assert (root / "k" / "f").read_bytes() == b"x" * 300000


class TestDefaultPlace:
    """Where the store is when nobody says."""

    def test_order(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """The variable comes first, then the user's cache directory, then the home."""
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
        monkeypatch.setenv("WEIGHBRIDGE_STORE", "/named")
        assert default_root() == Path("/named")
        monkeypatch.setenv("WEIGHBRIDGE_STORE", "")
        assert default_root() == Path("/cache/weighbridge/store")
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert default_root() == tmp_path / ".cache/weighbridge/store"
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert default_root() == tmp_path / ".cache/weighbridge/store"

    def test_is_used(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a place an artifact's copy goes to the default one."""
        monkeypatch.setenv("WEIGHBRIDGE_STORE", str(root))
        assert admit({"a": b"1"}).path().parent == root
