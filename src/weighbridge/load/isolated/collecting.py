"""
Collect what is handed back: nodes, and the pieces of data that belong to them.

The writing side of `layout`. What is collected is within every bound that the reader has, or an
error says which one was met: an honest process hands back nothing that is refused.
"""

import json
import os
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from weighbridge.core.errors import LimitExceededError, WeighbridgeError
from weighbridge.core.limits.isolated import (
    MAX_ISOLATED_DEPTH,
    MAX_ISOLATED_EXPANDED,
    MAX_ISOLATED_HEAD_BYTES,
    MAX_ISOLATED_INLINE_CHARS,
    MAX_ISOLATED_NAME_CHARS,
    MAX_ISOLATED_VALUES,
)
from weighbridge.core.reported import report_of
from weighbridge.load.isolated.layout import (
    ERROR,
    ERRORS,
    HEAD,
    MAGIC,
    VALUE,
    aligned,
    count_values,
    weight_of,
)

Wire: TypeAlias = "bool | int | float | str | list[int] | None"
"""A VALUE of the form."""

Piece: TypeAlias = Callable[[], "bytes | bytearray | memoryview"]
"""Gives the bytes of a node when they are written."""

_BLOCK: Final = 1 << 26


class Collector:
    """
    What is handed back, as far as it is known.

    Args:
        room: Bytes of data at most.
    """

    def __init__(self, *, room: int) -> None:
        self._room = room
        self._size = 0
        self._values = 0
        self._nodes: list[object] = []
        self._extents: list[tuple[int, int]] = []
        self._pieces: list[tuple[int, Piece]] = []

    def node(
        self, kind: str, *plain: object, holds: Sequence[Wire] = (), weight: int = 1
    ) -> list[int]:
        """
        Add a node that says *plain* and holds the values *holds*; return the value that it is.

        Args:
            kind: One of `NODES`.
            plain: What it says of itself.
            holds: The values in it.
            weight: For how many values it counts by itself.

        Raises:
            LimitExceededError: A bound was met.
        """
        depth = 0
        for held in holds:
            if type(held) is list:
                below, heavy = self._extents[held[0]]
                depth, weight = max(depth, below + 1), weight + heavy
            else:
                depth, weight = max(depth, 1), weight + 1
        self._values += 2 + len(plain) + len(holds)
        _require(depth, MAX_ISOLATED_DEPTH, "values within values")
        _require(weight, MAX_ISOLATED_EXPANDED, "values, where what is shared is counted each time")
        _require(self._values, MAX_ISOLATED_VALUES, "values")
        self._extents.append((depth, weight))
        self._nodes.append([kind, *plain, *holds])
        return [len(self._nodes) - 1]

    def piece(
        self, kind: str, *plain: object, size: int, piece: Piece, types: int = 1
    ) -> list[int]:
        """
        Add a node with *size* bytes of data.

        Args:
            kind: One of `NODES`.
            plain: What it says of itself.
            size: Bytes.
            piece: Gives them.
            types: How many types its elements are made of.

        Raises:
            LimitExceededError: A bound was met.
        """
        self._size = aligned(self._size) + size
        _require(self._size, self._room, "bytes")
        found = self.node(kind, *plain, weight=weight_of(kind, size, types=types))
        self._pieces.append((size, piece))
        return found

    def write(self, value: Wire, descriptor: int, /) -> None:
        """
        Write everything to *descriptor*, an empty file; *value* is what is handed back.

        Raises:
            LimitExceededError: A bound was met.
            OSError: It cannot be written.
        """
        head = _encoded([VALUE, value, self._nodes, self._size])
        _require(len(head), MAX_ISOLATED_HEAD_BYTES, "bytes of values that are no arrays")
        _require(count_values(head), MAX_ISOLATED_VALUES, "values")
        at = _write_head(descriptor, head)
        start = at
        for size, piece in self._pieces:
            at = start + aligned(at - start)
            data = memoryview(piece())
            if data.nbytes != size:
                raise ValueError("a piece changed while it was collected")
            _write(descriptor, data, at)
            at += size
        os.ftruncate(descriptor, at)


def write_error(error: WeighbridgeError, descriptor: int, /) -> None:
    """Write *error* to *descriptor* in the place of a value."""
    said = report_of(error, ERRORS, other="operation", most=MAX_ISOLATED_NAME_CHARS)
    os.ftruncate(descriptor, 0)
    _write_head(descriptor, _encoded([ERROR, *said]))


def is_inline(text: str, /) -> bool:
    """Tell whether *text* is short enough to stand among the values."""
    return len(text) <= MAX_ISOLATED_INLINE_CHARS


def _encoded(head: object) -> bytes:
    return json.dumps(head, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def _write_head(descriptor: int, head: bytes) -> int:
    """Write *head*, and return where the data starts."""
    start = aligned(HEAD.size + len(head))
    _write(descriptor, memoryview(HEAD.pack(MAGIC, len(head)) + head), 0)
    os.ftruncate(descriptor, start)
    return start


def _write(descriptor: int, data: memoryview, at: int) -> None:
    flat = data.cast("B") if data.nbytes else data
    for offset in range(0, data.nbytes, _BLOCK):
        piece = flat[offset : offset + _BLOCK]
        while piece:
            done = os.pwrite(descriptor, piece, at)
            at += done
            piece = piece[done:]


def _require(count: int, most: int, what: str) -> None:
    if count > most:
        raise LimitExceededError(
            "the file holds more than can be handed back by an isolated load",
            expected=f"at most {most} {what}",
            found=f"{count} or more",
        )
