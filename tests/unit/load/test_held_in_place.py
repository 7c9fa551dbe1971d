"""Held bytes that are filled where they stay, and lent to frameworks without a copy."""

import hashlib
import io
import mmap
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from support.holding import make_verdict
from support.signed_model import safetensors_file
from weighbridge.core.artifact import EntryRole, FileEntry, FileStamp
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashLayout
from weighbridge.core.errors import ArtifactChangedError, UsageError
from weighbridge.core.limits.loading import HELD_INLINE_BYTES, HUGE_PAGE_BYTES
from weighbridge.inventory import blocks
from weighbridge.inventory.blocks import read_ahead
from weighbridge.inventory.crew import Crew
from weighbridge.inventory.parts import digest_bytes
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.held import HeldFile, HeldFiles, HoldingSink
from weighbridge.load.memory import AnonymousMemory, map_anonymous
from weighbridge.sources.local import locate

LARGE = HELD_INLINE_BYTES + 4097
SIZES = [LARGE, HUGE_PAGE_BYTES - 1, HUGE_PAGE_BYTES, HUGE_PAGE_BYTES + 1, 3 * HUGE_PAGE_BYTES + 5]
LAYOUT = HashLayout()


def pattern(size: int) -> bytes:
    """Return *size* bytes that no two pages share."""
    return b"".join(i.to_bytes(4, "little") for i in range(size // 4 + 1))[:size]


def entry(path: str, data: bytes) -> FileEntry:
    """Return what an inventory says of *data*."""
    return FileEntry(
        path=path,
        size=len(data),
        role=EntryRole.MODEL,
        format=None,
        suffix_format=None,
        through_symlink=False,
        stamp=FileStamp(device=1, inode=1, size=len(data), mtime_ns=0, ctime_ns=0),
        digests=(digest_bytes(data, LAYOUT),),
    )


def hold(data: bytes, *, expected: bool = True) -> HeldFiles:
    """Return *data* as `f`, held in anonymous memory that was filled in place."""
    sink = HoldingSink(sealed=False)
    writer = sink.open("f", len(data))
    room = writer.room(0, len(data))
    if room is None:
        writer.write_at(0, data)
    else:
        with room:
            room[:] = data
    writer.seal()
    files = sink.finish()
    if expected:
        files.expect([entry("f", data), entry("of another artifact", data)])
    return files


class TestRoom:
    """Memory that a reader fills itself."""

    @pytest.mark.parametrize("size", SIZES)
    def test_what_is_put_there_is_held(self, size: int) -> None:
        """Whatever the size, the held bytes are those that were put into the room, no more."""
        data = pattern(size)
        held = hold(data)["f"]
        assert isinstance(held.memory, AnonymousMemory)
        assert held.size == size
        assert held.read() == data
        assert held.view() == data
        assert bytes(held.private()) == data

    def test_rooms_are_parts_of_one_memory(self) -> None:
        """Each room is the part that was asked for, whichever thread fills it."""
        data = pattern(LARGE)
        sink = HoldingSink(sealed=False)
        writer = sink.open("f", LARGE)

        def fill(start: int, end: int) -> None:
            room = writer.room(start, end)
            assert room is not None
            with room:
                room[:] = data[start:end]

        threads = [threading.Thread(target=fill, args=each) for each in ((5, LARGE), (0, 5))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.seal()
        assert sink.finish()["f"].read() == data

    @pytest.mark.parametrize(("sealed", "size"), [(True, LARGE), (False, HELD_INLINE_BYTES)])
    def test_other_memory_has_none(self, *, sealed: bool, size: int) -> None:
        """Sealed memory files and small files are filled by `write_at`."""
        if sealed and sys.platform != "linux":
            pytest.skip("needs memory files")
        assert HoldingSink(sealed=sealed).open("f", size).room(0, size) is None

    @pytest.mark.parametrize(("start", "end"), [(-1, 1), (2, 1), (0, LARGE + 1)])
    def test_there_is_none_outside(self, start: int, end: int) -> None:
        """Room that is not the file's is refused."""
        writer = HoldingSink(sealed=False).open("f", LARGE)
        with pytest.raises(ValueError, match="outside"):
            writer.room(start, end)

    def test_there_is_none_afterwards(self) -> None:
        """A sealed or discarded file has no room any more."""
        for end in ("seal", "discard"):
            writer = HoldingSink(sealed=False).open("f", LARGE)
            getattr(writer, end)()
            with pytest.raises(ValueError, match="before"):
                writer.room(0, 1)

    def test_memory_without_huge_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A kernel that has no huge pages gives plain memory."""
        if not hasattr(mmap, "MADV_HUGEPAGE"):
            pytest.skip("no advice about huge pages here")
        monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 9999)
        mapping = map_anonymous(HUGE_PAGE_BYTES)
        mapping[-1:] = b"x"
        assert mapping[-1:] == b"x"


class TestLending:
    """Memory that a framework may write to, without a copy and without a lie."""

    def test_the_memory_itself_is_lent(self) -> None:
        """What is lent is the held memory and no copy of it."""
        held = hold(pattern(LARGE))["f"]
        memory = held.memory
        assert isinstance(memory, AnonymousMemory)
        assert held.lend() is memory.mapping

    def test_an_unchanged_file_is_given_again(self) -> None:
        """As long as nobody writes to what was lent, every later use gives the verified bytes."""
        data = pattern(LARGE)
        held = hold(data)["f"]
        first = held.lend()
        assert held.read() == data
        second = held.lend()
        assert second is not first
        assert bytes(second)[:LARGE] == data
        assert held.view() == data

    def test_later_writes_change_nothing_else(self) -> None:
        """What was given out since the memory was lent has its bytes, whatever is written."""
        data = pattern(LARGE)
        held = hold(data)["f"]
        first = held.lend()
        view, second = held.view(), held.lend()
        first[:4] = b"\xff\xff\xff\xff"
        second[:4] = b"\xee\xee\xee\xee"
        assert view == data
        assert held.read() == data

    @pytest.mark.parametrize(
        "use",
        [
            lambda held: held.read(),
            lambda held: held.read_at(0, 1),
            lambda held: held.view(),
            lambda held: held.private(),
            lambda held: held.lend(),
            lambda held: held.memory,
        ],
    )
    def test_a_changed_file_is_not_given_again(self, use: Callable[[HeldFile], object]) -> None:
        """Bytes that the program wrote are never taken for verified ones."""
        held = hold(pattern(LARGE))["f"]
        held.lend()[LARGE - 1 : LARGE] = b"\xff"
        with pytest.raises(ArtifactChangedError) as caught:
            use(held)
        assert caught.value.code is Code.FILE_CHANGED
        assert held.size == LARGE

    def test_a_file_that_somebody_looks_at_is_not_lent(self) -> None:
        """Where a view was given out, it keeps its bytes: what is written goes to a copy."""
        data = pattern(LARGE)
        held = hold(data)["f"]
        view = held.view()
        held.lend()[:1] = b"\xff"
        assert view == data
        assert held.read() == data

    def test_a_file_without_a_digest_is_not_lent(self) -> None:
        """Where nobody could tell later whether the bytes changed, a copy is given."""
        data = pattern(LARGE)
        held = hold(data, expected=False)["f"]
        held.lend()[:1] = b"\xff"
        assert held.read() == data

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_other_memory_is_never_changed(self, size: int) -> None:
        """Of small files and sealed memory a private copy is given."""
        data = pattern(size)
        sink = HoldingSink()
        writer = sink.open("f", size)
        writer.write_at(0, data)
        writer.seal()
        files = sink.finish()
        files.expect([entry("f", data)])
        files["f"].lend()[:1] = b"\xff"
        assert files["f"].read() == data

    def test_closed_files_are_not_lent(self) -> None:
        """After `close` nothing is lent, and what was lent stays valid."""
        held = hold(pattern(LARGE))["f"]
        lent = held.lend()
        held.close()
        with pytest.raises(UsageError):
            held.lend()
        assert bytes(lent)[:LARGE] == pattern(LARGE)


def test_names_are_digested_as_in_an_inventory() -> None:
    """The name under which a copy is kept is the names digest of what is held."""
    data = pattern(LARGE)
    held = hold(data)
    digest = digest_bytes(data, LAYOUT).parts[0].value.hex()
    assert held.names_hex("m") == hashlib.sha256(f"{digest}  f\n".encode()).hexdigest()


def test_an_artifact_gives_its_tensors_again() -> None:
    """Tensors of one call are not those of the next one, as long as their file is unchanged."""
    data = safetensors_file(w=[1.0] * LARGE)
    artifact = VerifiedArtifact(make_verdict("f"), hold(data))
    first, second = artifact.tensors("numpy"), artifact.tensors("numpy")
    assert first["w"].sum() == second["w"].sum() == LARGE
    with pytest.raises(ValueError, match="read-only"):
        first["w"][0] = 2.0


@pytest.mark.parametrize("from_time", [0, 1])
def test_a_worker_without_a_file_reads_for_another(
    from_time: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held are the bytes of the files, with their digests, whoever has read which of them."""
    files = {name: pattern(LARGE * size) for name, size in (("a", 40), ("b", 5), ("c", 1))}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    helped: list[int] = []
    asked = count()

    def note(file: io.FileIO, start: int, room: memoryview, *, size: int) -> blocks.Blocks:
        helped.append(start)
        return read_ahead(file, start, room, size=size)

    monkeypatch.setattr(Crew, "take_spare", lambda _: next(asked) >= from_time)
    monkeypatch.setattr(blocks, "read_ahead", note)
    sink = HoldingSink(sealed=False)
    inventory = take_inventory(locate(tmp_path), InventoryPlan(workers=2), sink=sink)
    held = sink.finish()
    assert helped
    assert {path: held[path].read() for path in held.paths} == files
    assert {each.path: each.digests[0].parts[0].value for each in inventory.entries} == {
        name: hashlib.sha256(data).digest() for name, data in files.items()
    }
