"""Placements: no element of a tensor lies outside the region it was given."""

import sys

import pytest

from support.holding import hold
from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_TENSOR_RANK
from weighbridge.load.placement import (
    Region,
    contiguous_strides,
    make_region,
    place,
)

OTHER = "big" if sys.byteorder == "little" else "little"


def region(items: int = 6, *, element: str = "F32") -> Region:
    """Return a region of *items* elements."""
    return Region(hold(bytes(items * 4)), 0, items, element)


class TestPlace:
    """The geometry of tensors."""

    @pytest.mark.parametrize(
        ("shape", "offset", "strides"),
        [
            ((2, 3), 0, (3, 1)),
            ((3, 2), 0, (1, 3)),
            ((), 5, ()),
            ((6,), 0, (1,)),
            ((100, 6), 0, (0, 1)),
            ((0, 100), 7, (1, 1)),
            ((2,), 3, (2,)),
            ((1,), 5, (100,)),
        ],
    )
    def test_accepts_what_fits(
        self, shape: tuple[int, ...], offset: int, strides: tuple[int, ...]
    ) -> None:
        """A tensor whose last element is the region's last fits."""
        placed = place(region(), shape=shape, offset=offset, strides=strides, where="t")
        assert (placed.shape, placed.offset, placed.strides) == (shape, offset, strides)
        assert placed.empty == (0 in shape)

    @pytest.mark.parametrize(
        ("shape", "offset", "strides"),
        [
            ((2, 3), 1, (3, 1)),
            ((3, 2), 0, (1, 4)),
            ((), 6, ()),
            ((7,), 0, (1,)),
            ((100, 6), 1, (0, 1)),
            ((2,), 4, (2,)),
            ((2,), 0, (1, 1)),
            ((2, 3), 0, (3,)),
            ((-1,), 0, (1,)),
            ((2,), -1, (1,)),
            ((2,), 1, (-1,)),
            ((1 << 62, 0), 0, (1, 1)),
            ((1 << 70, 0), 0, (0, 0)),
            ((1,), 0, (1 << 63,)),
            ((1 << 63,), 0, (0,)),
        ],
    )
    def test_refuses_what_does_not(
        self, shape: tuple[int, ...], offset: int, strides: tuple[int, ...]
    ) -> None:
        """One element beyond the region, or numbers that no framework can hold, are refused."""
        with pytest.raises(MalformedContentError) as caught:
            place(region(), shape=shape, offset=offset, strides=strides, where="t")
        assert caught.value.code is Code.LOAD_MALFORMED
        assert caught.value.where == "t"

    def test_bounds_the_rank(self) -> None:
        """The largest rank is accepted, one dimension more is refused."""
        place(region(), shape=(1,) * MAX_TENSOR_RANK, where="t")
        with pytest.raises(LimitExceededError):
            place(region(), shape=(1,) * (MAX_TENSOR_RANK + 1), where="t")

    def test_default_strides(self) -> None:
        """Without strides the last index is the fastest and nothing is left out."""
        assert contiguous_strides((2, 3, 4)) == (12, 4, 1)
        assert contiguous_strides((2, 0, 4)) == (4, 4, 1)
        assert contiguous_strides(()) == ()


class TestRegion:
    """Regions of held bytes."""

    @pytest.mark.parametrize(("start", "size"), [(0, 12), (8, 4), (12, 0), (1, 8)])
    def test_accepts_what_lies_inside(self, start: int, size: int) -> None:
        """Whole elements up to the last byte are a region, also where they are not aligned."""
        found = make_region(
            hold(bytes(12)), start=start, size=size, element="F32", order=sys.byteorder
        )
        assert (found.start, found.items, found.size) == (start, size // 4, size)

    @pytest.mark.parametrize(
        ("start", "size"), [(0, 16), (12, 4), (-4, 4), (0, -4), (0, 6), (9, 4)]
    )
    def test_refuses_what_does_not(self, start: int, size: int) -> None:
        """A byte outside, or a broken element, is refused."""
        with pytest.raises(MalformedContentError) as caught:
            make_region(hold(bytes(12)), start=start, size=size, element="F32", order=sys.byteorder)
        assert caught.value.code is Code.LOAD_MALFORMED

    @pytest.mark.parametrize(
        ("element", "turned"),
        [
            ("U8", "0001020304050607"),
            ("U16", "0100030205040706"),
            ("F32", "0302010007060504"),
            ("I64", "0706050403020100"),
            ("C64", "0302010007060504"),
        ],
    )
    def test_turns_the_other_byte_order(self, element: str, turned: str) -> None:
        """Numbers of the other order are turned round, complex ones part by part."""
        held = hold(bytes(range(9)))
        found = make_region(held, start=0, size=8, element=element, order=OTHER)
        assert found.block.read_at(found.start, found.size).hex() == turned
        same = make_region(held, start=0, size=8, element=element, order=sys.byteorder)
        assert same.block is held
