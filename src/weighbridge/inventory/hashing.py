"""
Read every file once, hash what was read, and tell its format from the same bytes.

Large files (or their shards) go to worker threads, largest first, while the calling thread
takes the small ones. Each worker reads one block, hashes it while it is still in the cache, and
hands it to the sink, if there is one; where the sink has room of its own, the block is read into
that. The last few take turns, so that all end together; see `inventory.crew`. A file that leaves
other workers idle is read by one thread and hashed by the next, right behind it. Peak memory
without a sink is one block for each file that was begun: less than two a worker.

A file counts as read only if it is still the one that was listed: the same device, inode,
size, mtime and ctime after its last byte was read as when it was listed. Otherwise it is a gap.
"""

import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Protocol

from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.digest import DigestPart, FileDigest, HashAlgorithm, HashLayout
from weighbridge.core.errors import ArtifactChangedError
from weighbridge.core.evidence import Gap, Stage
from weighbridge.core.limits.inventory import HASH_BLOCK_BYTES, SMALL_FILE_BYTES, TURN_BYTES
from weighbridge.core.limits.units import MIB
from weighbridge.core.values import frozen
from weighbridge.inventory.blocks import Blocks, read_ahead, read_blocks, read_in_place
from weighbridge.inventory.crew import Crew, Rest
from weighbridge.inventory.files import (
    FileSource,
    changed,
    check_unchanged,
    failure,
    location,
    open_descriptor,
)
from weighbridge.inventory.parts import PartHasher, digest_bytes
from weighbridge.inventory.sink import ByteSink, SinkWriter
from weighbridge.inventory.walk import Found

if TYPE_CHECKING:
    from weighbridge.formats.sniff import Sniffed


class Sniffer(Protocol):
    """Tells a format from content; a parameter, since most signatures are made without."""

    def __call__(self, source: ByteSource, *, name: str) -> "Sniffed":
        """Return the format of *source*, whose file is called *name*."""
        ...


_WIDE_BLOCK_BYTES = 4 * MIB
"""A block for a hash that uses several threads itself: each needs a run of its own."""


@frozen
class Reading:
    """
    What to do with the files.

    Attributes:
        root: The artifact's path.
        name: The artifact's name, which stands for `.` when a format is told.
        layouts: How to digest each file.
        digested: Whether the file at a path is to be digested at all.
        sniffed: Whether its format is to be told.
        sniff: Tells it; see `formats.sniff.sniff`.
        workers: Threads at most.
        sink: Where the bytes stay, if anywhere.
        advance: Called with the number of bytes read, from any thread.
        meanwhile: Called once by the calling thread, when the workers have begun.
    """

    root: str
    name: str
    layouts: tuple[HashLayout, ...]
    digested: Callable[[str], bool]
    sniffed: Callable[[str], bool]
    sniff: Sniffer
    workers: int
    sink: ByteSink | None = None
    advance: Callable[[int], None] | None = None
    meanwhile: Callable[[], None] | None = None


@frozen(kw_only=False)
class ReadFile:
    """One file, read."""

    found: Found
    sniffed: "Sniffed | None"
    digests: tuple[FileDigest, ...]


def read_files(files: Sequence[Found], reading: Reading) -> tuple[list[ReadFile], list[Gap]]:
    """
    Read *files* once each and return them, in no particular order, with the gaps.

    An interrupt or an unexpected error, one of `meanwhile` too, ends the workers within one block.
    """
    results = _Results()
    small = [f for f in files if f.stamp.size <= SMALL_FILE_BYTES or not reading.digested(f.path)]
    large = [f for f in files if f.stamp.size > SMALL_FILE_BYTES and reading.digested(f.path)]
    with Crew(_jobs(large, reading, results), workers=reading.workers) as crew:
        crew.start()
        if reading.meanwhile is not None:
            reading.meanwhile()
        for found in small:
            _guarded(found, reading, results)
    return results.files, results.gaps


class _Results:
    """Collects from all threads; appending to a list is atomic."""

    def __init__(self) -> None:
        self.files: list[ReadFile] = []
        self.gaps: list[Gap] = []

    def fail(self, found: Found, error: OSError | ArtifactChangedError) -> None:
        if isinstance(error, OSError):
            code, reason = failure(error)
        else:
            code, reason = error.code, error.message
        self.gaps.append(Gap(stage=Stage.INVENTORY, code=code, path=found.path, reason=reason))


