"""
The bytes of a file, block by block, each handed on while it is in the processor's cache.

Three ways, which differ in where the bytes are put and by whom: through one block over and over;
into memory where they stay; and that by a thread of its own, right before the one that hashes.
"""

import io
import threading
from collections.abc import Generator
from queue import SimpleQueue
from typing import Final, Protocol, TypeAlias

Blocks: TypeAlias = Generator[tuple[memoryview, bool], None, None]
"""
Blocks in order, and whether each lies where it stays; `close` ends the reading.

Fewer bytes than were asked for mean that the file is shorter.
"""

_BLOCKS_AHEAD: Final = 8
"""How far a reading thread may be before the hashing one: both within the shared cache."""


class Spares(Protocol):
    """Tells whether there is a core for one more thread; see `inventory.crew.Crew`."""

    def take_spare(self) -> bool:
        """Tell whether there is one, and count on it no longer."""
        ...

    def give_spare(self) -> None:
        """Say that the thread has ended."""
        ...


def read_blocks(file: io.FileIO, start: int, end: int, *, block: bytearray) -> Blocks:
    """
    Read through *block* over and over; each block is void when the next one is asked for.

    Raises:
        OSError: The file cannot be read.
    """
    file.seek(start)
    with memoryview(block) as target:
        while start < end:
            count = file.readinto(target[: end - start])
            if not count:
                return
            yield target[:count], False
            start += count


def read_in_place(
    file: io.FileIO, start: int, room: memoryview, *, size: int, spares: Spares | None = None
) -> Blocks:
    """
    Fill *room* with the bytes from *start* on, *size* at a time, and release it at the end.

    As soon as *spares* has a core, the rest is read by a thread of its own, as by `read_ahead`.

    Raises:
        OSError: The file cannot be read.
    """
    file.seek(start)
    with room:
        position = 0
        while position < len(room):
            if spares is not None and spares.take_spare():
                try:
                    yield from read_ahead(file, start + position, room[position:], size=size)
                finally:
                    spares.give_spare()
                return
            count = file.readinto(room[position : position + size])
            if not count:
                return
            yield room[position : position + count], True
            position += count


def read_ahead(file: io.FileIO, start: int, room: memoryview, *, size: int) -> Blocks:
    """
    Fill *room* as `read_in_place` does, in a thread that is a few blocks ahead of the caller.

    Raises:
        OSError: The file cannot be read.
    """
    reader = _Reader(file, start, room, size=size)
    with room:
        yield from reader.blocks()


class _Reader:
    """A thread that reads ahead; it has ended when `blocks` has."""

    def __init__(self, file: io.FileIO, start: int, room: memoryview, *, size: int) -> None:
        self._room = room
        self._source = read_in_place(file, start, room[:], size=size)
        self._filled: SimpleQueue[tuple[memoryview, bool] | Exception | None] = SimpleQueue()
        self._ahead = threading.Semaphore(_BLOCKS_AHEAD)
        self._stopped = False

    def blocks(self) -> Blocks:
        """Yield what the thread has read."""
        thread = threading.Thread(target=self._read, name="weighbridge-reader", daemon=True)
        thread.start()
        try:
            while (filled := self._filled.get()) is not None:
                if isinstance(filled, Exception):
                    raise filled
                yield filled
                self._ahead.release()
        finally:
            self._stopped = True
            self._ahead.release()
            thread.join()
            self._source.close()

    def _read(self) -> None:
        try:
            for filled in self._source:
                self._filled.put(filled)
                self._ahead.acquire()
                if self._stopped:
                    break
            self._filled.put(None)
        except Exception as error:  # noqa: BLE001  the boundary of a thread: the caller raises it
            self._filled.put(error)
