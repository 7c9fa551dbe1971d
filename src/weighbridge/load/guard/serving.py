"""Verified bytes for readers that want a file: a descriptor of sealed memory, or a file on it."""

import os
from typing import IO, Any, Final

from weighbridge.core.errors import OperationError
from weighbridge.load.held import HeldFile
from weighbridge.load.memfd import (
    Descriptor,
    SealedMemory,
    create_memory_file,
    seal_memory_file,
    write_memory_file,
)

_BLOCK_BYTES: Final = 1 << 20


class Descriptors:
    """
    Gives each held file a descriptor of sealed memory, which lives as long as this object.

    Files that are held otherwise (small ones) are copied into sealed memory first.
    """

    def __init__(self) -> None:
        self._sealed: dict[int, tuple[HeldFile, Descriptor]] = {}
        self._inodes: set[tuple[int, int]] = set()

    def provide(self, held: HeldFile) -> int:
        """
        Return the number of a descriptor of the bytes of *held*.

        Raises:
            OperationError: The system has no sealed memory, or no descriptor left.
        """
        known = self._sealed.get(id(held))
        if known is not None:
            return known[1].number
        memory = held.memory
        descriptor = memory.descriptor if isinstance(memory, SealedMemory) else _copy(held)
        found = os.fstat(descriptor.number)
        self._inodes.add((found.st_dev, found.st_ino))
        self._sealed[id(held)] = (held, descriptor)
        return descriptor.number

    def path(self, held: HeldFile) -> str:
        """Return a path that opens the bytes of *held* in this process and its forks."""
        return f"/proc/self/fd/{self.provide(held)}"

    def owns(self, number: int) -> bool:
        """Tell whether the open descriptor *number* is one of the held bytes."""
        found = os.fstat(number)
        return (found.st_dev, found.st_ino) in self._inodes


def _copy(held: HeldFile) -> Descriptor:
    descriptor = create_memory_file(held.size)
    if descriptor is None:
        raise OperationError(
            "verified bytes cannot be given to a reader that wants a file",
            expected="sealed memory and a free file descriptor (Linux)",
        )
    for offset in range(0, held.size, _BLOCK_BYTES):
        write_memory_file(descriptor, held.read_at(offset, _BLOCK_BYTES), offset=offset)
    return seal_memory_file(descriptor, size=held.size).descriptor


def call_it(file: IO[bytes] | IO[str], path: str) -> None:
    """Let *file*, which was opened by a descriptor's path, be named as the program named it."""
    raw: Any = getattr(file, "buffer", file)
    raw = getattr(raw, "raw", raw)
    raw.name = path
