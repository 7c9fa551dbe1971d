"""
Parameters as PaddlePaddle saves them for inference (`SerializeToStream`, lod_tensor.cc).

One tensor after the other, each with a version, levels of offsets, a description (`TensorDesc`
of framework.proto) and numbers. Each is held against the file, which they have to fill.
"""

import math
import struct
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.limits.weights import MAX_TENSOR_RANK, MAX_TENSORS

_HEAD: Final = struct.Struct("<IQ")
_LEVEL: Final = struct.Struct("<Q")
_TENSOR: Final = struct.Struct("<Ii")
_MAX_LEVELS: Final = 16
_MAX_DESCRIPTION: Final = 11 * (MAX_TENSOR_RANK + 2)
_WIDTHS: Final = {
    0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8,
    20: 1, 21: 1, 22: 2, 23: 8, 24: 16, 32: 1, 33: 1,
}  # fmt: skip
"""Bytes of an element by its type (`VarType.Type` of framework.proto)."""
START: Final = 21
"""Bytes up to the first one of a description, without levels of offsets."""
_MORE: Final = 0x80


def is_start(head: bytes) -> bool:
    """Tell whether *head* is that of a tensor without levels of offsets, as models have them."""
    if len(head) < START or head[:16] != bytes(16) or head[20] != 0x08:  # noqa: PLR2004  the type
        return False
    return 0 < int.from_bytes(head[16:20], "little") <= _MAX_DESCRIPTION


def check_parameters(source: ByteSource, *, between: Callable[[], None]) -> None:
    """
    Hold every tensor against the file; *between* is called for each.

    Raises:
        MalformedContentError: A size does not fit, or a description is none.
    """
    at = 0
    for _ in range(MAX_TENSORS):
        between()
        at = _behind_tensor(source, at)
        if at == source.size:
            return
    _refuse(f"at most {MAX_TENSORS} tensors", "more")


def _behind_tensor(source: ByteSource, at: int) -> int:
    """Return where the tensor at *at* ends."""
    version, levels = _HEAD.unpack(_read(source, at, _HEAD.size))
    at += _HEAD.size
    if version or levels > _MAX_LEVELS:
        _refuse("version 0 and few levels", f"version {version}, {levels} levels")
    for _ in range(levels):
        at += _LEVEL.size + int(_LEVEL.unpack(_read(source, at, _LEVEL.size))[0])
    version, size = _TENSOR.unpack(_read(source, at, _TENSOR.size))
    at += _TENSOR.size
    if version or not 0 < size <= _MAX_DESCRIPTION:
        _refuse("a description", f"version {version}, {size} bytes")
    kind, shape = -1, []
    for number, value in _varints(_read(source, at, size)):
        if number == 1:
            kind = value
        else:
            shape.append(value)
    at += size
    if kind not in _WIDTHS or any(n >> 63 for n in shape):
        _refuse("a type and a shape", f"type {kind}, shape {shape}")
    at += math.prod(shape) * _WIDTHS[kind]
    if at > source.size:
        _refuse(f"an end by byte {source.size}", f"a tensor of shape {shape}")
    return at


def _varints(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the fields of a description: its type is field 1, its dimensions are fields 2."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag not in (0x08, 0x10):
            _refuse("a type and dimensions", f"the tag {tag:#x}")
        value, at = _varint(data, at)
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in zip(range(0, 70, 7), data[at : at + 10], strict=False):
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < _MORE:
            return value, at
    return _refuse("a number", "one that is cut")


def _read(source: ByteSource, at: int, count: int) -> bytes:
    data = source.read_at(at, count) if at <= source.size else b""
    if len(data) != count:
        _refuse(f"{count} bytes at byte {at}", f"{len(data)}")
    return data


def _refuse(expected: str, found: str) -> NoReturn:
    raise MalformedContentError(
        "the parameters of PaddlePaddle cannot be read", expected=expected, found=found
    )
