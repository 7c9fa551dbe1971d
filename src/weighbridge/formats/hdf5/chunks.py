"""Chunks of a dataset: where they are, and what they hold (specification III.A.1, VII)."""

import math
import zlib
from collections.abc import Iterator
from typing import Final

from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.core.limits.weights import MAX_HDF5_ITEMS
from weighbridge.core.values import frozen
from weighbridge.formats.hdf5.btree1 import CHUNK_TREE, read_children
from weighbridge.formats.hdf5.image import Fields, Image, malformed, too_large
from weighbridge.formats.hdf5.values import ChunkIndex, Dataset

DEFLATE: Final = 1
SHUFFLE: Final = 2
FLETCHER32: Final = 3

_WHAT: Final = "chunk"
_CHECKSUM_BYTES: Final = 4


@frozen
class Chunk:
    """
    A stored chunk.

    Attributes:
        start: Index of its first element in each dimension.
        address: Where it is.
        size: Bytes of it as stored.
        mask: Filters that it did not pass through, by bit.
    """

    start: tuple[int, ...]
    address: int
    size: int
    mask: int


def read_chunks(image: Image, dataset: Dataset) -> Iterator[Chunk]:
    """
    Yield the stored chunks of a chunked dataset, as its index has them.

    Raises:
        MalformedContentError: The index does not follow the format, or is of a kind that this
            reader does not follow.
        LimitExceededError: More chunks than `MAX_HDF5_ITEMS`.
    """
    layout = dataset.layout
    if layout.address is None:
        return
    rank = len(layout.chunk)
    if layout.index is ChunkIndex.SINGLE:
        size = chunk_bytes(dataset) if layout.size is None else layout.size
        yield Chunk(start=(0,) * rank, address=layout.address, size=size, mask=0)
        return
    if layout.index is not ChunkIndex.BTREE_1:
        found = f"one of the kind {layout.index.name.lower()}"
        raise malformed(_WHAT, expected="an index of chunks that is read", found=found)
    key_size = 8 + 8 * (rank + 1)
    children = read_children(image, layout.address, kind=CHUNK_TREE, key_size=key_size)
    for count, child in enumerate(children):
        if count >= MAX_HDF5_ITEMS:
            raise too_large("chunks", limit=MAX_HDF5_ITEMS)
        key = Fields(child.key, image=image, what=_WHAT)
        size, mask = key.uint(4), key.uint(4)
        start = tuple(key.uint(8) for _ in range(rank))
        yield Chunk(start=start, address=child.address, size=size, mask=mask)


def chunk_bytes(dataset: Dataset) -> int:
    """Return the bytes of a chunk's elements."""
    return math.prod(dataset.layout.chunk) * dataset.datatype.size


def decode_chunk(image: Image, dataset: Dataset, chunk: Chunk) -> bytes:
    """
    Return the elements of *chunk*.

    Raises:
        MalformedContentError: A filter is none of the library's own simple ones, or fails.
        LimitExceededError: It has more than `MAX_TEXT_BYTES`.
    """
    most = chunk_bytes(dataset) + _CHECKSUM_BYTES * len(dataset.filters)
    if max(most, chunk.size) > MAX_TEXT_BYTES:
        raise too_large("bytes of a chunk", limit=MAX_TEXT_BYTES)
    data = image.read(chunk.address, chunk.size, what=_WHAT)
    for index, each in reversed(list(enumerate(dataset.filters))):
        if chunk.mask >> index & 1:
            continue
        match each.number:
            case kind if kind == DEFLATE:
                data = _inflate(data, most)
            case kind if kind == SHUFFLE:
                data = _unshuffle(data, dataset.datatype.size)
            case kind if kind == FLETCHER32:
                data = data[:-_CHECKSUM_BYTES]
            case kind:
                raise malformed(_WHAT, expected="a filter that is read", found=f"filter {kind}")
    return data


def _inflate(data: bytes, most: int) -> bytes:
    """Return *data* inflated."""
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(data, most + 1)
    except zlib.error as error:
        raise malformed(_WHAT, expected="a zlib stream", found=str(error)) from error
    if len(inflated) > most:
        raise malformed(_WHAT, expected=f"at most {most} bytes", found="more")
    return inflated


def _unshuffle(data: bytes, width: int) -> bytes:
    """Return *data* with the bytes of each element put together again."""
    count = len(data) // width
    elements = bytearray(count * width)
    for at in range(width):
        elements[at::width] = data[at * count : (at + 1) * count]
    return bytes(elements) + data[count * width :]
