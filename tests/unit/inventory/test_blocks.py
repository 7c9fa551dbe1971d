"""Reading a file block by block: everything, in order, and no thread left behind."""

import io
import os
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from weighbridge.inventory.blocks import Blocks, read_ahead, read_blocks, read_in_place

DATA = bytes(range(256)) * 40
SIZE = 100


def through_one_block(file: io.FileIO, start: int, end: int) -> Blocks:
    """Read by `read_blocks`."""
    return read_blocks(file, start, end, block=bytearray(SIZE))


def in_place(file: io.FileIO, start: int, end: int) -> Blocks:
    """Read by `read_in_place`."""
    return read_in_place(file, start, memoryview(bytearray(end - start)), size=SIZE)


def ahead(file: io.FileIO, start: int, end: int) -> Blocks:
    """Read by `read_ahead`."""
    return read_ahead(file, start, memoryview(bytearray(end - start)), size=SIZE)


class OneSpare:
    """Has a core for one more thread from the third time on that it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.given = 0

    def take_spare(self) -> bool:
        """Tell so once."""
        self.asked += 1
        return self.asked == 3

    def give_spare(self) -> None:
        """Count."""
        self.given += 1


def helped(file: io.FileIO, start: int, end: int) -> Blocks:
    """Read by `read_in_place`, the rest by another thread."""
    room = memoryview(bytearray(end - start))
    return read_in_place(file, start, room, size=SIZE, spares=OneSpare())


WAYS = [through_one_block, in_place, ahead, helped]
Way = Callable[[io.FileIO, int, int], Blocks]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a file with `DATA`."""
    place = tmp_path / "f"
    place.write_bytes(DATA)
    return place


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("start", "end"), [(0, len(DATA)), (0, 0), (0, 1), (7, 7 + SIZE), (3, 1009)]
)
def test_every_byte_in_order(way: Way, start: int, end: int, place: Path) -> None:
    """The blocks together are the bytes from start to end, none larger than it should be."""
    with io.FileIO(place) as file:
        blocks = [(bytes(block), stays) for block, stays in way(file, start, end)]
    assert b"".join(block for block, _ in blocks) == DATA[start:end]
    assert all(len(block) <= SIZE for block, _ in blocks)
    assert {stays for _, stays in blocks} <= {way is not through_one_block}


@pytest.mark.parametrize("way", WAYS)
def test_a_shorter_file_gives_fewer_bytes(way: Way, place: Path) -> None:
    """Where the file ends early, so do the blocks."""
    with io.FileIO(place) as file:
        blocks = [bytes(block) for block, _ in way(file, len(DATA) - 150, len(DATA) + 500)]
    assert b"".join(blocks) == DATA[-150:]


@pytest.mark.parametrize("way", [in_place, ahead])
def test_the_bytes_stay(way: Way, place: Path) -> None:
    """What was read in place is there when the reading is over."""
    room = bytearray(len(DATA))
    reader = read_in_place if way is in_place else read_ahead
    with io.FileIO(place) as file:
        deque(reader(file, 0, memoryview(room), size=SIZE), maxlen=0)
    assert room == DATA
    room.append(0)  # nobody has a view of it any more, or this would be refused


@pytest.mark.parametrize("way", WAYS)
def test_closing_ends_the_reading(way: Way, place: Path) -> None:
    """Whoever stops in the middle leaves no thread that still reads."""
    before = set(threading.enumerate())
    with io.FileIO(place) as file:
        blocks = way(file, 0, len(DATA))
        next(blocks)
        blocks.close()
        assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("way", WAYS)
def test_a_failing_file_is_an_error(way: Way, tmp_path: Path) -> None:
    """What the file raises is raised where the blocks are asked for, after the good ones."""

    class Failing(io.FileIO):
        """Fails at the third block."""

        count = 0

        def readinto(self, buffer: object, /) -> int:
            """Fail at last."""
            self.count += 1
            if self.count == 3:
                raise OSError(5, os.strerror(5))
            return super().readinto(buffer)  # type: ignore[arg-type]  # as it was given

    (tmp_path / "f").write_bytes(DATA)
    found = []
    with Failing(tmp_path / "f") as file, pytest.raises(OSError, match="Input/output"):
        for block, _ in way(file, 0, len(DATA)):
            found.append(bytes(block))
    assert b"".join(found) == DATA[: 2 * SIZE]


@pytest.mark.parametrize("blocks", [1, 3, None])
def test_the_rest_is_read_by_a_spare_thread(blocks: int | None, place: Path) -> None:
    """As soon as there is a core for it another thread reads, and the core is given back."""
    readers: list[threading.Thread] = []

    class Noting(io.FileIO):
        """Notes who reads."""

        def readinto(self, buffer: object, /) -> int:
            """Note it."""
            readers.append(threading.current_thread())
            return super().readinto(buffer)  # type: ignore[arg-type]  # as it was given

    room, spares = bytearray(len(DATA)), OneSpare()
    with Noting(place) as file:
        reading = read_in_place(file, 0, memoryview(room), size=SIZE, spares=spares)
        deque(islice(reading, blocks), maxlen=0)
        reading.close()
    mine = threading.current_thread()
    assert {reader is mine for reader in readers[:2]} == {True}
    assert mine not in readers[2:]
    assert (len(readers) > 2, spares.given) == ((False, 0) if blocks == 1 else (True, 1))
    assert blocks is not None or room == DATA


def test_the_reader_does_not_run_away(place: Path) -> None:
    """A thread that reads ahead waits for the one that hashes, after some blocks."""
    read = threading.Semaphore(0)

    class Counting(io.FileIO):
        """Counts the blocks."""

        count = 0

        def readinto(self, buffer: object, /) -> int:
            """Count."""
            self.count += 1
            read.release()
            return super().readinto(buffer)  # type: ignore[arg-type]  # as it was given

    with Counting(place) as file:
        blocks = read_ahead(file, 0, memoryview(bytearray(len(DATA))), size=SIZE)
        next(blocks)
        for _ in range(8):
            read.acquire()
        assert file.count <= 9
        blocks.close()
