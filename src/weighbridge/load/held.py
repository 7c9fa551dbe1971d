"""
Files held in memory: the very bytes that were hashed, for everybody who looks at them later.

::

    reader --HoldingSink.open--> HeldWriter --seal--> HeldFile --finish--> HeldFiles

The sink is filled by the threads that hash; the scanner, the verifier and the loaders then see
`HeldFiles` and never the file system again.
"""

import mmap
import os
import threading
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext

from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, OperationError, UsageError
from weighbridge.core.limits import HELD_INLINE_BYTES, MAX_SEALED_FILES
from weighbridge.load.memfd import Descriptor, create_memory_file, seal_memory_file
from weighbridge.load.memory import (
    AnonymousMemory,
    InlineMemory,
    Memory,
    PrivateBuffer,
    no_memory,
)


class HeldFile:
    """
    One file's bytes, immutable until they are let go; a `ByteSource`.

    Raises:
        UsageError: From every method, after `close` (`Code.ARTIFACT_CLOSED`).
    """

    def __init__(self, memory: Memory) -> None:
        self._memory: Memory | None = memory

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self.memory.size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        return self.memory.read_at(offset, length)

    def read(self) -> bytes:
        """Return a copy of all bytes."""
        memory = self.memory
        return memory.read_at(0, memory.size)

    def view(self) -> memoryview:
        """Return all bytes, read-only and not copied; the view stays valid after `close`."""
        return self.memory.view()

    def private(self) -> PrivateBuffer:
        """Return writable memory with the same content; writing to it changes nothing here."""
        return self.memory.private()

    @property
    def memory(self) -> Memory:
        """Where the bytes are."""
        memory = self._memory
        if memory is None:
            raise UsageError(
                "the artifact was closed, and its bytes are gone",
                code=Code.ARTIFACT_CLOSED,
                hint="Use it inside its 'with' block, or load it again",
            )
        return memory

    def close(self) -> None:
        """Let go of the memory; it is freed when no view of it is left."""
        self._memory = None


class HeldWriter:
    """
    Memory for one file while it is being read; see `inventory.sink.SinkWriter`.

    Bytes come in through `buffer` or through `write_at`, from any threads; those that never
    came in are zero.
    """

    def __init__(
        self, *, size: int, descriptor: Descriptor | None, sealed: Callable[[HeldFile], None]
    ) -> None:
        self._size = size
        self._descriptor = descriptor
        self._sealed = sealed
        self._lock = threading.Lock()
        self._block: bytearray | mmap.mmap | None = None
        self._buffer: memoryview | None = None
        self._done = False

    @property
    def buffer(self) -> memoryview:
        """Writable bytes, exactly as many as the file was said to have."""
        with self._lock:
            self._require_open()
            if self._buffer is None:
                self._block = self._allocate()
                self._buffer = memoryview(self._block)
            return self._buffer

    def write_at(self, offset: int, data: memoryview | bytes) -> None:
        """
        Copy *data* to *offset*.

        For large files this is faster than `buffer`: the kernel copies into a memory file at
        half the cost of the page faults that writing through a mapping takes.

        Raises:
            ValueError: The bytes would lie outside the file.
            OperationError: There is no memory.
        """
        if offset < 0 or offset + len(data) > self._size:
            raise ValueError("the bytes lie outside the file")
        if self._descriptor is None:
            self.buffer[offset : offset + len(data)] = data
            return
        with memoryview(data) as rest:
            done = 0
            while done < len(rest):
                done += self._write(rest[done:], offset + done)

    def _write(self, data: memoryview, offset: int) -> int:
        with self._lock:
            self._require_open()
            descriptor = self._descriptor
        assert descriptor is not None
        try:
            return os.pwrite(descriptor.number, data, offset)
        except OSError as error:
            raise no_memory(self._size, error) from error

    def seal(self) -> HeldFile:
        """
        Make the bytes immutable, hand them to the sink, and return them.

        Raises:
            OperationError: Somebody still holds a part of `buffer`, or changed the memory.
        """
        with self._lock:
            self._require_open()
            memory = self._freeze()
            self._let_go()
        held = HeldFile(memory)
        self._sealed(held)
        return held

    def discard(self) -> None:
        """Free the memory. Calling it again does nothing."""
        with self._lock:
            self._let_go()

    def _require_open(self) -> None:
        if self._done:
            raise ValueError("the writer was sealed or discarded before")

    def _let_go(self) -> None:
        self._done = True
        self._buffer = None
        self._block = None
        self._descriptor = None

    def _allocate(self) -> bytearray | mmap.mmap:
        if self._size <= HELD_INLINE_BYTES:
            return bytearray(self._size)
        number = -1 if self._descriptor is None else self._descriptor.number
        try:
            return mmap.mmap(number, self._size)
        except OSError as error:
            raise no_memory(self._size, error) from error

    def _freeze(self) -> Memory:
        if self._descriptor is None and self._block is None:
            self._block = self._allocate()
        # Slices that a reader forgot would stay writable: a mapping that has any cannot be
        # closed, which a memory file needs anyway; small files are copied. (Anonymous memory
        # cannot tell; the reader's own buffer object is dead at least.)
        try:
            if self._buffer is not None:
                self._buffer.release()
            if self._descriptor is not None and isinstance(self._block, mmap.mmap):
                self._block.close()
        except BufferError as error:
            raise OperationError(
                "a part of a held file is still open for writing", code=Code.INTERNAL
            ) from error
        if self._descriptor is not None:
            return seal_memory_file(self._descriptor, size=self._size)
        if isinstance(self._block, mmap.mmap):
            return AnonymousMemory(self._block)
        return InlineMemory(bytes(self._block or b""))


