"""The whole GGUF header: metadata, tensors, and that the tensors cover the file."""

import math
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.limits.weights import (
    MAX_GGUF_KEYS,
    MAX_GGUF_RANK,
    MAX_TENSOR_NAME_BYTES,
    MAX_TENSORS,
)
from weighbridge.formats.gguf.reader import HeaderReader, malformed, too_large
from weighbridge.formats.gguf.types import TENSOR_TYPES
from weighbridge.formats.gguf.values import GgufHeader, GgufTensor, GgufValue

MAGIC: Final = b"GGUF"

_VERSIONS: Final = (2, 3)
_ALIGNMENT_KEY: Final = "general.alignment"
_DEFAULT_ALIGNMENT: Final = 32
_MAX_ALIGNMENT: Final = 1 << 20
_MAX_KEY_BYTES: Final = 65_535  # gguf.md: at most 2^16-1 bytes
_MAX_INT64: Final = 2**63 - 1  # ggml counts elements and bytes in int64_t
_SMALLEST_PAIR: Final = 8 + 4 + 1
_SMALLEST_TENSOR: Final = 8 + 4 + 4 + 8


def parse_header(source: ByteSource) -> GgufHeader:
    """
    Return the header of the GGUF file *source*; reads nothing of the tensors.

    Raises:
        MalformedContentError: Anything that the format does not allow; version 1 and files of
            the other byte order, which no current reader takes.
        LimitExceededError: Counts, strings or a header beyond the limits.
    """
    reader = HeaderReader(source)
    version = _take_version(reader)
    tensor_count, key_count = reader.take_u64(), reader.take_u64()
    if tensor_count > MAX_TENSORS:
        raise too_large("tensors", limit=MAX_TENSORS, found=tensor_count)
    if key_count > MAX_GGUF_KEYS:
        raise too_large("metadata keys", limit=MAX_GGUF_KEYS, found=key_count)
    smallest = tensor_count * _SMALLEST_TENSOR + key_count * _SMALLEST_PAIR
    if smallest > source.size:
        expected = f"{key_count} keys and {tensor_count} tensors"
        raise malformed("the counts", expected=expected, found=f"a file of {source.size} bytes")
    metadata = _take_metadata(reader, count=key_count)
    alignment = _find_alignment(metadata)
    listed = [_take_tensor(reader, alignment=alignment) for _ in range(tensor_count)]
    if len({tensor.name for tensor in listed}) != len(listed):
        raise malformed("the tensors", expected="every name once", found="one twice")
    data_offset = _align(reader.at, alignment)
    tensors = tuple(
        GgufTensor(
            name=tensor.name,
            type=tensor.type,
            shape=tensor.shape,
            start=data_offset + tensor.start,
            end=data_offset + tensor.end,
        )
        for tensor in sorted(listed, key=_position)
    )
    _check_cover(tensors, data_offset=data_offset, alignment=alignment, size=source.size)
    return GgufHeader(
        version=version,
        metadata=tuple(metadata.items()),
        tensors=tensors,
        alignment=alignment,
        data_offset=data_offset,
    )


def _take_version(reader: HeaderReader) -> int:
    """Take magic and version."""
    magic = reader.take(4)
    if magic != MAGIC:
        raise malformed("not a GGUF file", expected=repr(MAGIC), found=repr(magic))
    raw = reader.take(4)
    version = int.from_bytes(raw, "little")
    if version not in _VERSIONS:
        found = str(version)
        if int.from_bytes(raw, "big") in _VERSIONS:
            found = f"{int.from_bytes(raw, 'big')} in big-endian byte order"
        raise malformed("an unsupported version", expected="2 or 3, little-endian", found=found)
    return version


def _take_metadata(reader: HeaderReader, *, count: int) -> dict[str, GgufValue]:
    """Take the metadata pairs; no key may occur twice, since readers differ on which counts."""
    metadata: dict[str, GgufValue] = {}
    for _ in range(count):
        key = reader.take_text("a metadata key", limit=_MAX_KEY_BYTES)
        if not key or key in metadata:
            raise malformed("a metadata key", expected="a new name", found=repr(key[:200]))
        metadata[key] = reader.take_value()
    return metadata


def _find_alignment(metadata: dict[str, GgufValue]) -> int:
    """Return the alignment of the tensors."""
    value = metadata.get(_ALIGNMENT_KEY, _DEFAULT_ALIGNMENT)
    valid = type(value) is int and 0 < value <= _MAX_ALIGNMENT and value.bit_count() == 1
    if not valid or not isinstance(value, int):
        found = str(value)[:200]
        raise malformed(_ALIGNMENT_KEY, expected="a power of two up to 1 MiB", found=found)
    return value


def _take_tensor(reader: HeaderReader, *, alignment: int) -> GgufTensor:
    """Take a tensor's description; its positions are relative to where the data starts."""
    name = reader.take_text("a tensor's name", limit=MAX_TENSOR_NAME_BYTES)
    rank = reader.take_u32()
    if rank > MAX_GGUF_RANK:
        raise malformed(_tensor(name), expected=f"{MAX_GGUF_RANK} dimensions", found=str(rank))
    shape = tuple(reader.take_u64() for _ in range(rank))
    number = reader.take_u32()
    kind = TENSOR_TYPES.get(number)
    if kind is None:
        raise malformed(_tensor(name), expected="a known type", found=f"type {number}")
    start = reader.take_u64()
    if start % alignment:
        expected = f"an offset at a multiple of {alignment}"
        raise malformed(_tensor(name), expected=expected, found=str(start))
    row = shape[0] if shape else 1
    if row % kind.block:
        expected = f"rows of whole blocks of {kind.block} for {kind.name}"
        raise malformed(_tensor(name), expected=expected, found=f"rows of {row}")
    size = math.prod(shape) // kind.block * kind.size
    if max(size, math.prod(shape), start) > _MAX_INT64:
        expected = "a size that fits 63 bits"
        raise malformed(_tensor(name), expected=expected, found=f"shape {shape}")
    return GgufTensor(name=name, type=kind.name, shape=shape, start=start, end=start + size)


def _tensor(name: str) -> str:
    """Return how messages call the tensor."""
    return f"the tensor {name[:200]!r}"


def _position(tensor: GgufTensor) -> tuple[int, int]:
    """Return what tensors are ordered by; empty ones come before one that starts there."""
    return tensor.start, tensor.end


def _align(at: int, alignment: int) -> int:
    """Return the next multiple of *alignment* from *at*."""
    return -(-at // alignment) * alignment


def _check_cover(
    tensors: tuple[GgufTensor, ...], *, data_offset: int, alignment: int, size: int
) -> None:
    """
    Refuse holes, overlaps and trailing bytes beyond the padding.

    The reference reader demands the same of every tensor but the last (gguf.cpp).
    """
    at = data_offset
    end = data_offset
    for tensor in tensors:
        if tensor.start != at:
            kind = "a hole before" if tensor.start > at else "an overlap with"
            raise malformed(
                f"{kind} {_tensor(tensor.name)}",
                expected=f"a start at byte {at}",
                found=f"byte {tensor.start}",
            )
        end = tensor.end
        at = _align(end - data_offset, alignment) + data_offset
    if (end > size and tensors) or size > at:
        expected = f"an end at byte {end}, or {at} with padding"
        raise malformed("the tensors do not cover the file", expected=expected, found=str(size))
