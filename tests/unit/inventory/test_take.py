"""Taking inventories: digests, formats, roles, and files that do not hold still."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import blake3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.zips import zip_of
from weighbridge.core.artifact import EntryRole, FileFormat, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.inventory import MAX_SHARDS, SMALL_FILE_BYTES
from weighbridge.inventory.take import InventoryPlan, SniffRule, take_inventory
from weighbridge.sources.local import locate

LARGE = SMALL_FILE_BYTES * 3 + 17
"""Bytes of a file that goes to a worker thread."""

HASHES: dict[HashAlgorithm, Callable[[bytes], bytes]] = {
    HashAlgorithm.SHA256: lambda data: hashlib.sha256(data).digest(),
    HashAlgorithm.BLAKE2B: lambda data: hashlib.blake2b(data).digest(),
    HashAlgorithm.BLAKE3: lambda data: blake3.blake3(data).digest(),
}


class _Meddler:
    """A progress display that changes the artifact while it is read, at a chosen moment."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act: Callable[[], object] | None = act

    def begin(self, total: int, /) -> None:
        """Ignore the total."""

    def advance(self, count: int, /) -> None:
        """Act at the first byte that was read, once."""
        act, self._act = self._act, None
        if act is not None:
            act()


def _take(
    root: Path, plan: InventoryPlan | None = None, *, progress: _Meddler | None = None
) -> Inventory:
    return take_inventory(locate(root), plan or InventoryPlan(), progress=progress)


def assert_ended(before: set[threading.Thread]) -> None:
    """Wait for the threads that were not there *before*: they have no more to do, and end."""
    for thread in set(threading.enumerate()) - before:
        thread.join()  # ended by the time limit of all tests, if it does not end


@pytest.mark.parametrize("algorithm", list(HashAlgorithm))
@pytest.mark.parametrize("size", [0, 1, SMALL_FILE_BYTES, SMALL_FILE_BYTES + 1, LARGE])
def test_files_mode_digests_each_whole_file(
    tmp_path: Path, algorithm: HashAlgorithm, size: int
) -> None:
    """The digest is the library's digest of the file's bytes, whatever its size."""
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)
    layout = HashLayout(algorithm)
    (entry,) = _take(tmp_path, InventoryPlan(layouts=(layout,))).entries
    (part,) = entry.digest(layout).parts
    assert (part.start, part.end, part.value) == (0, size, HASHES[algorithm](data))


