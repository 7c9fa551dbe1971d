"""Datatype and dataspace messages (specification IV.A.2.b and d)."""

from typing import Final

from weighbridge.core.limits.weights import MAX_HDF5_DEPTH, MAX_TENSOR_RANK
from weighbridge.formats.hdf5.image import Fields, Image, decode, malformed, too_large
from weighbridge.formats.hdf5.values import Datatype, TypeClass

_WHAT: Final = "datatype message"
_VERSIONS: Final = range(1, 6)
_PROPERTIES: Final = {
    TypeClass.INTEGER: 4,
    TypeClass.FLOAT: 12,
    TypeClass.TIME: 2,
    TypeClass.STRING: 0,
    TypeClass.BITS: 4,
    TypeClass.REFERENCE: 0,
}
"""Bytes behind the head of the simple types."""

_UNPADDED: Final = 3
_NULL_SPACE: Final = 2
_DIMS_PERMUTED: Final = 0x02
_DIMS_LIMITED: Final = 0x01


def read_datatype(image: Image, fields: Fields, *, depth: int = 0) -> Datatype:
    """
    Take a datatype.

    Raises:
        MalformedContentError: It does not follow the format.
        LimitExceededError: More types within types than `MAX_HDF5_DEPTH`.
    """
    if depth > MAX_HDF5_DEPTH:
        raise too_large("types within types", limit=MAX_HDF5_DEPTH)
    head = fields.uint(1)
    version, number = head >> 4, head & 0x0F
    if version not in _VERSIONS or number not in set(TypeClass):
        found = f"version {version} of class {number}"
        raise malformed(_WHAT, expected="a known class and version", found=found)
    kind = TypeClass(number)
    bits = fields.uint(3)
    size = fields.uint(4)
    text, tag = False, ""
    parts: tuple[Datatype, ...] = ()
    match kind:
        case TypeClass.OPAQUE:
            tag = decode(fields.take(bits & 0xFF).rstrip(b"\0"))
        case TypeClass.COMPOUND:
            parts = _read_members(image, fields, version, bits & 0xFFFF, size=size, depth=depth)
        case TypeClass.ENUM:
            parts = (_read_enum(image, fields, version, bits & 0xFFFF, depth=depth),)
        case TypeClass.SEQUENCE:
            text = bits & 0x0F == 1
            parts = (read_datatype(image, fields, depth=depth + 1),)
        case TypeClass.ARRAY:
            rank = fields.uint(1)
            fields.take((3 if version < _UNPADDED else 0) + 4 * rank)
            fields.take(4 * rank if version < _UNPADDED else 0)
            parts = (read_datatype(image, fields, depth=depth + 1),)
        case TypeClass.COMPLEX:
            parts = (read_datatype(image, fields, depth=depth + 1),)
        case _:
            fields.take(_PROPERTIES[kind])
    return Datatype(kind=kind, size=size, text=text, tag=tag, parts=parts)


def _read_members(
    image: Image, fields: Fields, version: int, count: int, *, size: int, depth: int
) -> tuple[Datatype, ...]:
    """Take the members of a compound type."""
    members = []
    offset_width = (max(size, 1).bit_length() - 1) // 8 + 1
    for _ in range(count):
        start = fields.at
        fields.text()
        if version < _UNPADDED:
            fields.take(-(fields.at - start) % 8)
            fields.take(4)
        else:
            fields.take(offset_width)
        if version == 1:
            fields.take(1 + 3 + 4 + 4 + 16)  # the form before array types
        members.append(read_datatype(image, fields, depth=depth + 1))
    return tuple(members)


def _read_enum(image: Image, fields: Fields, version: int, count: int, *, depth: int) -> Datatype:
    """Take an enumeration and return its base type."""
    base = read_datatype(image, fields, depth=depth + 1)
    for _ in range(count):
        start = fields.at
        fields.text()
        if version < _UNPADDED:
            fields.take(-(fields.at - start) % 8)
    fields.take(count * base.size)
    return base


def read_shape(image: Image, body: bytes) -> tuple[int, ...] | None:
    """
    Return the extents of a dataspace message; empty for a scalar, None for no element at all.

    Raises:
        MalformedContentError: It does not follow the format.
        LimitExceededError: More dimensions than `MAX_TENSOR_RANK`.
    """
    fields = Fields(body, image=image, what="dataspace message")
    version = fields.version(1, 2)
    rank = fields.uint(1)
    if rank > MAX_TENSOR_RANK:
        raise too_large("dimensions", limit=MAX_TENSOR_RANK)
    flags = fields.uint(1)
    if version == 1:
        fields.take(5)
    elif fields.uint(1) == _NULL_SPACE:
        return None
    shape = tuple(fields.length() for _ in range(rank))
    if flags & _DIMS_LIMITED:
        fields.take(rank * image.length_size)
    if version == 1 and flags & _DIMS_PERMUTED:
        fields.take(rank * image.length_size)
    return shape
