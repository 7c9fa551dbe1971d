"""
Tensors that are read and verified when they are asked for, and held by nobody but the caller.

A placement says where a tensor's elements lie in a file that was left where it is; here those bytes
become memory of their own, and the placement one in that memory.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from weighbridge.core.limits.inventory import HASH_BLOCK_BYTES
from weighbridge.load.checked import CheckedMemory, take_all
from weighbridge.load.frameworks import build
from weighbridge.load.held import HeldFile
from weighbridge.load.memory import AnonymousMemory, InlineMemory, PrivateBuffer
from weighbridge.load.placement import ELEMENT_BYTES, Placement, Region

if TYPE_CHECKING:
    from weighbridge.load.frameworks import Tensor

_COPIED_BYTES: Final = HASH_BLOCK_BYTES // 2
"""Up to here elements are copied out of their part: the rest of it would stay with them."""


class TensorsByNeed(Mapping[str, "Tensor"]):
    """
    Tensors by name, each of which is read and verified each time that it is asked for.

    Nothing is kept: who asks twice gets two. Threads may ask at once.

    Args:
        placements: Where they lie.
        framework: Whose tensors they are to be.

    Raises:
        ArtifactChangedError: From every look-up: the file has other bytes by now.
        OperationError, MissingExtraError: As for `load.frameworks.build`.
        UsageError: The artifact is closed.
    """

    def __init__(
        self, placements: Mapping[str, Placement], *, framework: Literal["numpy", "torch"]
    ) -> None:
        self._placements = placements
        self._framework: Final = framework

    def __getitem__(self, name: str) -> "Tensor":
        taken = take({name: self._placements[name]})
        return build(taken, framework=self._framework)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._placements)

    def __len__(self) -> int:
        return len(self._placements)


class _Taken(HeldFile):
    """Bytes that were read for one caller, who gets this very memory."""

    def __init__(self, memory: AnonymousMemory) -> None:
        super().__init__(memory)
        self._mapping = memory.mapping

    def lend(self) -> PrivateBuffer:
        """Return the memory itself: nobody else has it, and nobody takes it for verified later."""
        return self._mapping


def left_in_file(block: HeldFile, /) -> bool:
    """Tell whether the bytes of *block* were left in their file."""
    return isinstance(block.memory, CheckedMemory)


def take(placements: Mapping[str, Placement]) -> dict[str, Placement]:
    """
    Return *placements* in memory: what they need of files is read and verified now.

    Those that shared elements share them again. Those that are in memory already stay there.

    Raises:
        ArtifactChangedError: A file has other bytes by now.
        OperationError: A file cannot be read, or there is no memory.
    """
    spans: dict[Region, tuple[int, int]] = {}
    for placement in placements.values():
        region = placement.region
        if not placement.empty and left_in_file(region.block):
            first, last = _reach(placement)
            low, high = spans.get(region, (first, last))
            spans[region] = min(low, first), max(high, last)
    moved = _read(spans)
    return {name: _in_memory(placement, moved, spans) for name, placement in placements.items()}


def _reach(placement: Placement) -> tuple[int, int]:
    """Return the first element that *placement* shows, and the one behind the last."""
    steps = zip(placement.shape, placement.strides, strict=True)
    return placement.offset, placement.offset + sum((n - 1) * step for n, step in steps) + 1


def _read(spans: Mapping[Region, tuple[int, int]]) -> dict[Region, Region]:
    """Return the elements of each region from one to the other, in memory of their own."""
    moved: dict[Region, Region] = {}
    large: list[tuple[Region, CheckedMemory, int, int]] = []
    for region, (first, last) in spans.items():
        width = ELEMENT_BYTES[region.element]
        start, end = region.start + first * width, region.start + last * width
        memory = region.block.memory
        if end - start > _COPIED_BYTES and isinstance(memory, CheckedMemory):
            large.append((region, memory, start, end))
        else:
            block = HeldFile(InlineMemory(region.block.read_at(start, end - start)))
            moved[region] = Region(block, 0, last - first, region.element)
    taken = take_all((memory, start, end) for _, memory, start, end in large)
    for (region, _, start, end), (mapping, at) in zip(large, taken, strict=True):
        items = (end - start) // ELEMENT_BYTES[region.element]
        moved[region] = Region(_Taken(AnonymousMemory(mapping)), at, items, region.element)
    return moved


def _in_memory(
    placement: Placement,
    moved: Mapping[Region, Region],
    spans: Mapping[Region, tuple[int, int]],
) -> Placement:
    region = moved.get(placement.region)
    if region is None:
        return placement
    if placement.empty:
        return replace(placement, region=region, offset=0)
    return replace(placement, region=region, offset=placement.offset - spans[placement.region][0])