# -- small files: whole, in the calling thread ---------------------------------------------------


def _guarded(found: Found, reading: Reading, results: _Results) -> None:
    try:
        if reading.digested(found.path):
            results.files.append(_read_small(found, reading))
        else:
            results.files.append(_look_at(found, reading))
    except (OSError, ArtifactChangedError) as error:
        results.fail(found, error)


def _read_small(found: Found, reading: Reading) -> ReadFile:
    data = _read_whole(found, reading.root)
    sniffed = None
    if reading.sniffed(found.path):
        sniffed = reading.sniff(BytesSource(data), name=_name(found, reading))
    if reading.sink is not None:
        writer = reading.sink.open(found.path, len(data))
        writer.write_at(0, data)
        writer.seal()
    if reading.advance is not None:
        reading.advance(len(data))
    return ReadFile(found, sniffed, tuple(digest_bytes(data, each) for each in reading.layouts))


def _read_whole(found: Found, root: str) -> bytes:
    size = found.stamp.size
    descriptor = open_descriptor(location(root, found.path), through_symlink=found.through_symlink)
    try:
        data = os.read(descriptor, size + 1)
        check_unchanged(descriptor, found.stamp, path=found.path)
    finally:
        os.close(descriptor)
    if len(data) != size:
        raise changed(found.path)
    return data


def _look_at(found: Found, reading: Reading) -> ReadFile:
    """Tell the format of a file that is not digested."""
    if not reading.sniffed(found.path):
        return ReadFile(found, None, ())
    with _open(found, reading.root) as file:
        source = FileSource(file, size=found.stamp.size, path=found.path)
        sniffed = reading.sniff(source, name=_name(found, reading))
        # Not every file system says how much there is: whoever opens it reads to its end.
        file.seek(found.stamp.size)
        if file.read(1):
            raise changed(found.path, why="it has more bytes than the system says")
        check_unchanged(file.fileno(), found.stamp, path=found.path)
    return ReadFile(found, sniffed, ())


# -- large files: in jobs, one for the file or one for each shard --------------------------------


