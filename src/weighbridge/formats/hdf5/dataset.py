"""Datasets: layout, filters, external files (specification IV.A.2.h, i, l)."""

from typing import Final

from weighbridge.core.limits.weights import MAX_TENSOR_RANK
from weighbridge.formats.hdf5.heaps import LocalHeap
from weighbridge.formats.hdf5.image import Fields, Image, decode, malformed, too_large
from weighbridge.formats.hdf5.values import ChunkIndex, ExternalFile, Filter, Layout, LayoutKind

_LAYOUT: Final = "layout message"
_FILTERS: Final = "filter pipeline message"
_EXTERNAL: Final = "external files message"
_INDEX_BYTES: Final = {
    ChunkIndex.IMPLICIT: 0,
    ChunkIndex.FIXED_ARRAY: 1,
    ChunkIndex.EXTENSIBLE_ARRAY: 5,
    ChunkIndex.BTREE_2: 6,
}
"""Bytes of parameters in the layout message; those of the index are repeated in its header."""

_FILTERED_SINGLE: Final = 0x02
_CHUNK_SIZE_WIDTH: Final = 4
_FIRST_PLUGIN: Final = 256
_CURRENT: Final = (4, 5)


def read_layout(image: Image, body: bytes) -> Layout:
    """
    Return the layout of a layout message.

    Raises:
        MalformedContentError: It does not follow the format.
    """
    fields = Fields(body, image=image, what=_LAYOUT)
    version = fields.version(1, 2, 3, 4, 5)
    if version < 3:  # noqa: PLR2004  the version with another order
        return _read_old(fields)
    number = fields.uint(1)
    if number not in set(LayoutKind):
        raise malformed(_LAYOUT, expected="a known class", found=str(number))
    match LayoutKind(number):
        case LayoutKind.COMPACT:
            data = fields.take(fields.uint(2))
            return Layout(kind=LayoutKind.COMPACT, data=data, size=len(data))
        case LayoutKind.CONTIGUOUS:
            address, size = fields.offset(), fields.length()
            return Layout(kind=LayoutKind.CONTIGUOUS, address=address, size=size)
        case LayoutKind.VIRTUAL:
            address = fields.offset()
            return Layout(kind=LayoutKind.VIRTUAL, address=address, heap_index=fields.uint(4))
        case LayoutKind.CHUNKED if version in _CURRENT:
            return _read_chunked(fields)
        case LayoutKind.CHUNKED:
            rank = _rank(fields)
            address = fields.offset()
            chunk = tuple(fields.uint(_CHUNK_SIZE_WIDTH) for _ in range(rank))
            return Layout(kind=LayoutKind.CHUNKED, address=address, chunk=chunk[:-1])


def _rank(fields: Fields) -> int:
    """Take the number of dimensions, that of the element's bytes included."""
    rank = fields.uint(1)
    if not 0 < rank <= MAX_TENSOR_RANK + 1:
        raise too_large("dimensions", limit=MAX_TENSOR_RANK)
    return rank


def _read_old(fields: Fields) -> Layout:
    """Take the rest of version 1 or 2."""
    rank = fields.uint(1)
    number = fields.uint(1)
    fields.take(5)
    if number not in (LayoutKind.COMPACT, LayoutKind.CONTIGUOUS, LayoutKind.CHUNKED):
        raise malformed(_LAYOUT, expected="a known class", found=str(number))
    kind = LayoutKind(number)
    address = None if kind is LayoutKind.COMPACT else fields.offset()
    extents = tuple(fields.uint(4) for _ in range(rank))
    if kind is LayoutKind.CHUNKED:
        return Layout(kind=kind, address=address, chunk=extents[:-1])
    if kind is LayoutKind.COMPACT:
        data = fields.take(fields.uint(4))
        return Layout(kind=kind, data=data, size=len(data))
    return Layout(kind=kind, address=address)


def _read_chunked(fields: Fields) -> Layout:
    """Take the rest of a chunked layout of version 4 or 5."""
    flags = fields.uint(1)
    rank = _rank(fields)
    width = fields.uint(1)
    chunk = tuple(fields.uint(width) for _ in range(rank))
    number = fields.uint(1)
    if number not in set(ChunkIndex) - {ChunkIndex.BTREE_1}:
        raise malformed(_LAYOUT, expected="a known index of chunks", found=str(number))
    index = ChunkIndex(number)
    size = None
    if index is ChunkIndex.SINGLE:
        if flags & _FILTERED_SINGLE:
            size = fields.length()
            fields.take(4)
    else:
        fields.take(_INDEX_BYTES[index])
    return Layout(
        kind=LayoutKind.CHUNKED,
        address=fields.offset(),
        size=size,
        chunk=chunk[:-1],
        index=index,
    )


def read_filters(image: Image, body: bytes) -> tuple[Filter, ...]:
    """
    Return the filters of a filter pipeline message.

    Raises:
        MalformedContentError: It does not follow the format.
    """
    fields = Fields(body, image=image, what=_FILTERS)
    version = fields.version(1, 2)
    count = fields.uint(1)
    if version == 1:
        fields.take(6)
    filters = []
    for _ in range(count):
        number = fields.uint(2)
        name_size = fields.uint(2) if version == 1 or number >= _FIRST_PLUGIN else 0
        fields.take(2)
        values = fields.uint(2)
        name = decode(fields.take(name_size).partition(b"\0")[0])
        if version == 1:
            fields.take(-name_size % 8)
        fields.take(4 * values)
        if version == 1 and values % 2:
            fields.take(4)
        filters.append(Filter(number=number, name=name))
    return tuple(filters)


def read_external_files(image: Image, body: bytes) -> tuple[ExternalFile, ...]:
    """
    Return the external files of a dataset.

    Raises:
        MalformedContentError: They do not follow the format.
    """
    fields = Fields(body, image=image, what=_EXTERNAL)
    fields.version(1)
    fields.take(3 + 2)
    count = fields.uint(2)
    heap = LocalHeap(image, fields.address())
    return tuple(
        ExternalFile(name=heap.text(fields.length()), offset=fields.length(), size=fields.length())
        for _ in range(count)
    )
