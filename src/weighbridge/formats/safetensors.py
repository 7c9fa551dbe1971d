"""
The header of a safetensors file, held to the format in full.

The file is a little-endian u64, a JSON object of that many bytes, and the tensors' bytes. The
format promises that the tensors cover the rest without holes or overlaps, so that no file is
two files; every part of that promise is checked here, as the reference reader does, and with
duplicate keys, unknown fields and numbers that are no integers refused on top.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeGuard

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import (
    MAX_SAFETENSORS_HEADER_BYTES,
    MAX_TENSOR_NAME_BYTES,
    MAX_TENSOR_RANK,
    MAX_TENSORS,
)
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json

DTYPE_BITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BOOL": 8,
        "F4": 4,
        "F6_E2M3": 6,
        "F6_E3M2": 6,
        "U8": 8,
        "I8": 8,
        "F8_E5M2": 8,
        "F8_E4M3": 8,
        "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8,
        "F8_E5M2FNUZ": 8,
        "I16": 16,
        "U16": 16,
        "F16": 16,
        "BF16": 16,
        "I32": 32,
        "U32": 32,
        "F32": 32,
        "C64": 64,
        "F64": 64,
        "I64": 64,
        "U64": 64,
    }
)
"""Bits of one element, by the name of its type in the header (safetensors 0.8)."""

_LENGTH_BYTES: Final = 8
_METADATA_KEY: Final = "__metadata__"
_FIELDS: Final = ("dtype", "shape", "data_offsets")
_WHERE: Final = "safetensors header"


@frozen
class TensorInfo:
    """
    One tensor of the file.

    Attributes:
        name: Any text.
        dtype: A key of `DTYPE_BITS`.
        shape: Empty for a scalar.
        start: Where its bytes start in the file.
        end: Where they end; the size is what dtype and shape demand.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@frozen
class SafetensorsHeader:
    """
    What the header says.

    Attributes:
        tensors: In the order of their bytes, which they cover without holes or overlaps.
        metadata: What the writer noted, in its order; a claim of the file about itself.
        data_offset: Where the first tensor starts in the file.
    """

    tensors: tuple[TensorInfo, ...]
    metadata: tuple[tuple[str, str], ...]
    data_offset: int


def parse_header(source: ByteSource) -> SafetensorsHeader:
    """
    Return the header of the safetensors file *source*; reads nothing of the tensors.

    Raises:
        MalformedContentError: Anything that the format does not allow.
        LimitExceededError: A header, a name, a rank or a number of tensors beyond the limits.
    """
    length = _read_length(source)
    data_offset = _LENGTH_BYTES + length
    raw = source.read_at(_LENGTH_BYTES, length)
    if len(raw) != length:
        raise _malformed("the header is cut", expected=f"{length} bytes", found=str(len(raw)))
    if not raw.startswith(b"{"):
        raise _malformed("the header is no object", expected="'{'", found=repr(raw[:8]))
    document = parse_json(raw, what=_WHERE)
    if not isinstance(document, dict):
        raise _malformed("the header is no object", expected="an object", found="another value")
    metadata = _read_metadata(document.pop(_METADATA_KEY, {}))
    if len(document) > MAX_TENSORS:
        raise _too_large("tensors", limit=MAX_TENSORS, found=len(document))
    room = source.size - data_offset
    tensors = [_read_tensor(name, value, base=data_offset) for name, value in document.items()]
    tensors.sort(key=_position)
    _check_cover(tensors, base=data_offset, room=room)
    return SafetensorsHeader(tensors=tuple(tensors), metadata=metadata, data_offset=data_offset)


def _read_length(source: ByteSource) -> int:
    """Return the length of the header."""
    raw = source.read_at(0, _LENGTH_BYTES)
    if len(raw) != _LENGTH_BYTES:
        raise _malformed("the file is too short", expected="8 bytes", found=str(len(raw)))
    length = int.from_bytes(raw, "little")
    if length > source.size - _LENGTH_BYTES:
        found = f"a length of {length} in a file of {source.size} bytes"
        raise _malformed(
            "the header does not fit", expected="a header within the file", found=found
        )
    if length > MAX_SAFETENSORS_HEADER_BYTES:
        raise _too_large("bytes of header", limit=MAX_SAFETENSORS_HEADER_BYTES, found=length)
    return length


