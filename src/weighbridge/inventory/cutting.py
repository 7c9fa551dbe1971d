"""
Files cut into parts, each digested for itself while the whole file is.

Where a file is cut has no effect on what a digest proves: the parts have every byte once. It says
only how much has to be read to verify a tensor, so cuts are made where tensors begin.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from weighbridge.core.content import BytesSource
from weighbridge.core.digest import DigestPart
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.claims import MAX_CLAIMS_BYTES
from weighbridge.core.limits.loading import MIN_CUT_BYTES, PART_BYTES


def cut(size: int, borders: Iterable[int] = (), /) -> tuple[int, ...]:
    """
    Return where the parts of a file of *size* bytes end, in order; the last one is *size*.

    No part is longer than `PART_BYTES`, and none has no bytes; a file of none has no parts.

    Args:
        size: In bytes.
        borders: Where a part should end: where tensors begin. Runs of tensors of less than
            `MIN_CUT_BYTES` share one. At the first border there is a cut in any case: headers are
            read most.
    """
    ends: list[int] = []
    last = 0
    places = sorted({*(b for b in borders if 0 < b < size), size} - {0})
    for border, following in pairwise((*places, size)):
        if last and border < size and max(border - last, following - border) < MIN_CUT_BYTES:
            continue
        while border - last > PART_BYTES:
            last += PART_BYTES
            ends.append(last)
        ends.append(border)
        last = border
    return tuple(ends)


class CuttingSink:
    """
    Digests the parts of files, and keeps nothing of them; an `inventory.sink.ByteSink`.

    Args:
        ends: Where the parts of each file end, by its path; other files are not cut.
        kept: Paths of files that the reader looks at once more, such as claims; their bytes are
            kept until it did.
    """

    def __init__(self, ends: Mapping[str, Sequence[int]], *, kept: frozenset[str]) -> None:
        self._ends = ends
        self._kept = kept
        self.parts: dict[str, tuple[DigestPart, ...]] = {}
        """The parts of each file that was read to its end."""

    def open(self, path: str, size: int) -> "CuttingWriter":
        """
        Return a writer for the file at *path*, of *size* bytes; from any thread.

        Raises:
            LimitExceededError: The file is to be kept, and is larger than claims may be.
        """
        kept = path in self._kept
        if kept and size > MAX_CLAIMS_BYTES:
            raise LimitExceededError(
                "a file that is called like claims or a signature is too large to be one",
                where=path,
                expected=f"at most {MAX_CLAIMS_BYTES} bytes",
                found=str(size),
            )
        ends = self._ends.get(path, ())
        if ends and ends[-1] != size:
            ends = cut(size)  # it is another file by now, and its parts are as good as any
        return CuttingWriter(ends, kept=kept, sealed=lambda parts: self._add(path, parts))

    def _add(self, path: str, parts: tuple[DigestPart, ...]) -> None:
        if parts:
            self.parts[path] = parts


class CuttingWriter:
    """What becomes of one file; see `inventory.sink.SinkWriter`. Its bytes come in order."""

    def __init__(
        self,
        ends: Sequence[int],
        *,
        kept: bool,
        sealed: Callable[[tuple[DigestPart, ...]], None],
    ) -> None:
        self._ends = iter(ends)
        self._end = next(self._ends, None)
        self._sealed = sealed
        self._kept = bytearray() if kept else None
        self._hasher = hashlib.sha256()
        self._start = 0
        self._position = 0
        self._parts: list[DigestPart] = []

    def room(self, start: int, end: int, /) -> memoryview | None:
        """Return None: nothing stays."""
        del start, end
        return None

    def write_at(self, offset: int, data: memoryview | bytes) -> None:
        """
        Digest *data*, which begins at *offset*.

        Raises:
            ValueError: It is not what follows on the bytes before it.
        """
        if offset != self._position:
            raise ValueError("the bytes of a file that is cut come in order")
        block = memoryview(data)
        if self._kept is not None:
            self._kept += block
        while self._end is not None and block:
            piece = block[: self._end - self._position]
            self._hasher.update(piece)
            self._position += len(piece)
            block = block[len(piece) :]
            if self._position == self._end:
                self._close_part(self._end)
        self._position += len(block)

    def seal(self) -> BytesSource:
        """Hand the digests to the sink, and return the bytes that were kept, if any."""
        self._sealed(tuple(self._parts))
        return BytesSource(bytes(self._kept or b""))

    def discard(self) -> None:
        """Forget what was digested."""
        self._parts.clear()

    def _close_part(self, end: int) -> None:
        self._parts.append(DigestPart(self._start, end, self._hasher.digest()))
        self._start = end
        self._end = next(self._ends, None)
        self._hasher = hashlib.sha256()
