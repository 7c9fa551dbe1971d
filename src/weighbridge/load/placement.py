"""
Where a tensor's elements lie in held bytes: the plan from which frameworks build tensors.

A placement is checked when it is made: whatever a file says of shape, offset and strides, every
element of a placed tensor lies within the region that the file's format gives it.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_TENSOR_RANK
from weighbridge.core.values import frozen
from weighbridge.load.held import HeldFile
from weighbridge.load.memory import SwappedMemory

ELEMENT_BYTES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BOOL": 1,
        "U8": 1,
        "I8": 1,
        "F8_E4M3": 1,
        "F8_E5M2": 1,
        "F8_E8M0": 1,
        "F8_E4M3FNUZ": 1,
        "F8_E5M2FNUZ": 1,
        "F4_X2": 1,
        "U16": 2,
        "I16": 2,
        "F16": 2,
        "BF16": 2,
        "U32": 4,
        "I32": 4,
        "F32": 4,
        "U64": 8,
        "I64": 8,
        "F64": 8,
        "C64": 8,
        "C128": 16,
    }
)
"""
Bytes of one element by its name, which is that of the safetensors format.

Two are not: C128, which that format lacks, and F4_X2, the pairs of F4 that PyTorch counts as one.
"""

_MAX_EXTENT: Final = (1 << 63) - 1
"""Bytes that an index can address; NumPy and PyTorch count with signed 64-bit integers."""


@frozen(kw_only=False)
class Region:
    """
    A run of elements that tensors may share, such as one PyTorch storage.

    Attributes:
        block: The bytes.
        start: Where the first element starts in the block, in bytes.
        items: How many elements there are.
        element: A key of `ELEMENT_BYTES`; its bytes are in the machine's order.
    """

    block: HeldFile
    start: int
    items: int
    element: str

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self.items * ELEMENT_BYTES[self.element]


@frozen
class Placement:
    """
    One tensor in a region.

    Attributes:
        region: Whose elements it shows.
        offset: Of the first element, in elements.
        shape: Empty for a scalar.
        strides: In elements, one for each dimension.
    """

    region: Region
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def empty(self) -> bool:
        """Whether the tensor has no element."""
        return 0 in self.shape


def make_region(block: HeldFile, *, start: int, size: int, element: str, order: str) -> Region:
    """
    Return the region of *size* bytes from *start*.

    Args:
        block: The bytes.
        start: In bytes.
        size: In bytes.
        element: A key of `ELEMENT_BYTES`.
        order: `little` or `big`: how the file has multi-byte numbers. Those of the other order
            than the machine's are turned round when they are read.

    Raises:
        MalformedContentError: The region lies outside the block or has a broken last element.
    """
    width = ELEMENT_BYTES[element]
    if start < 0 or size < 0 or start + size > block.size or size % width:
        raise _malformed(
            "the elements are not in the file",
            expected=f"whole elements of {width} bytes up to byte {block.size}",
            found=f"{size} bytes from byte {start}",
        )
    unit = width // 2 if element.startswith("C") else width
    if unit > 1 and order != sys.byteorder:
        swapped = SwappedMemory(block, start=start, size=size, unit=unit)
        return Region(HeldFile(swapped), 0, size // width, element)
    return Region(block, start, size // width, element)


def place(
    region: Region,
    *,
    shape: tuple[int, ...],
    offset: int = 0,
    strides: tuple[int, ...] | None = None,
    where: str,
) -> Placement:
    """
    Return the tensor of *shape* in *region*.

    Args:
        region: The elements.
        shape: One number for each dimension.
        offset: Of the first element, in elements.
        strides: In elements; by default those of a tensor without holes, last index fastest.
        where: The tensor's name, for errors.

    Raises:
        MalformedContentError: An element would lie outside the region.
        LimitExceededError: More dimensions than `MAX_TENSOR_RANK`.
    """
    if len(shape) > MAX_TENSOR_RANK:
        raise LimitExceededError(
            "too many dimensions",
            where=where,
            expected=f"at most {MAX_TENSOR_RANK}",
            found=str(len(shape)),
        )
    if strides is None:
        strides = contiguous_strides(shape)
    if len(strides) != len(shape) or min((offset, *shape, *strides)) < 0:
        raise _malformed(
            "the geometry is impossible",
            where=where,
            expected="a stride for each dimension, and nothing negative",
            found=f"offset {offset}, shape {shape}, strides {strides}"[:200],
        )
    _check_extent(region, shape, offset, strides, where=where)
    return Placement(region=region, offset=offset, shape=shape, strides=strides)


def narrow(placement: Placement, rows: slice, /) -> Placement:
    """
    Return the *rows* of the tensor at *placement*: what Python gives of a list for that slice.

    Raises:
        ValueError: The tensor has no rows, or the slice leaves some out in between.
    """
    if not placement.shape:
        raise ValueError("a scalar has no rows")
    start, stop, step = rows.indices(placement.shape[0])
    if step != 1:
        raise ValueError("rows are taken one after the other")
    return replace(
        placement,
        offset=placement.offset + start * placement.strides[0],
        shape=(max(0, stop - start), *placement.shape[1:]),
    )


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of a tensor without holes, last index fastest."""
    strides: list[int] = []
    step = 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(1, length)
    return tuple(reversed(strides))


def _check_extent(
    region: Region, shape: tuple[int, ...], offset: int, strides: tuple[int, ...], *, where: str
) -> None:
    # Frameworks multiply the dimensions of empty tensors too, and some overflow doing so.
    room = _MAX_EXTENT // ELEMENT_BYTES[region.element]
    count = math.prod(max(1, length) for length in shape)
    reach = sum((max(1, n) - 1) * step for n, step in zip(shape, strides, strict=True))
    # The offset of an empty tensor means nothing, and PyTorch writes such beyond their storage.
    last = 0 if 0 in shape else offset + reach + 1
    if last > region.items or max(count, reach, *strides, 0) > room:
        raise _malformed(
            "the tensor exceeds its storage",
            where=where,
            expected=f"at most {region.items} elements",
            found=f"offset {offset}, shape {shape}, strides {strides}"[:200],
        )


def _malformed(
    message: str, *, expected: str, found: str, where: str | None = None
) -> MalformedContentError:
    return MalformedContentError(
        message, where=where, expected=expected, found=found, code=Code.LOAD_MALFORMED
    )