def _read_metadata(value: JsonValue) -> tuple[tuple[str, str], ...]:
    """Return the writer's notes: an object of strings."""
    if not isinstance(value, dict):
        raise _malformed(
            "the metadata is no object", expected="an object of strings", found=_kind(value)
        )
    pairs = []
    for key, text in value.items():
        if not isinstance(text, str):
            raise _malformed(
                f"the metadata entry {key[:200]!r} is no text",
                expected="a string",
                found=_kind(text),
            )
        pairs.append((key, text))
    return tuple(pairs)


def _read_tensor(name: str, value: JsonValue, *, base: int) -> TensorInfo:
    """Return one tensor, its size being what dtype and shape demand."""
    if len(name) * 4 > MAX_TENSOR_NAME_BYTES:
        _check_name(name)
    if not isinstance(value, dict) or len(value) != len(_FIELDS):
        raise _not_a_tensor(name, value)
    dtype, shape, offsets = map(value.get, _FIELDS)
    if not _is_naturals(shape) or not _is_naturals(offsets) or len(offsets) != 2:  # noqa: PLR2004  a pair
        raise _not_a_tensor(name, value)
    bits = DTYPE_BITS.get(dtype) if isinstance(dtype, str) else None
    if bits is None or not isinstance(dtype, str):
        raise _malformed(_tensor(name), expected="a known dtype", found=str(dtype)[:200])
    if len(shape) > MAX_TENSOR_RANK:
        raise _too_large("dimensions", limit=MAX_TENSOR_RANK, found=len(shape))
    start, end = offsets
    if math.prod(shape) * bits != (end - start) * 8:
        expected = f"{math.prod(shape) * bits} bits for {dtype} of shape {shape}"
        found = f"data_offsets {start} to {end}"
        raise _malformed(_tensor(name), expected=expected, found=found)
    return TensorInfo(
        name=name, dtype=dtype, shape=tuple(shape), start=base + start, end=base + end
    )


def _is_naturals(value: JsonValue) -> TypeGuard[list[int]]:
    """Tell whether *value* is a list of integers that are not negative; booleans are none."""
    if type(value) is not list:
        return False
    # A loop and not all(): three times faster, and there may be a million tensors.
    for item in value:  # noqa: SIM110
        if type(item) is not int or item < 0:
            return False
    return True


def _check_name(name: str) -> None:
    """Refuse a name of absurd length."""
    if len(name.encode()) > MAX_TENSOR_NAME_BYTES:
        raise _too_large("bytes of a tensor's name", limit=MAX_TENSOR_NAME_BYTES, found=len(name))


def _not_a_tensor(name: str, value: JsonValue) -> MalformedContentError:
    """Build the error for an entry that has other fields or kinds of values than a tensor's."""
    expected = "dtype, and non-negative integers in shape and in two data_offsets, and no more"
    found = str(value)[:200] if isinstance(value, dict) else _kind(value)
    return _malformed(_tensor(name), expected=expected, found=found)


def _tensor(name: str) -> str:
    """Return how messages call the tensor."""
    return f"the tensor {name[:200]!r}"


def _position(tensor: TensorInfo) -> tuple[int, int]:
    """Return what tensors are ordered by; empty ones come before one that starts there."""
    return tensor.start, tensor.end


def _check_cover(tensors: list[TensorInfo], *, base: int, room: int) -> None:
    """Refuse holes, overlaps, and tensors that end elsewhere than the file."""
    at = base
    for tensor in tensors:
        if tensor.start != at:
            kind = "a hole before" if tensor.start > at else "an overlap with"
            raise _malformed(
                f"{kind} {_tensor(tensor.name)}",
                expected=f"a start at byte {at}",
                found=f"byte {tensor.start}",
            )
        at = tensor.end
    if at != base + room:
        raise _malformed(
            "the tensors do not cover the file",
            expected=f"an end at byte {base + room}",
            found=f"byte {at}",
        )


def _kind(value: JsonValue) -> str:
    """Name the kind of *value*."""
    return "null" if value is None else type(value).__name__


def _malformed(message: str, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a header that breaks the format."""
    return MalformedContentError(message, where=_WHERE, expected=expected, found=found)


def _too_large(what: str, *, limit: int, found: int) -> LimitExceededError:
    """Build the error for a header beyond the limits."""
    return LimitExceededError(
        f"too many {what}", where=_WHERE, expected=f"at most {limit}", found=str(found)
    )
