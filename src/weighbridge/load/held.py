"""
Files held in memory: the very bytes that were hashed, for everybody who looks at them later.

::

    reader --HoldingSink.open--> HeldWriter --seal--> HeldFile --finish--> HeldFiles

The sink is filled by the threads that hash; the scanner, the verifier and the loaders then see
`HeldFiles` and never the file system again.

Memory that was lent to a framework may be written to by the program. Who asks for such a file
afterwards gets a copy that was hashed once more, or an error: what was written is never taken for
what was verified.
"""

import hashlib
import mmap
import os
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from weighbridge.core.artifact import FileEntry, FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.digest import FileDigest
from weighbridge.core.errors import ArtifactChangedError, LimitExceededError, UsageError
from weighbridge.core.limits.inventory import HASH_BLOCK_BYTES
from weighbridge.core.limits.loading import HELD_INLINE_BYTES, MAX_SEALED_FILES
from weighbridge.inventory.parts import PartHasher
from weighbridge.load.memfd import (
    Descriptor,
    create_memory_file,
    seal_memory_file,
    write_memory_file,
)
from weighbridge.load.memory import (
    AnonymousMemory,
    InlineMemory,
    Memory,
    PrivateBuffer,
    map_anonymous,
)


class HeldFile:
    """
    One file's bytes, immutable until they are let go; a `ByteSource`.

    Args:
        memory: Where they are.
        told: Their format, where these very bytes were asked for it already.

    Raises:
        UsageError: From every method, after `close` (`Code.ARTIFACT_CLOSED`).
    """

    def __init__(self, memory: Memory, *, told: FileFormat | None = None) -> None:
        self.told: Final = told
        self._memory: Memory | None = memory
        self._digest: FileDigest | None = None
        self._lent = False
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._present().size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        return self.memory.read_at(offset, length)

    def read(self) -> bytes:
        """Return a copy of all bytes."""
        memory = self.memory
        return memory.read_at(0, memory.size)

    def view(self) -> memoryview:
        """Return all bytes, read-only and not copied; the view stays valid after `close`."""
        while True:
            memory = self.memory
            with self._lock:
                if not self._lent:
                    return memory.view()

    def private(self) -> PrivateBuffer:
        """Return writable memory with the same content; writing to it changes nothing here."""
        return self.memory.private()

    def expect(self, digest: FileDigest, /) -> None:
        """Take note of the digest that the bytes had when they were judged; enables `lend`."""
        self._digest = digest

    def lend(self) -> PrivateBuffer:
        """
        Return writable memory that starts with the content, the held memory itself if possible.

        It can be longer than the file. That memory is lent only once and only while nobody has a
        view of it; later uses of this file get a verified copy. Everybody else gets private
        memory. Nothing is copied where the held memory is lent, or sealed.
        """
        while True:
            memory = self.memory
            with self._lock:
                if self._lent:
                    continue
                if self._digest is None or not isinstance(memory, AnonymousMemory):
                    break
                if not memory.lendable:
                    break
                self._lent = True
                return memory.mapping
        # What is not lendable now never will be, so this is a copy of the verified bytes.
        return memory.private()

    @property
    def memory(self) -> Memory:
        """
        Where the bytes are.

        Raises:
            UsageError: The artifact was closed.
            ArtifactChangedError: The memory was lent, and was written to.
        """
        if not self._lent:
            return self._present()
        with self._lock:
            if self._lent:
                self._memory = _copy_verified(self._present(), self._digest)
                self._lent = False
            return self._present()

    def _present(self) -> Memory:
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

    Bytes that never came in are zero. What goes into a memory file gets there by `pwrite`, never
    through a mapping: the kernel copies at half the cost of the page faults, and nothing in
    this process is left with a way to write. Anonymous memory is filled in place.
    """

    def __init__(
        self, *, size: int, descriptor: Descriptor | None, sealed: Callable[[HeldFile], None]
    ) -> None:
        self._size = size
        self._sealed = sealed
        self._lock = threading.Lock()
        self._target: Descriptor | bytearray | mmap.mmap | None
        self._target = descriptor or _allocate(size)

    def room(self, start: int, end: int, /) -> memoryview | None:
        """
        Return the memory for the bytes from *start* to *end*, to be filled in place.

        It can be called from any thread. None where there is none: then `write_at` is the way.

        Raises:
            ValueError: The bytes would lie outside the file, or it was sealed or discarded.
        """
        if not 0 <= start <= end <= self._size:
            raise ValueError("the bytes lie outside the file")
        target = self._open_target()
        return memoryview(target)[start:end] if isinstance(target, mmap.mmap) else None

    def write_at(self, offset: int, data: memoryview | bytes) -> None:
        """
        Copy *data* to *offset*; from any thread.

        Raises:
            ValueError: The bytes would lie outside the file, or it was sealed or discarded.
            OperationError: There is no memory.
        """
        if offset < 0 or offset + len(data) > self._size:
            raise ValueError("the bytes lie outside the file")
        target = self._open_target()
        if isinstance(target, Descriptor):
            write_memory_file(target, data, offset=offset)
        else:
            target[offset : offset + len(data)] = data

    def seal(self) -> HeldFile:
        """
        Make the bytes immutable, hand them to the sink, and return them.

        Raises:
            ValueError: The file was sealed or discarded before.
            OperationError: Somebody outside of this process changed the memory.
        """
        with self._lock:
            target = self._open_target()
            self._target = None
        held = HeldFile(self._freeze(target))
        self._sealed(held)
        return held

    def discard(self) -> None:
        """Free the memory. Calling it again, or after `seal`, does nothing."""
        self._target = None

    def _open_target(self) -> Descriptor | bytearray | mmap.mmap:
        target = self._target
        if target is None:
            raise ValueError("the writer was sealed or discarded before")
        return target

    def _freeze(self, target: Descriptor | bytearray | mmap.mmap) -> Memory:
        match target:
            case Descriptor():
                return seal_memory_file(target, size=self._size)
            case bytearray():
                return InlineMemory(bytes(target))
            case mmap.mmap():
                return AnonymousMemory(target, size=self._size)


def _allocate(size: int) -> bytearray | mmap.mmap:
    return bytearray(size) if size <= HELD_INLINE_BYTES else map_anonymous(size)


def _copy_verified(memory: Memory, digest: FileDigest | None) -> Memory:
    """
    Return a copy of *memory* that was hashed after it was made, so that later writes are not in it.

    Raises:
        ArtifactChangedError: The copy has not the digest *digest*.
    """
    mapping = map_anonymous(memory.size)
    copy = AnonymousMemory(mapping, size=memory.size)
    if digest is not None:
        hasher = PartHasher(digest.layout)
        with memoryview(mapping) as target:
            for at in range(0, memory.size, HASH_BLOCK_BYTES):
                block = memory.read_at(at, HASH_BLOCK_BYTES)
                target[at : at + len(block)] = block
                hasher.update(memoryview(block))
        if hasher.finish() == digest.parts:
            return copy
    raise ArtifactChangedError(
        "the program wrote to tensors that are this file's only copy",
        code=Code.FILE_CHANGED,
        hint="Load the artifact again, or use its other parts before the tensors are changed",
    )


class HoldingSink:
    """
    Holds every file that a reader writes into it; an `inventory.sink.ByteSink`.

    Args:
        limit: Bytes in total, or None for as many as the machine has memory. A sparse file
            takes no room on disk and could ask for any amount.
        sealed: Whether large files go into sealed memory files, which readers can open by a
            path, as far as there are descriptors. Otherwise they go into anonymous memory, which
            is filled in place in half the time.

    Raises:
        LimitExceededError: From `open`, when the files together exceed *limit*.
    """

    def __init__(self, *, limit: int | None = None, sealed: bool = True) -> None:
        self._limit = physical_memory() if limit is None else limit
        self._sealed = sealed
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
            roomy = self._sealed and self._sealed_files < MAX_SEALED_FILES
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

    def expect(self, entries: Iterable[FileEntry], /) -> None:
        """Take note of the digests of *entries*, which the held files had when they were hashed."""
        for entry in entries:
            held = self._files.get(entry.path)
            if held is not None and entry.digests:
                # The last layout is the signed one where there are several, and often the fastest.
                held.expect(entry.digests[-1])

    def names_hex(self, name: str, /) -> str:
        """Return the names digest of the files, in hexadecimal; *name* stands for `.`."""
        lines = []
        for path, held in self._files.items():
            content = hashlib.sha256()
            for at in range(0, held.size, HASH_BLOCK_BYTES):
                content.update(held.read_at(at, HASH_BLOCK_BYTES))
            lines.append(f"{content.hexdigest()}  {name if path == '.' else path}\n".encode())
        return hashlib.sha256(b"".join(sorted(lines))).hexdigest()

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
