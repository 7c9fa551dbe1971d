"""Cut a stream of blocks into the parts that a layout asks for, and digest each."""

from weighbridge.core.digest import DigestPart, FileDigest, HashLayout
from weighbridge.inventory.hashers import Hasher, new_hasher, renew


class PartHasher:
    """
    Digests consecutive blocks that begin at `start`, which is a shard's boundary.

    In files mode all blocks make one part, also when there are none; in shards mode each full
    shard, and what is left, makes one.
    """

    def __init__(self, layout: HashLayout, *, start: int = 0, threads: int = 1) -> None:
        self._layout = layout
        self._start = start
        self._position = start
        self._hasher: Hasher = new_hasher(layout.algorithm, threads=threads)
        self._parts: list[DigestPart] = []

    def update(self, block: memoryview, /) -> None:
        """Add the next block."""
        shard = self._layout.shard_size
        if shard is None:
            self._hasher.update(block)
            self._position += len(block)
            return
        while block:
            piece = block[: self._start + shard - self._position]
            self._hasher.update(piece)
            self._position += len(piece)
            block = block[len(piece) :]
            if self._position == self._start + shard:
                self._close_part()

    def finish(self) -> tuple[DigestPart, ...]:
        """Return the parts of everything that was added."""
        if self._layout.shard_size is None or self._position > self._start:
            self._close_part()
        return tuple(self._parts)

    def _close_part(self) -> None:
        self._parts.append(DigestPart(self._start, self._position, self._hasher.digest()))
        self._start = self._position
        self._hasher = renew(self._hasher, self._layout.algorithm)


def digest_bytes(data: bytes, layout: HashLayout, /) -> FileDigest:
    """Return the digest of a file whose whole content is *data*."""
    if layout.shard_size is None:
        hasher = new_hasher(layout.algorithm)
        hasher.update(data)
        return FileDigest(layout, (DigestPart(0, len(data), hasher.digest()),))
    parts = PartHasher(layout)
    parts.update(memoryview(data))
    return FileDigest(layout, parts.finish())
