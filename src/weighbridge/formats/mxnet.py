"""
Lists of arrays as MXNet saves them (`NDArray::Save`, src/ndarray/ndarray.cc): numbers and names.

MXNet trusts the counts and shapes in them, so each is held against the file, which they have to
fill. Sparse arrays and the forms before MXNet 1.0 are refused: nobody writes them any more.
"""

import math
import struct
from collections.abc import Callable
from typing import Final, NoReturn

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.limits.weights import MAX_TENSOR_RANK, MAX_TENSORS

MAGIC: Final = struct.pack("<QQ", 0x112, 0)

_COUNT: Final = struct.Struct("<Q")
_HEAD: Final = struct.Struct("<IiI")
_DENSE: Final = ((0xF993FAC9, 0), (0xF993FACA, 0))
_PLACE: Final = struct.Struct("<iii")
_WIDTHS: Final = {0: 4, 1: 8, 2: 2, 3: 1, 4: 4, 5: 1, 6: 8, 7: 1, 8: 2, 9: 2, 10: 4, 11: 8, 12: 2}
"""Bytes of an element by its type flag (mshadow/base.h)."""


def check_mxnet(source: ByteSource, *, between: Callable[[], None]) -> None:
    """
    Hold every array and name against the file; *between* is called for each.

    Raises:
        MalformedContentError: A count, a shape or a type does not fit, or bytes are left over.
    """
    at = len(MAGIC)
    arrays = _number(source, at)
    at += _COUNT.size
    if arrays > MAX_TENSORS:
        _refuse(f"at most {MAX_TENSORS} arrays", str(arrays))
    for _ in range(arrays):
        between()
        at = _behind_array(source, at)
    names = _number(source, at)
    at += _COUNT.size
    if names not in (0, arrays):
        _refuse(f"{arrays} names", str(names))
    for _ in range(names):
        between()
        length = _number(source, at)
        at += _COUNT.size + length
        if at > source.size:
            _refuse(f"an end by byte {source.size}", f"a name of {length} bytes")
    if at != source.size:
        _refuse(f"an end at byte {source.size}", f"one at {at}")


def _behind_array(source: ByteSource, at: int) -> int:
    """Return where the array at *at* ends."""
    magic, storage, rank = _HEAD.unpack(_read(source, at, _HEAD.size))
    if (magic, storage) not in _DENSE or rank > MAX_TENSOR_RANK:
        _refuse("a dense array", f"mark {magic:#x}, storage {storage}, {rank} dimensions")
    at += _HEAD.size
    shape = struct.unpack(f"<{rank}q", _read(source, at, 8 * rank))
    at += 8 * rank
    if rank == 0 and magic == _DENSE[0][0]:
        return at  # an array without anything
    _, _, kind = _PLACE.unpack(_read(source, at, _PLACE.size))
    at += _PLACE.size
    if kind not in _WIDTHS or any(n < 0 for n in shape):
        _refuse("a type and a shape", f"type {kind}, shape {shape}")
    at += math.prod(shape) * _WIDTHS[kind]
    if at > source.size:
        _refuse(f"an end by byte {source.size}", f"an array of shape {shape}")
    return at


def _number(source: ByteSource, at: int) -> int:
    return int(_COUNT.unpack(_read(source, at, _COUNT.size))[0])


def _read(source: ByteSource, at: int, count: int) -> bytes:
    data = source.read_at(at, count)
    if len(data) != count:
        _refuse(f"{count} bytes at byte {at}", f"{len(data)}")
    return data


def _refuse(expected: str, found: str) -> NoReturn:
    raise MalformedContentError("the MXNet arrays cannot be read", expected=expected, found=found)