@given(
    size=st.integers(0, 300_000),
    shard=st.integers(1, 400_000),
    algorithm=st.sampled_from(list(HashAlgorithm)),
    also_whole=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_shards_tile_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    size: int,
    shard: int,
    algorithm: HashAlgorithm,
    also_whole: bool,
) -> None:
    """Shards follow each other without hole, all but the last full, each with its digest."""
    shard = max(shard, size // 500 + 1)
    root = tmp_path_factory.mktemp("m")
    data = os.urandom(size)
    (root / "f").write_bytes(data)
    layout = HashLayout(algorithm, shard)
    layouts = (layout, HashLayout()) if also_whole else (layout,)
    (entry,) = _take(root, InventoryPlan(layouts=layouts)).entries
    expected = [
        (start, min(start + shard, size), HASHES[algorithm](data[start : start + shard]))
        for start in range(0, size, shard)
    ]
    assert [(p.start, p.end, p.value) for p in entry.digest(layout).parts] == expected
    if also_whole:
        assert entry.sha256 is not None
        assert entry.sha256.value == hashlib.sha256(data).digest()


def test_many_files_of_all_sizes_come_back_in_order(tmp_path: Path) -> None:
    """Threads finish in any order; the inventory is sorted and complete all the same."""
    contents = {f"d{i % 3}/f{i:03}": os.urandom(i * 2500) for i in range(60)}
    for path, data in contents.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    inventory = _take(tmp_path, InventoryPlan(workers=4))
    assert [e.path for e in inventory.entries] == sorted(contents)
    for entry in inventory.entries:
        assert entry.sha256 is not None
        assert entry.sha256.value == hashlib.sha256(contents[entry.path]).digest()
    assert not inventory.gaps


def test_formats_are_told_from_content(tmp_path: Path) -> None:
    """A pickle called model.safetensors is a pickle whose suffix lies; JSON is JSON."""
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04N.")
    (tmp_path / "config.json").write_text("{}")
    config, model = _take(tmp_path).entries
    assert (config.format, config.suffix_format) == (FileFormat.JSON, None)
    assert (model.format, model.suffix_format) == (FileFormat.PICKLE, FileFormat.SAFETENSORS)


def test_large_files_have_a_format_too(tmp_path: Path) -> None:
    """The format of a file that a worker hashes is told as well."""
    (tmp_path / "f.txt").write_bytes(b"word " * LARGE)
    (entry,) = _take(tmp_path).entries
    assert entry.format is FileFormat.TEXT


def test_roles_tell_the_signature_and_the_claims(tmp_path: Path) -> None:
    """`model.sig`, `model.claims.jsonl` and the named signature are not model files."""
    for name in ("model.sig", "model.claims.jsonl", "other.sig", "w.bin"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "model.sig").write_bytes(b"x")
    inventory = _take(tmp_path, InventoryPlan(signature="other.sig"))
    roles = {entry.path: entry.role for entry in inventory.entries}
    assert roles == {
        "model.claims.jsonl": EntryRole.CLAIMS,
        "model.sig": EntryRole.SIGNATURE,
        "other.sig": EntryRole.SIGNATURE,
        "sub/model.sig": EntryRole.MODEL,
        "w.bin": EntryRole.MODEL,
    }


@pytest.mark.parametrize("name", ["model.sig", "model.claims.jsonl"])
@pytest.mark.parametrize("sniff", SniffRule)
@pytest.mark.parametrize(
    ("content", "is_model"),
    [
        (b'{"mediaType": "x"}\n{"mediaType": "y"}\n', False),
        (b"", False),
        (b"\x80\x04N.", True),
        (b"cos\nsystem\n(S'id'\ntR.", True),
        (b"text" + zip_of({"data.pkl": b"x"}), True),
        (b"\x7fELF" + bytes(60), True),
    ],
)
def test_the_name_of_claims_hides_nothing_that_is_no_text(
    tmp_path: Path, name: str, sniff: SniffRule, content: bytes, *, is_model: bool
) -> None:
    """A pickle, archive or program that is called a signature or claims is a model file."""
    (tmp_path / name).write_bytes(content)
    (entry,) = _take(tmp_path, InventoryPlan(sniff=sniff)).entries
    assert (entry.role is EntryRole.MODEL) is is_model


def test_what_is_left_out_is_listed_without_a_digest(tmp_path: Path) -> None:
    """A path left out and all below it are listed and sniffed, but not hashed; its twin is."""
    for name in (".git/config", ".gitx/config", "w.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"plain text")
    plan = InventoryPlan(undigested=frozenset({".git"}), sniff=SniffRule.UNDIGESTED)
    entries = {entry.path: entry for entry in _take(tmp_path, plan).entries}
    assert entries[".git/config"].digests == ()
    assert entries[".git/config"].format is FileFormat.TEXT
    assert entries[".gitx/config"].digests
    assert entries[".gitx/config"].format is None


def test_a_single_file_is_called_dot(tmp_path: Path) -> None:
    """The only path of a single-file artifact is `.`, and its format comes from its own name."""
    (tmp_path / "m.safetensors").write_bytes(b"\x80\x04N.")
    inventory = _take(tmp_path / "m.safetensors")
    (entry,) = inventory.entries
    assert (entry.path, entry.role, inventory.name) == (".", EntryRole.MODEL, "m.safetensors")
    assert entry.suffix_format is FileFormat.SAFETENSORS


@pytest.mark.parametrize("layout", [HashLayout(), HashLayout(shard_size=50_000)])
@pytest.mark.parametrize("act", ["append", "truncate", "rewrite", "replace", "remove", "link"])
def test_a_large_file_that_changes_while_it_is_read_is_a_gap(
    tmp_path: Path, act: str, layout: HashLayout
) -> None:
    """Any change between the listing and the last byte makes the file a gap without a digest."""
    root = tmp_path / "m"
    root.mkdir()
    victim = root / "f"
    victim.write_bytes(os.urandom(LARGE * 8))
    os.utime(victim, ns=(1, 1))

    def change() -> None:
        match act:
            case "append":
                with victim.open("ab") as file:
                    file.write(b"x")
            case "truncate":
                os.truncate(victim, 10)
            case "rewrite":
                with victim.open("r+b") as file:
                    file.write(b"x")
            case "replace":
                (tmp_path / "evil").write_bytes(os.urandom(LARGE * 8))
                (tmp_path / "evil").replace(victim)
            case "remove":
                victim.unlink()
            case _:
                victim.unlink()
                victim.symlink_to(tmp_path / "elsewhere")

    inventory = _take(root, InventoryPlan(layouts=(layout,), workers=1), progress=_Meddler(change))
    # Also a file that is only unlinked while it is open counts as changed: its ctime moves.
    assert not inventory.entries
    assert [gap.code for gap in inventory.gaps] == [Code.FILE_CHANGED]


def test_a_small_file_that_changed_since_it_was_listed_is_a_gap(tmp_path: Path) -> None:
    """The second of two small files is rewritten while the first is read."""
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    os.utime(tmp_path / "b", ns=(1, 1))
    meddler = _Meddler(lambda: (tmp_path / "b").write_bytes(b"3"))
    inventory = _take(tmp_path, progress=meddler)
    assert [e.path for e in inventory.entries] == ["a"]
    assert [(g.path, g.code) for g in inventory.gaps] == [("b", Code.FILE_CHANGED)]


def test_a_pipe_in_the_place_of_a_listed_file_does_not_block(tmp_path: Path) -> None:
    """A file that becomes a pipe after the listing is a gap, and nobody waits for a writer."""
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")

    def swap() -> None:
        (tmp_path / "b").unlink()
        os.mkfifo(tmp_path / "b")

    inventory = _take(tmp_path, progress=_Meddler(swap))
    assert [(g.path, g.code) for g in inventory.gaps] == [("b", Code.FILE_CHANGED)]


def test_an_interrupt_stops_the_workers(tmp_path: Path) -> None:
    """When the caller is interrupted, no thread is left behind."""
    (tmp_path / "small").write_bytes(b"1")
    for i in range(4):
        (tmp_path / f"large{i}").write_bytes(os.urandom(LARGE * 20))

    class Interrupter(_Meddler):
        calls = 0

        def advance(self, count: int, /) -> None:
            self.calls += 1
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt

    before = set(threading.enumerate())
    progress = Interrupter(lambda: None)
    with pytest.raises(KeyboardInterrupt):
        _take(tmp_path, progress=progress)
    read = progress.calls
    assert_ended(before)
    assert progress.calls == read


def test_shards_are_bounded_before_any_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many shards as allowed are made; one more is refused before any byte is read."""
    monkeypatch.setattr("weighbridge.inventory.take.MAX_SHARDS", 7)
    (tmp_path / "a").write_bytes(b"x" * 11)
    (tmp_path / "b").write_bytes(b"y" * 5)

    def plan(size: int) -> InventoryPlan:
        return InventoryPlan(layouts=(HashLayout(shard_size=size),), undigested=frozenset({"b"}))

    (entry, _) = _take(tmp_path, plan(2)).entries
    assert len(entry.digests[0].parts) == 6
    read: list[int] = []
    progress = _Meddler(lambda: read.append(1))
    with pytest.raises(LimitExceededError, match="too many shards of 1 bytes"):
        _take(tmp_path, plan(1), progress=progress)
    assert read == []


def test_a_real_number_of_shards_is_bounded(tmp_path: Path) -> None:
    """A large file in shards of one byte is refused at once, whatever its size."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_SHARDS + 1)
    with pytest.raises(LimitExceededError):
        _take(tmp_path, InventoryPlan(layouts=(HashLayout(shard_size=1),)))
    assert _take(tmp_path, InventoryPlan(layouts=(HashLayout(shard_size=MAX_SHARDS),))).entries


@pytest.mark.parametrize("size", [10, LARGE])
def test_something_else_can_be_done_meanwhile(tmp_path: Path, size: int) -> None:
    """The caller's work is done once, by the calling thread, whatever the files' sizes."""
    (tmp_path / "file").write_bytes(bytes(size))
    done: list[threading.Thread] = []
    inventory = take_inventory(
        locate(tmp_path),
        InventoryPlan(),
        meanwhile=lambda: done.append(threading.current_thread()),
    )
    assert done == [threading.current_thread()]
    assert [entry.size for entry in inventory.entries] == [size]


def test_what_the_caller_raises_meanwhile_ends_the_reading(tmp_path: Path) -> None:
    """An error of the caller's own work ends the reading, and no thread is left behind."""
    (tmp_path / "file").write_bytes(bytes(LARGE))

    def fail() -> None:
        raise LimitExceededError("enough")

    before = set(threading.enumerate())
    with pytest.raises(LimitExceededError, match="enough"):
        take_inventory(locate(tmp_path), InventoryPlan(), meanwhile=fail)
    assert_ended(before)
