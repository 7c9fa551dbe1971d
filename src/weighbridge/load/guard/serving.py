"""Verified bytes for readers that want a file: a descriptor of sealed memory, or a file on it."""

import os
import threading
from collections import deque
from typing import IO, Any, Final
from weakref import WeakKeyDictionary

from weighbridge.core.errors import OperationError
from weighbridge.core.limits.loading import GUARD_RESTING_NUMBERS
from weighbridge.load.held import HeldFile
from weighbridge.load.memfd import (
    Descriptor,
    SealedMemory,
    create_memory_file,
    seal_memory_file,
    write_memory_file,
)

_BLOCK_BYTES: Final = 1 << 20
_LAST_GIVEN: Final = 4
"""Files that a thread may be about to open: loaders within loaders."""


class Descriptors:
    """
    Gives each held file a descriptor of sealed memory, which lives as long as the held file.

    Files that are held otherwise (small ones) are copied into sealed memory first. What a thread
    was given last lives on: it may not have opened it yet. The number of a descriptor leads to an
    empty file from then on, and to other verified bytes when `GUARD_RESTING_NUMBERS` more have been
    let go, so that a path which is opened too late leads to nothing that was not verified.
    """

    def __init__(self) -> None:
        self._sealed: WeakKeyDictionary[HeldFile, Descriptor] = WeakKeyDictionary()
        self._inodes: set[tuple[int, int]] = set()
        self._empty: Descriptor | None = None
        self._resting: deque[int] = deque()
        self._given = threading.local()

    def provide(self, held: HeldFile) -> int:
        """
        Return the number of a descriptor of the bytes of *held*.

        Raises:
            OperationError: The system has no sealed memory, or no descriptor left.
        """
        self._given.last = (*getattr(self._given, "last", ())[1 - _LAST_GIVEN :], held)
        known = self._sealed.get(held)
        if known is not None:
            return known.number
        memory = held.memory
        descriptor = memory.descriptor if isinstance(memory, SealedMemory) else _copy(held)
        found = os.fstat(descriptor.number)
        self._inodes.add((found.st_dev, found.st_ino))
        # Another thread may have come first, and be about to open its path.
        return self._sealed.setdefault(held, self._numbered(descriptor)).number

    def _numbered(self, descriptor: Descriptor) -> Descriptor:
        """Return *descriptor*, by a number that rests long enough if there is one."""
        self._empty = self._empty or _create(0)
        if len(self._resting) > GUARD_RESTING_NUMBERS:
            number = self._resting.popleft()
            os.dup2(descriptor.number, number, inheritable=False)
            descriptor = Descriptor(number)
        descriptor.occupy(self._empty, self._resting.append)
        return descriptor

    def path(self, held: HeldFile) -> str:
        """Return a path that opens the bytes of *held* in this process and its forks."""
        return f"/proc/self/fd/{self.provide(held)}"

    def owns(self, number: int) -> bool:
        """Tell whether the open descriptor *number* is one of the held bytes."""
        found = os.fstat(number)
        return (found.st_dev, found.st_ino) in self._inodes


def _copy(held: HeldFile) -> Descriptor:
    descriptor = _create(held.size)
    for offset in range(0, held.size, _BLOCK_BYTES):
        write_memory_file(descriptor, held.read_at(offset, _BLOCK_BYTES), offset=offset)
    return seal_memory_file(descriptor, size=held.size).descriptor


def _create(size: int) -> Descriptor:
    descriptor = create_memory_file(size)
    if descriptor is None:
        raise OperationError(
            "verified bytes cannot be given to a reader that wants a file",
            expected="sealed memory and a free file descriptor (Linux)",
        )
    return descriptor


def call_it(file: IO[bytes] | IO[str], path: str) -> None:
    """Let *file*, which was opened by a descriptor's path, be named as the program named it."""
    raw: Any = getattr(file, "buffer", file)
    raw = getattr(raw, "raw", raw)
    raw.name = path
