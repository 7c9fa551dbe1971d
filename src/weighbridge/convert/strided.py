"""
The elements of a placed tensor in order, last index fastest: what `.contiguous()` would hold.

They come in pieces. A tensor without holes is copied as it lies. Of any other a window of its
region is read, and its elements are put in their order there; the windows follow each other through
the file. Only a tensor whose rows interleave over more than a window, such as a large transposed
matrix, is put together in memory as a whole, and of those one at a time in the process: so memory
is bounded by the largest tensor.

No framework is used: strided slices of `memoryview` do the work, along the longest dimension.
"""

import threading
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final, Literal

from weighbridge.convert.problems import refused
from weighbridge.core.limits.converting import CONVERT_BLOCK_BYTES, CONVERT_WINDOW_BYTES
from weighbridge.core.values import frozen
from weighbridge.load.placement import ELEMENT_BYTES, Placement, contiguous_strides

_UNITS: Final[dict[int, Literal["B", "H", "I", "Q"]]] = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""Formats of elements by their bytes; what the bits mean does not matter here."""

_WHOLE: Final = threading.Lock()
"""Held while a tensor is put together in memory as a whole."""


@frozen(kw_only=False)
class _Axis:
    """A dimension: how many, how far apart in the region and in the result, in elements."""

    count: int
    step: int
    into: int


def is_contiguous(placement: Placement, /) -> bool:
    """Tell whether the elements lie in the file in their order, without holes."""
    return placement.empty or _runs_through(_axes(placement))


def pieces(placement: Placement, /, *, where: str) -> Iterator[bytes | bytearray]:
    """
    Yield the elements of *placement* in order, as bytes of the machine's order.

    Args:
        placement: Its elements have 1, 2, 4 or 8 bytes.
        where: The tensor's name, for errors.

    Raises:
        ArtifactRefusedError: The view overlaps itself over more than a window.
        ArtifactChangedError, OperationError: What reading the region raises.
    """
    if placement.empty:
        return
    axes = _axes(placement)
    if _runs_through(axes):
        yield from _copied(placement)
    else:
        yield from _Gatherer(placement, where=where).gathered(axes, placement.offset)


def _axes(placement: Placement) -> list[_Axis]:
    """Return the dimensions that matter: longer than one, and joined where they run on."""
    axes: list[_Axis] = []
    into = contiguous_strides(placement.shape)
    for count, step, target in zip(placement.shape, placement.strides, into, strict=True):
        if count == 1:
            continue
        if axes and axes[-1].step == step * count:
            axes[-1] = _Axis(axes[-1].count * count, step, target)
        else:
            axes.append(_Axis(count, step, target))
    return axes


def _runs_through(axes: Sequence[_Axis]) -> bool:
    return not axes or (len(axes) == 1 and axes[0].step == 1)


def _copied(placement: Placement) -> Iterator[bytes]:
    region = placement.region
    width = ELEMENT_BYTES[region.element]
    at = region.start + placement.offset * width
    count = 1
    for length in placement.shape:
        count *= length
    end = at + count * width
    while at < end:
        size = min(CONVERT_BLOCK_BYTES, end - at)
        yield region.block.read_at(at, size)
        at += size


def _reach(axes: Sequence[_Axis]) -> int:
    """Return how many elements of the region lie from the first to the last one of *axes*."""
    return 1 + sum((axis.count - 1) * axis.step for axis in axes)


def _extent(axes: Sequence[_Axis]) -> int:
    """Return how many elements *axes* have in the result, from the first to the last one."""
    return 1 + sum((axis.count - 1) * axis.into for axis in axes)


class _Gatherer:
    """Puts the elements of one tensor in order."""

    def __init__(self, placement: Placement, *, where: str) -> None:
        self._region = placement.region
        self._width = ELEMENT_BYTES[placement.region.element]
        self._format = _UNITS[self._width]
        self._window = CONVERT_WINDOW_BYTES // self._width
        self._where = where

    def gathered(self, axes: list[_Axis], at: int) -> Iterator[bytearray]:
        """Yield the elements of *axes* from the element *at* of the region on."""
        first, rest = axes[0], axes[1:]
        reach = _reach(rest)
        if reach <= self._window and _extent(rest) <= self._window:
            yield from self._by_rows(first, rest, at)
        elif first.step >= reach:
            for index in range(first.count):
                yield from self._tail(rest, at + index * first.step)
        else:
            with _WHOLE:
                yield self._whole(axes, at)

    def _tail(self, axes: list[_Axis], at: int) -> Iterator[bytearray]:
        if _runs_through(axes):
            # Rows of a large matrix of which columns were cut off.
            left = _extent(axes)
            while left:
                count = min(left, self._window)
                yield bytearray(self._read(at, count))
                at += count
                left -= count
        else:
            yield from self.gathered(axes, at)

    def _by_rows(self, first: _Axis, rest: list[_Axis], at: int) -> Iterator[bytearray]:
        """Yield as many rows at a time as fit into a window, in the region and in the result."""
        row = _extent(rest)
        reach = _reach(rest)
        # Rows that overlap would be read again and again by windows of little more than a row.
        room = max(self._window, 2 * reach)
        at_once = first.count if first.step == 0 else (room - reach) // first.step + 1
        at_once = max(1, min(first.count, at_once, self._window // row))
        for start in range(0, first.count, at_once):
            count = min(at_once, first.count - start)
            target = bytearray(count * row * self._width)
            rows = [_Axis(count, first.step, row), *rest]
            self._fill(target, rows, at + start * first.step, 0)
            yield target

    def _whole(self, axes: Sequence[_Axis], at: int) -> bytearray:
        """Return the elements of *axes*, put together while the region is read once, in order."""
        target = bytearray(_extent(axes) * self._width)
        self._scatter(target, sorted(axes, key=lambda axis: -axis.step), at, 0)
        return target

    def _scatter(self, target: bytearray, axes: list[_Axis], at: int, into: int) -> None:
        first, rest = axes[0], axes[1:]
        reach = _reach(rest)
        if reach > self._window:
            if first.step < reach:
                raise refused(
                    self._where, ["a view that overlaps itself over more than a window of it"]
                )
            for index in range(first.count):
                self._scatter(target, rest, at + index * first.step, into + index * first.into)
            return
        room = max(self._window, 2 * reach)
        at_once = first.count if first.step == 0 else (room - reach) // first.step + 1
        at_once = max(1, min(first.count, at_once))
        for start in range(0, first.count, at_once):
            axis = _Axis(min(at_once, first.count - start), first.step, first.into)
            self._fill(target, [axis, *rest], at + start * first.step, into + start * first.into)

    def _fill(self, target: bytearray, axes: Sequence[_Axis], at: int, into: int) -> None:
        """Put the elements of *axes* where they belong in *target*, from one read of the region."""
        data = self._read(at, _reach(axes))
        longest = max(axes, key=lambda axis: axis.count)
        others = [axis for axis in axes if axis is not longest]
        with (
            memoryview(data).cast(self._format) as source,
            memoryview(target).cast("B").cast(self._format) as result,
        ):
            for indexes in product(*(range(axis.count) for axis in others)):
                pairs = list(zip(indexes, others, strict=True))
                start = sum(index * axis.step for index, axis in pairs)
                place = into + sum(index * axis.into for index, axis in pairs)
                self._put(result, place, source, start, longest)

    def _read(self, at: int, count: int) -> bytes:
        return self._region.block.read_at(
            self._region.start + at * self._width, count * self._width
        )

    def _put(
        self,
        result: memoryview,
        place: int,
        source: memoryview,
        start: int,
        axis: _Axis,
    ) -> None:
        """Copy the elements of *axis* from *start* on to *place*."""
        last = axis.count - 1
        target = slice(place, place + last * axis.into + 1, axis.into)
        if axis.step:
            result[target] = source[start : start + last * axis.step + 1 : axis.step]
        else:
            repeated = bytes(source[start : start + 1]) * axis.count
            result[target] = memoryview(repeated).cast(self._format)
