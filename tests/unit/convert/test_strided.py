"""Elements in order: how the pieces come, and what is never in memory."""

from pathlib import Path

import pytest

from support.holding import hold
from weighbridge.convert import disk, strided
from weighbridge.convert.disk import DiskMemory
from weighbridge.convert.strided import is_contiguous, pieces
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.load.held import HeldFile
from weighbridge.load.memory import InlineMemory
from weighbridge.load.placement import Placement, Region, place

DATA = bytes(range(256)) * 4


class Watching(InlineMemory):
    """Memory that takes note of how much is read at a time."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[int] = []

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Read, and take note."""
        self.reads.append(length)
        return super().read_at(offset, length)


def view(
    shape: tuple[int, ...], strides: tuple[int, ...], memory: InlineMemory | None = None
) -> Placement:
    """Return a tensor of bytes on the data."""
    held = HeldFile(memory or InlineMemory(DATA))
    return place(Region(held, 0, len(DATA), "U8"), shape=shape, strides=strides, where="t")


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strided, "CONVERT_WINDOW_BYTES", 16)
    monkeypatch.setattr(strided, "CONVERT_BLOCK_BYTES", 10)


def test_contiguous_tensors_come_in_blocks() -> None:
    """What lies in order is read and given block by block."""
    placed = view((25,), (1,))
    assert is_contiguous(placed)
    assert [len(piece) for piece in pieces(placed, where="t")] == [10, 10, 5]


def test_rows_that_are_longer_than_a_window() -> None:
    """Long rows of a cut matrix are given in windows, in order, without the rest of the row."""
    memory = Watching(DATA)
    placed = view((3, 40), (100, 1), memory)
    found = list(pieces(placed, where="t"))
    assert b"".join(found) == DATA[:40] + DATA[100:140] + DATA[200:240]
    assert max(map(len, found)) <= 16
    assert sum(memory.reads) == 120


def test_columns_are_read_row_by_row() -> None:
    """A column of a matrix with long rows does not have the matrix read."""
    memory = Watching(DATA)
    placed = view((10,), (100,), memory)
    assert b"".join(pieces(placed, where="t")) == DATA[:1000:100]
    assert sum(memory.reads) == 10


def test_transposed_matrices_are_read_once() -> None:
    """A matrix whose rows interleave is read once, by windows, and given as a whole."""
    memory = Watching(DATA)
    placed = view((30, 20), (1, 30), memory)
    (whole,) = pieces(placed, where="t")
    assert whole == b"".join(DATA[row : row + 600 : 30] for row in range(30))
    assert sum(memory.reads) == 600
    assert max(memory.reads) <= 32


def test_overlapping_rows_are_not_read_again_and_again() -> None:
    """Windows of rows that overlap read at most twice what they give."""
    memory = Watching(DATA)
    placed = view((200, 2), (1, 15), memory)
    assert b"".join(pieces(placed, where="t")) == b"".join(
        DATA[at : at + 16 : 15] for at in range(200)
    )
    assert sum(memory.reads) <= 2 * 400


def test_a_view_that_overlaps_itself_widely() -> None:
    """Rows that overlap by more than a window in every order are refused; smaller ones are not."""
    with pytest.raises(ArtifactRefusedError, match="overlaps itself"):
        list(pieces(view((9, 9, 9), (6, 5, 7)), where="t"))
    assert sum(map(len, pieces(view((2, 2, 2), (6, 5, 7)), where="t"))) == 8


def test_one_element_many_times() -> None:
    """Expanded dimensions repeat elements, also where nothing else is left."""
    assert b"".join(pieces(view((40,), (0,)), where="t")) == bytes(40)
    assert (
        b"".join(pieces(view((2, 3, 40), (0, 1, 0)), where="t"))
        == (bytes(40) + b"\1" * 40 + b"\2" * 40) * 2
    )


def test_tensors_without_elements() -> None:
    """An empty tensor has no pieces and is contiguous, whatever its strides are."""
    placed = view((0, 5), (9, 9))
    assert is_contiguous(placed)
    assert list(pieces(placed, where="t")) == []


def test_disk_memory_is_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file on disk gives the bytes that memory gives, at every place and as a whole."""
    (tmp_path / "f").write_bytes(DATA)
    with (tmp_path / "f").open("rb") as file:
        memory = DiskMemory(file.fileno(), size=len(DATA), path="f")
        for offset, length in ((0, 10), (1000, 100), (1024, 5), (2000, 1), (3, 0)):
            assert memory.read_at(offset, length) == DATA[offset : offset + length]
        assert bytes(memory.view()) == bytes(memory.private()) == DATA
        assert hold(DATA).size == memory.size
        with pytest.raises(ValueError, match="negative"):
            memory.read_at(-1, 1)
        monkeypatch.setattr(disk, "_pread", disk._read_after_seek)
        assert memory.read_at(1000, 100) == DATA[1000:]