def _jobs(large: Sequence[Found], reading: Reading, results: _Results) -> Iterator[Rest]:
    files = [_LargeFile(found, reading, results) for found in large]
    count = sum(len(file.ranges) for file in files)
    threads = max(1, reading.workers // count) if count else 1
    return (file.job(start, end, threads=threads) for file in files for start, end in file.ranges)


class _LargeFile:
    """One large file, whose ranges may be hashed by several threads."""

    def __init__(self, found: Found, reading: Reading, results: _Results) -> None:
        self._found = found
        self._reading = reading
        self._results = results
        self._lock = threading.Lock()
        self._parts: dict[HashLayout, list[DigestPart]] = {each: [] for each in reading.layouts}
        self._sniffed: Sniffed | None = None
        self._error: OSError | ArtifactChangedError | None = None
        self._writer: SinkWriter | None = None
        self.ranges = self._cut()
        self._remaining = len(self.ranges)

    def _cut(self) -> list[tuple[int, int]]:
        """Return the ranges that can be hashed independently: shards, if no other layout."""
        size = self._found.stamp.size
        layouts = self._reading.layouts
        step = layouts[0].shard_size if len(layouts) == 1 else None
        if step is None:
            return [(0, size)]
        # Tiny shards would be more jobs than work; a job then takes several of them.
        step *= max(1, SMALL_FILE_BYTES // step)
        return [(start, min(start + step, size)) for start in range(0, size, step)]

    def job(self, start: int, end: int, *, threads: int) -> Rest:
        """Return the job that hashes the bytes from *start* to *end*, in turns if need be."""

        def begin(crew: Crew) -> Rest | None:
            return self._go_on(self._read(start, end, threads=threads, crew=crew), crew)

        return Rest(end - start, begin)

    def _go_on(self, reading: Iterator[int], crew: Crew) -> Rest | None:
        """Read until that is over, or another job should be gone on with."""
        abandon = True
        with ExitStack() as ending:
            ending.callback(lambda: self._finish_range(abandon=abandon))
            try:
                left = next(reading, None)
                if left is not None:
                    ending.pop_all()
                    return Rest(left, partial(self._go_on, reading))
                abandon = crew.stopped
            except (OSError, ArtifactChangedError) as error:
                with self._lock:
                    self._error = self._error or error
        return None

    def _read(self, start: int, end: int, *, threads: int, crew: Crew) -> Iterator[int]:
        """Read and hash; at the end of each turn that is, yield how many bytes are left."""
        with self._lock:
            if self._error is not None:
                return
            if self._reading.sink is not None and self._writer is None:
                self._writer = self._reading.sink.open(self._found.path, self._found.stamp.size)
        with _open(self._found, self._reading.root) as file:
            if start == 0 and self._writer is None and self._reading.sniffed(self._found.path):
                source = FileSource(file, size=self._found.stamp.size, path=self._found.path)
                self._sniffed = self._reading.sniff(source, name=_name(self._found, self._reading))
            hashers = {
                layout: PartHasher(layout, start=start, threads=threads)
                for layout in self._reading.layouts
            }
            with closing(self._blocks(file, start, end, threads=threads, crew=crew)) as blocks:
                yield from self._hash(blocks, start, end, hashers, crew)
            check_unchanged(file.fileno(), self._found.stamp, path=self._found.path)
        with self._lock:
            for layout, hasher in hashers.items():
                self._parts[layout].extend(hasher.finish())

    def _blocks(self, file: io.FileIO, start: int, end: int, *, threads: int, crew: Crew) -> Blocks:
        """Yield the bytes from *start* to *end*, in order, each block while it is in the cache."""
        room = None if self._writer is None else self._writer.room(start, end)
        size = _block_size(self._reading, threads)
        if room is None:
            return read_blocks(file, start, end, block=bytearray(size))
        if threads > 1:
            return read_ahead(file, start, room, size=size)
        return read_in_place(file, start, room, size=HASH_BLOCK_BYTES, spares=crew)

    def _hash(
        self,
        blocks: Blocks,
        start: int,
        end: int,
        hashers: dict[HashLayout, PartHasher],
        crew: Crew,
    ) -> Iterator[int]:
        advance, writer = self._reading.advance, self._writer
        position, turn = start, start + TURN_BYTES
        for filled, placed in blocks:
            for hasher in hashers.values():
                hasher.update(filled)
            if writer is not None and not placed:
                writer.write_at(position, filled)
            position += len(filled)
            if advance is not None:
                advance(len(filled))
            if turn <= position < end:
                turn = position + TURN_BYTES
                if crew.gives_way(end - position):
                    yield end - position
            if crew.stopped:
                return
        if position < end:
            raise changed(self._found.path, why="it became shorter while it was read")

    def _finish_range(self, *, abandon: bool) -> None:
        with self._lock:
            self._remaining -= 1
            if abandon:
                self._error = self._error or changed(self._found.path, why="interrupted")
            if self._remaining:
                return
        if self._error is not None:
            if self._writer is not None:
                self._writer.discard()
            self._results.fail(self._found, self._error)
            return
        self._seal()
        self._results.files.append(
            ReadFile(
                self._found,
                self._sniffed,
                tuple(
                    FileDigest(layout, tuple(sorted(parts, key=lambda part: part.start)))
                    for layout, parts in self._parts.items()
                ),
            )
        )

    def _seal(self) -> None:
        """Seal the held bytes and tell the format from them, not from the file."""
        if self._writer is None:
            return
        held = self._writer.seal()
        if self._reading.sniffed(self._found.path):
            self._sniffed = self._reading.sniff(held, name=_name(self._found, self._reading))


def _open(found: Found, root: str) -> io.FileIO:
    descriptor = open_descriptor(location(root, found.path), through_symlink=found.through_symlink)
    return io.FileIO(descriptor, "r")


def _block_size(reading: Reading, threads: int) -> int:
    wide = threads > 1 and any(e.algorithm is HashAlgorithm.BLAKE3 for e in reading.layouts)
    return _WIDE_BLOCK_BYTES if wide else HASH_BLOCK_BYTES


def _name(found: Found, reading: Reading) -> str:
    return reading.name if found.path == "." else found.path.rsplit("/", 1)[-1]
