"""Describe tensors of PyTorch; runs where they were unpickled, where PyTorch is there."""

import ctypes
from typing import Any, Final

import torch

from weighbridge.load.isolated.collecting import Wire
from weighbridge.load.isolated.describing import Describer, name_of
from weighbridge.load.isolated.types import ELEMENTS
from weighbridge.load.torch_globals import DTYPE_ELEMENTS

_WORDS: Final = {element: word for word, element in ELEMENTS.items()}
_PLAIN: Final = (torch.Tensor, torch.nn.Parameter)


def describe_torch(describer: Describer, value: Any, /) -> "Wire | None":  # noqa: ANN401  any object
    """Return *value* as it is handed back; None where it is nothing of PyTorch's own."""
    if isinstance(value, torch.Tensor):
        return _tensor(describer, value)
    if isinstance(value, torch.storage.TypedStorage | torch.UntypedStorage):
        return describer.opaque(name_of(type(value)), note=f"{value.nbytes()} bytes")
    return None


def _tensor(describer: Describer, value: torch.Tensor) -> Wire:
    name = name_of(type(value))
    if value.layout != torch.strided or value.is_quantized or value.is_meta or value.is_nested:
        return describer.opaque(name, note="a tensor that is not dense")
    if type(value) not in _PLAIN:
        inner = value.detach().as_subclass(torch.Tensor)
        return describer.opaque(name, items=inner, state=getattr(value, "__dict__", None) or None)
    element = DTYPE_ELEMENTS.get(str(value.dtype))
    if element is None:
        return describer.opaque(name, note=f"elements of type {value.dtype}")
    size = value.numel() * value.element_size()

    def piece() -> bytes | memoryview:
        return _bytes_of(value, size)

    said = _WORDS.get(element, element)
    return describer.collector.piece("tensor", said, list(value.shape), "C", size=size, piece=piece)


def _bytes_of(value: torch.Tensor, size: int) -> bytes | memoryview:
    if not size:
        return b""
    plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    if plain.dtype == torch.bool:
        plain = (plain.view(torch.uint8) != 0).contiguous()
    data = (ctypes.c_ubyte * size).from_address(plain.data_ptr())
    data.tensor = plain  # type: ignore[attr-defined]  # its memory has to stay
    return memoryview(data)
