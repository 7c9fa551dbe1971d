"""What a detector sees of a file: its start for nothing, a little more of it for a price."""

from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.limits.sniffing import MAX_SNIFF_READS, SNIFF_BYTES

_MORE_BYTES: Final = 4096


class Window:
    """
    The start of a file, and positioned reads beyond it that are counted.

    Attributes:
        head: The first `SNIFF_BYTES` bytes, or all there are.
        size: Bytes of the whole file.
        suffix: The suffix of its name in lower case, without the dot; empty where it has none.
        name: The last part of its name; empty where it has none.
    """

    __slots__ = ("_at", "_more", "_reads", "head", "name", "size", "source", "suffix")

    def __init__(self, source: ByteSource, *, suffix: str, name: str = "") -> None:
        self.source = source
        self.size = source.size
        self.head = source.read_at(0, SNIFF_BYTES)
        self.suffix = suffix
        self.name = name
        self._at = 0
        self._more = b""
        self._reads = 0

    @property
    def whole(self) -> bool:
        """Whether the head is the whole file."""
        return self.size <= len(self.head)

    def refill(self) -> None:
        """Grant the next detector as many reads as the last one had."""
        self._reads = 0

    def get(self, at: int, length: int) -> bytes:
        """
        Return up to *length* bytes from *at*; fewer at the end of the file.

        Raises:
            OutOfReadsError: Beyond the head, and as many reads as are granted are used up.
        """
        if at + length <= len(self.head) or self.whole:
            return self.head[at : at + length]
        if at < self._at or at + length > self._at + len(self._more):
            if self._reads >= MAX_SNIFF_READS:
                raise OutOfReadsError
            self._reads += 1
            self._at = at
            self._more = self.source.read_at(at, max(length, _MORE_BYTES))
        start = at - self._at
        return self._more[start : start + length]


class OutOfReadsError(Exception):
    """A detector wants to see more of a file than sniffing may read."""
