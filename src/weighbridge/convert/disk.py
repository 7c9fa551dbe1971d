"""A file on disk as the memory of a held file, for who cannot have all of it in memory."""

import os
import threading
from typing import Final

from weighbridge.core.errors import OperationError
from weighbridge.inventory.files import changed, failure
from weighbridge.load.memory import PrivateBuffer, require_not_negative

_SEEKING: Final = threading.Lock()


def _read_after_seek(descriptor: int, length: int, offset: int) -> bytes:
    """Do what `os.pread` does, where there is none."""
    with _SEEKING:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


_pread = getattr(os, "pread", _read_after_seek)


class DiskMemory:
    """
    An open file that is read where it is asked for; a `load.memory.Memory`.

    It is not immutable by itself: the owner of the descriptor holds the file to its stamp after
    the last read, and throws away what was made of it where it changed.

    Args:
        descriptor: Open for reading, for as long as this is used. Its position does not matter.
        size: As listed.
        path: For errors.
    """

    def __init__(self, descriptor: int, *, size: int, path: str) -> None:
        self._descriptor = descriptor
        self._size = size
        self._path = path

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """
        Return the bytes from *offset*, *length* of them or as many as there are; from any thread.

        Raises:
            ArtifactChangedError: The file became shorter.
            OperationError: The system refuses.
        """
        require_not_negative(offset, length)
        remaining = min(length, self._size - offset)
        chunks: list[bytes] = []
        while remaining > 0:
            try:
                chunk = _pread(self._descriptor, remaining, offset)
            except OSError as error:
                code, reason = failure(error)
                raise OperationError(reason, code=code, where=self._path) from error
            if not chunk:
                raise changed(self._path, why="it became shorter while it was read")
            offset += len(chunk)
            remaining -= len(chunk)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def view(self) -> memoryview:
        """Return a copy of all bytes, read-only."""
        return memoryview(self.read_at(0, self._size))

    def private(self) -> PrivateBuffer:
        """Return a copy of all bytes."""
        return bytearray(self.read_at(0, self._size))
