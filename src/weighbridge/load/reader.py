"""Held bytes as a file object, for code that wants to read a file."""

import io
from typing import TYPE_CHECKING

from weighbridge.load.held import HeldFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class HeldReader(io.RawIOBase):
    """A seekable, read-only binary file over held bytes, without a name or descriptor."""

    def __init__(self, held: HeldFile) -> None:
        super().__init__()
        self._held = held
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read into *buffer* and return how many bytes there were."""
        with memoryview(buffer).cast("B") as target:
            data = self._held.read_at(self._position, len(target))
            target[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position and return it; beyond the end there is nothing to read."""
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._held.size}
        if whence not in bases or bases[whence] + offset < 0:
            raise ValueError("no such position")
        self._position = bases[whence] + offset
        return self._position


def open_held(held: HeldFile) -> io.BufferedReader:
    """Return a buffered reader over *held*."""
    return io.BufferedReader(HeldReader(held))
