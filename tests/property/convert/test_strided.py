"""Whatever the strides are, the elements come in the order that NumPy gives them."""

import itertools
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from support.holding import hold
from weighbridge.convert import strided
from weighbridge.convert.strided import is_contiguous, pieces
from weighbridge.core.errors import ArtifactRefusedError, MalformedContentError
from weighbridge.load.placement import Placement, Region, place

WIDTHS = {"U8": np.uint8, "F16": np.uint16, "F32": np.uint32, "C64": np.uint64}


@st.composite
def placements(draw: st.DrawFn) -> tuple[Placement, bytes]:
    """Draw a tensor that lies within its region, and its elements in order."""
    element = draw(st.sampled_from(sorted(WIDTHS)))
    width = np.dtype(WIDTHS[element]).itemsize
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=4)))
    strides = tuple(draw(st.integers(0, 12)) for _ in shape)
    if draw(st.booleans()):
        # A dense tensor with its dimensions in another order.
        steps, step = {}, 1
        for axis in draw(st.permutations(range(len(shape)))):
            steps[axis] = step
            step *= max(1, shape[axis])
        strides = tuple(steps[axis] for axis in range(len(shape)))
    offset = draw(st.integers(0, 3))
    items = offset + 1 + sum(max(0, n - 1) * s for n, s in zip(shape, strides, strict=True))
    data = draw(st.binary(min_size=items * width, max_size=items * width))
    region = Region(hold(b"xyz" + data), 3, items, element)
    placed = place(region, shape=shape, offset=offset, strides=strides, where="t")
    indexes = itertools.product(*map(range, shape))
    places = (offset + sum(i * s for i, s in zip(at, strides, strict=True)) for at in indexes)
    return placed, b"".join(data[at * width : (at + 1) * width] for at in places)


@given(placements(), st.integers(1, 4), st.sampled_from([8, 16, 64, 1 << 20]))
def test_elements_in_order(made: tuple[Placement, bytes], block: int, window: int) -> None:
    """Also with windows of one element, the pieces are the elements in order, or it is refused."""
    placed, expected = made
    with (
        patch.object(strided, "CONVERT_WINDOW_BYTES", window),
        patch.object(strided, "CONVERT_BLOCK_BYTES", block),
    ):
        try:
            found = b"".join(pieces(placed, where="t"))
        except ArtifactRefusedError:
            # A view that overlaps itself, which no window of the usual size is too small for.
            assert window < 1 << 20
            return
    assert found == expected


@given(placements())
def test_contiguous_tensors_are_told(made: tuple[Placement, bytes]) -> None:
    """What is called contiguous lies in the region as it is."""
    placed, expected = made
    if is_contiguous(placed):
        width = len(expected) // max(1, int(np.prod(placed.shape)))
        start = placed.region.start + placed.offset * width
        assert placed.region.block.read_at(start, len(expected)) == expected


@given(st.integers(0, 3), st.integers(0, 40))
def test_broken_geometry_never_gets_here(offset: int, step: int) -> None:
    """A placement that would read beyond its region cannot be made."""
    region = Region(hold(bytes(10)), 0, 10, "U8")
    try:
        placed = place(region, shape=(3, 2), offset=offset, strides=(step, 1), where="t")
    except MalformedContentError:
        assert offset + 2 * step + 1 >= 10
        return
    assert len(b"".join(pieces(placed, where="t"))) == 6
