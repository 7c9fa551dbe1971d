"""
Bytes that stay in a file, and are verified part by part each time that they are read.

What is read is read into memory of this process, digested there and given out from there, so that
nobody can exchange it between the two. Nothing is mapped: the pages of a mapping are the file's,
and change when the file does. So a model can be larger than memory, and whoever takes some of its
tensors reads no others.
"""

import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from mmap import mmap
from typing import Final

from weighbridge.core.digest import DigestPart, HashAlgorithm
from weighbridge.core.errors import ArtifactChangedError, OperationError
from weighbridge.core.limits.inventory import HASH_BLOCK_BYTES
from weighbridge.core.limits.loading import PART_CACHE_BYTES
from weighbridge.inventory.crew import Crew, Job
from weighbridge.inventory.files import changed
from weighbridge.inventory.hashers import available_cores, new_hasher
from weighbridge.load.memfd import Descriptor
from weighbridge.load.memory import PrivateBuffer, map_anonymous, require_not_negative

_RUN_PARTS: Final = 8
"""Parts that a thread verifies before it asks for more."""


class PartCache:
    """
    Verified parts, for all files of an artifact together; those used least recently go first.

    Args:
        limit: Bytes that are kept; one part always is.
    """

    def __init__(self, limit: int = PART_CACHE_BYTES) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[object, int], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[object, int], /) -> bytes | None:
        """Return the part *key*, a file and a number, if it is there."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: tuple[object, int], data: bytes, /) -> None:
        """Keep *data*, and let go of what is too much."""
        with self._lock:
            self._bytes += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._bytes > self._limit and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1])


class CheckedMemory:
    """
    The bytes of an open file; see `load.memory.Memory`. No byte is given out unverified.

    Args:
        descriptor: The file. What happens to its name does not matter.
        parts: The digests, from the first byte to the last without holes.
        algorithm: By which they were made.
        cache: Where parts are kept for small reads.
        path: The file's, for errors.

    Raises:
        ArtifactChangedError: From every method that reads: the file has other bytes by now.
        OperationError: Likewise: it cannot be read, or there is no memory.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        parts: Sequence[DigestPart],
        *,
        algorithm: HashAlgorithm,
        cache: PartCache,
        path: str,
    ) -> None:
        self._descriptor = descriptor
        self._parts = parts
        self._starts = [part.start for part in parts]
        self._algorithm = algorithm
        self._cache = cache
        self._path = path
        self._token = object()
        self._size = parts[-1].end if parts else 0

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        require_not_negative(offset, length)
        end = min(offset + length, self._size)
        if offset >= end:
            return b""
        pieces = []
        for number in self._numbers(offset, end):
            part = self._parts[number]
            data = self._part(number)
            pieces.append(data[max(0, offset - part.start) : end - part.start])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def view(self) -> memoryview:
        """Return a copy of all bytes, read-only."""
        return memoryview(self.private()).toreadonly()[: self._size]

    def private(self) -> PrivateBuffer:
        """Return a copy of all bytes."""
        if not self._size:
            return bytearray()
        ((mapping, _),) = take_all([(self, 0, self._size)])
        return mapping

    def move(self, descriptor: Descriptor, /) -> None:
        """Read from another file from now on: a copy, which is held to the same digests."""
        self._descriptor = descriptor

    def prepare(self, start: int, end: int, /) -> tuple[mmap, int, list[Job]]:
        """
        Return memory for the bytes from *start* to *end*, where they begin, and what fills it.

        Raises:
            ValueError: There are no such bytes.
            OperationError: There is no memory.
        """
        if not 0 <= start < end <= self._size:
            raise ValueError("the bytes lie outside the file")
        numbers = self._numbers(start, end)
        first, last = self._parts[numbers[0]].start, self._parts[numbers[-1]].end
        mapping = map_anonymous(last - first)
        return mapping, start - first, list(self._run(memoryview(mapping), numbers))

    def _numbers(self, start: int, end: int) -> range:
        """Return which parts have the bytes from *start* to *end*."""
        return range(bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1))

    def _part(self, number: int) -> bytes:
        """Return the part *number*, verified now or a moment ago."""
        key = (self._token, number)
        data = self._cache.get(key)
        if data is None:
            part = self._parts[number]
            room = bytearray(part.end - part.start)
            with memoryview(room) as view:
                self._verify(view, number)
            data = bytes(room)
            self._cache.put(key, data)
        return data

    def _run(self, room: memoryview, numbers: range) -> Iterator[Job]:
        """Yield jobs that fill *room* with the parts *numbers*."""
        base = self._parts[numbers[0]].start
        for at in range(0, len(numbers), _RUN_PARTS):
            yield self._job(room, numbers[at : at + _RUN_PARTS], base)

    def _job(self, room: memoryview, numbers: range, base: int) -> Job:
        def verify(crew: Crew) -> None:
            for number in numbers:
                if crew.stopped:
                    return
                part = self._parts[number]
                self._verify(room[part.start - base : part.end - base], number)

        return verify

    def _verify(self, room: memoryview, number: int) -> None:
        """Fill *room* with the part *number*, and make sure that these are its bytes."""
        part = self._parts[number]
        descriptor = self._descriptor
        hasher = new_hasher(self._algorithm)
        position = 0
        while position < len(room):
            # Each block is hashed while it is in the core's own cache.
            block = room[position : position + HASH_BLOCK_BYTES]
            try:
                count = os.preadv(descriptor.number, [block], part.start + position)
            except OSError as error:
                raise OperationError(
                    f"it cannot be read: {error.strerror or error}", where=self._path
                ) from error
            if not count:
                raise changed(self._path, why="it became shorter since it was verified")
            hasher.update(block[:count])
            position += count
        if hasher.digest() != part.value:
            raise _other_bytes(self._path, part)


def take_all(runs: Iterable[tuple[CheckedMemory, int, int]], /) -> list[tuple[mmap, int]]:
    """
    Return fresh memory with the bytes of each of *runs*, and where in it they begin.

    What lies around them in their first and last part is there as well. They are read by as many
    threads as there are cores.

    Args:
        runs: Triples of a file, the first byte, and the one behind the last; none is empty.

    Raises:
        ValueError: There are no such bytes.
        ArtifactChangedError: A file has other bytes by now.
        OperationError: A file cannot be read, or there is no memory.
    """
    taken: list[tuple[mmap, int]] = []
    jobs: list[Job] = []
    for memory, start, end in runs:
        mapping, at, filling = memory.prepare(start, end)
        taken.append((mapping, at))
        jobs.extend(filling)
    with Crew(jobs, workers=available_cores()) as crew:
        crew.start()
    return taken


def _other_bytes(path: str, part: DigestPart) -> ArtifactChangedError:
    return ArtifactChangedError(
        f"the bytes {part.start} to {part.end} are not those that were verified",
        where=path,
        hint="Load the artifact again, from where nobody writes to it",
    )
