"""PyTorch tensors on private copies of held bytes. Imported only when PyTorch is wanted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import torch

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.load.memory import PrivateBuffer
from weighbridge.load.placement import ELEMENT_BYTES, Placement, Region

_DTYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BOOL": "bool",
        "U8": "uint8",
        "I8": "int8",
        "U16": "uint16",
        "I16": "int16",
        "U32": "uint32",
        "I32": "int32",
        "U64": "uint64",
        "I64": "int64",
        "F16": "float16",
        "BF16": "bfloat16",
        "F32": "float32",
        "F64": "float64",
        "C64": "complex64",
        "C128": "complex128",
        "F8_E4M3": "float8_e4m3fn",
        "F8_E5M2": "float8_e5m2",
        "F8_E8M0": "float8_e8m0fnu",
        "F8_E4M3FNUZ": "float8_e4m3fnuz",
        "F8_E5M2FNUZ": "float8_e5m2fnuz",
        "F4_X2": "float4_e2m1fn_x2",
    }
)


def build_tensors(placements: Mapping[str, Placement]) -> dict[str, torch.Tensor]:
    """
    Return a tensor on the CPU for each placement.

    PyTorch has no read-only tensors, so each call works on private memory of its own, whose
    pages are copied when they are first written to: no write reaches the held bytes or another
    call's tensors. Tensors that shared a storage in the file share one here.

    Raises:
        OperationError: The installed PyTorch has no such type, or refuses the shape.
    """
    builder = _Builder()
    tensors: dict[str, torch.Tensor] = {}
    for name, placement in placements.items():
        with _named(name):
            tensors[name] = builder.build(placement)
    return tensors


class _Builder:
    """Makes each block's private memory and each region's base tensor once."""

    def __init__(self) -> None:
        # Keyed by id: the placements keep every block alive meanwhile.
        self._buffers: dict[int, PrivateBuffer] = {}
        self._bases: dict[tuple[int, int, int, str], torch.Tensor] = {}

    def build(self, placement: Placement) -> torch.Tensor:
        region = placement.region
        if placement.empty:
            return torch.empty(placement.shape, dtype=_dtype(region.element))
        return torch.as_strided(
            self._base(region), placement.shape, placement.strides, placement.offset
        )

    def _base(self, region: Region) -> torch.Tensor:
        key = (id(region.block), region.start, region.items, region.element)
        if key not in self._bases:
            self._bases[key] = self._make_base(region)
        return self._bases[key]

    def _make_base(self, region: Region) -> torch.Tensor:
        dtype = _dtype(region.element)
        if region.start % ELEMENT_BYTES[region.element]:
            # PyTorch's kernels assume aligned elements. Only legacy checkpoints, and files
            # that no known writer makes, cost this copy.
            aligned = bytearray(region.block.read_at(region.start, region.size))
            return torch.frombuffer(aligned, dtype=dtype)
        block = region.block
        if id(block) not in self._buffers:
            self._buffers[id(block)] = block.lend()
        return torch.frombuffer(
            self._buffers[id(block)], dtype=dtype, count=region.items, offset=region.start
        )


def _dtype(element: str) -> torch.dtype:
    dtype = getattr(torch, _DTYPES[element], None)
    if not isinstance(dtype, torch.dtype):
        raise TypeError(f"this version has no type {_DTYPES[element]}")
    return dtype


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn PyTorch's refusals into ours, with the tensor's name."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise OperationError(
            f"PyTorch cannot make this tensor: {error}", where=name, code=Code.LOAD_FORMAT
        ) from error