class HoldingSink:
    """
    Holds every file that a reader writes into it; an `inventory.sink.ByteSink`.

    Args:
        limit: Bytes in total, or None for as many as the machine has memory. A sparse file
            takes no room on disk and could ask for any amount.

    Raises:
        LimitExceededError: From `open`, when the files together exceed *limit*.
    """

    def __init__(self, *, limit: int | None = None) -> None:
        self._limit = physical_memory() if limit is None else limit
        self._lock = threading.Lock()
        self._held: dict[str, HeldFile] = {}
        self._claimed: set[str] = set()
        self._bytes = 0
        self._sealed_files = 0
        self._finished = False

    def open(self, path: str, size: int) -> HeldWriter:
        """Return a writer for the file at *path*, of *size* bytes; from any thread."""
        with self._lock:
            if self._finished or path in self._claimed:
                raise ValueError("each file is held once, before the sink is finished")
            self._claimed.add(path)
            self._bytes += size
            if self._limit is not None and self._bytes > self._limit:
                raise LimitExceededError(
                    "the artifact does not fit into memory",
                    where=path,
                    expected=f"at most {self._limit} bytes",
                    found=f"{self._bytes} or more",
                )
            roomy = self._sealed_files < MAX_SEALED_FILES
        descriptor = None
        if size > HELD_INLINE_BYTES and roomy:
            descriptor = create_memory_file(size)

        def sealed(held: HeldFile) -> None:
            with self._lock:
                if not self._finished:
                    self._held[path] = held

        if descriptor is not None:
            with self._lock:
                self._sealed_files += 1
        return HeldWriter(size=size, descriptor=descriptor, sealed=sealed)

    def finish(self) -> "HeldFiles":
        """Return what was sealed. The sink takes no more files, and no late ones either."""
        with self._lock:
            self._finished = True
            return HeldFiles(self._held)


class HeldFiles:
    """The held files of one artifact, by path; gives the scanner its `Contents`."""

    def __init__(self, files: dict[str, HeldFile]) -> None:
        self._files = files

    @property
    def paths(self) -> tuple[str, ...]:
        """In code-point order."""
        return tuple(sorted(self._files))

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def __getitem__(self, path: str) -> HeldFile:
        """
        Return the file at *path*.

        Raises:
            UsageError: There is none.
        """
        try:
            return self._files[path]
        except KeyError:
            raise UsageError(
                "the artifact holds no such file", where=path, code=Code.FILE_MISSING
            ) from None

    def open(self, path: str, /) -> AbstractContextManager[ByteSource]:
        """Return the bytes of the file at *path*; leaving the context does not free them."""
        return nullcontext(self[path])

    def keep(self, paths: Collection[str]) -> None:
        """Let go of every file that is not in *paths*."""
        for path in [p for p in self.paths if p not in paths]:
            self._files.pop(path).close()

    def close(self) -> None:
        """Let go of every file; the paths stay."""
        for held in self._files.values():
            held.close()


def physical_memory() -> int | None:
    """Return the machine's memory in bytes, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
