"""Attributes: their messages, dense storage, and the strings in them (specification IV.A.2.m)."""

import math
from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.core.limits.weights import MAX_HDF5_VALUES
from weighbridge.formats.hdf5.btree2 import read_records
from weighbridge.formats.hdf5.datatype import read_datatype, read_shape
from weighbridge.formats.hdf5.fractal_heap import FractalHeap
from weighbridge.formats.hdf5.header import Message, MessageType, read_shared, resolve
from weighbridge.formats.hdf5.heaps import GlobalHeap
from weighbridge.formats.hdf5.image import Fields, Image, decode, malformed, too_large
from weighbridge.formats.hdf5.values import Attribute, Datatype, TypeClass

_WHAT: Final = "attribute message"
_SHARED_TYPE: Final = 0x01
_SHARED_SPACE: Final = 0x02
_PADDED: Final = 1
_WITH_FLAGS: Final = (2, 3)
_WITH_CHARSET: Final = 3

BY_NAME: Final = 8
BY_ORDER: Final = 9
_RECORD_HEAD: Final = 8
_TRACKS_ORDER: Final = 0x01
_INDEXES_ORDER: Final = 0x02


def read_attribute(image: Image, heap: GlobalHeap, message: Message) -> Attribute:
    """
    Return the attribute of an attribute message, its strings fetched from *heap*.

    A value that cannot be read is a problem of *image* and None in the attribute.

    Raises:
        MalformedContentError: The message does not follow the format.
    """
    fields = Fields(resolve(image, message), image=image, what=_WHAT)
    version = fields.version(1, 2, 3)
    flags = fields.uint(1)
    name_size, type_size, space_size = fields.uint(2), fields.uint(2), fields.uint(2)
    if version == _WITH_CHARSET:
        fields.take(1)
    padding = 8 if version == _PADDED else 1
    flags = flags if version in _WITH_FLAGS else 0
    name = decode(_take_padded(fields, name_size, padding).partition(b"\0")[0])
    type_body = _take_padded(fields, type_size, padding)
    space_body = _take_padded(fields, space_size, padding)
    if flags & _SHARED_TYPE:
        type_body = _shared(image, type_body, MessageType.DATATYPE)
    if flags & _SHARED_SPACE:
        space_body = _shared(image, space_body, MessageType.DATASPACE)
    datatype = read_datatype(image, Fields(type_body, image=image, what=_WHAT))
    shape = read_shape(image, space_body)
    try:
        values = element_values(image, heap, datatype, shape, fields.rest())
    except (MalformedContentError, LimitExceededError) as error:
        image.report(f"the attribute {name[:100]!r} cannot be read: {error.message}")
        values = None
    return Attribute(name=name, datatype=datatype, shape=shape, values=values)


def _take_padded(fields: Fields, size: int, padding: int) -> bytes:
    """Take *size* bytes and what fills them up to a multiple of *padding*."""
    taken = fields.take(size)
    fields.take(-size % padding)
    return taken


def _shared(image: Image, body: bytes, kind: MessageType) -> bytes:
    """Return the datatype or dataspace that another object holds."""
    return read_shared(image, Fields(body, image=image, what=_WHAT), kind=kind)


def count_of(shape: tuple[int, ...] | None) -> int:
    """Return the number of elements."""
    return 0 if shape is None else math.prod(shape)


def element_values(
    image: Image,
    heap: GlobalHeap,
    datatype: Datatype,
    shape: tuple[int, ...] | None,
    data: bytes,
) -> tuple[bytes, ...]:
    """
    Return the strings or sequences among the elements in *data*, or all of it as one.

    Strings come without what pads them.

    Raises:
        MalformedContentError: *data* is too short, or leads nowhere.
        LimitExceededError: More strings than `MAX_HDF5_VALUES`, or too long a one.
    """
    count = count_of(shape)
    size = count * datatype.size
    if size > len(data):
        raise malformed(_WHAT, expected=f"{size} bytes of values", found=str(len(data)))
    if datatype.kind not in (TypeClass.STRING, TypeClass.SEQUENCE):
        return (data[:size],) if size else ()
    if count > MAX_HDF5_VALUES:
        raise too_large("strings", limit=MAX_HDF5_VALUES)
    width = datatype.size
    elements = (data[at * width : (at + 1) * width] for at in range(count))
    if datatype.kind is TypeClass.STRING:
        return tuple(element.rstrip(b"\0") for element in elements)
    return tuple(_sequence(image, heap, datatype, element) for element in elements)


def _sequence(image: Image, heap: GlobalHeap, datatype: Datatype, element: bytes) -> bytes:
    """Return the bytes of a variable-length element (specification VIII.B)."""
    fields = Fields(element, image=image, what=_WHAT)
    length, address, index = fields.uint(4), fields.offset(), fields.uint(4)
    if not length or not address:
        return b""
    item = 1 if datatype.text else datatype.parts[0].size
    value = heap.value(address, index, limit=MAX_TEXT_BYTES)[: length * item]
    # A string is one of C for the library, which sees nothing behind its first NUL.
    return value.partition(b"\0")[0] if datatype.text else value


def read_dense_attributes(image: Image, heap: GlobalHeap, body: bytes) -> Iterator[Attribute]:
    """
    Yield the attributes that an attribute info message leads to, by both its indexes.

    Raises:
        MalformedContentError: They do not follow the format.
    """
    fields = Fields(body, image=image, what="attribute info message")
    fields.version(0)
    flags = fields.uint(1)
    fields.take(2 if flags & _TRACKS_ORDER else 0)
    heap_address, by_name = fields.offset(), fields.offset()
    by_order = fields.offset() if flags & _INDEXES_ORDER else None
    if heap_address is None:
        return
    own = FractalHeap(image, heap_address)
    seen: set[bytes] = set()
    for index in (by_name, by_order):
        if index is None:
            continue
        for record in read_records(image, index, kinds=(BY_NAME, BY_ORDER)):
            number, storage = record[:_RECORD_HEAD], record[_RECORD_HEAD : _RECORD_HEAD + 1]
            if number in seen:
                continue
            seen.add(number)
            if storage != b"\0":
                raise malformed(_WHAT, expected="attributes of its own", found="a shared one")
            message = Message(
                kind=MessageType.ATTRIBUTE, shared=False, body=own.value(number[: own.id_size])
            )
            yield read_attribute(image, heap, message)
