"""
Tensors of GGUF files.

Their shapes are those of NumPy and PyTorch, last index fastest; the file has them the other way
round. Quantised tensors are the raw blocks, as bytes: one of type Q8_0 with rows of 64 elements,
which are two blocks of 34 bytes, has rows of 68 bytes. That is what the reference reader
(`gguf.GGUFReader`) gives and what `gguf.quants.dequantize` takes.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.formats.gguf import parse_header
from weighbridge.formats.gguf.types import TENSOR_TYPES
from weighbridge.load.held import HeldFile
from weighbridge.load.placement import ELEMENT_BYTES, Placement, make_region, place

_BLOCKS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {kind.name: (kind.block, kind.size) for kind in TENSOR_TYPES.values()}
)
"""Elements and bytes of a block by the type's name."""


def place_gguf(held: HeldFile, *, where: str) -> dict[str, Placement]:
    """
    Return where the tensors of the GGUF file *held* lie; *where* names it in errors.

    Raises:
        MalformedContentError: The file does not follow the format.
        LimitExceededError: It exceeds a bound.
    """
    placements: dict[str, Placement] = {}
    for tensor in parse_header(held).tensors:
        element = tensor.type if tensor.type in ELEMENT_BYTES else "U8"
        region = make_region(
            held,
            start=tensor.start,
            size=tensor.end - tensor.start,
            element=element,
            order="little",
        )
        shape = tuple(reversed(tensor.shape))
        if element != tensor.type:
            block, size = _BLOCKS[tensor.type]
            shape = (*shape[:-1], (shape[-1] if shape else 1) // block * size)
        placements[tensor.name] = place(region, shape=shape, where=f"{where}: {tensor.name}")
    return placements
