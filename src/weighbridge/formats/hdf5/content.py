"""The contents of datasets that hold strings or bytes, in which programs keep their objects."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.core.limits.weights import MAX_HDF5_VALUES
from weighbridge.formats.hdf5.attribute import count_of
from weighbridge.formats.hdf5.chunks import decode_chunk, read_chunks
from weighbridge.formats.hdf5.file import Hdf5File
from weighbridge.formats.hdf5.image import Fields, malformed, too_large
from weighbridge.formats.hdf5.values import Dataset, LayoutKind, TypeClass

_WHAT: Final = "dataset"
_FLAT: Final = (TypeClass.STRING, TypeClass.OPAQUE)
_START_BYTES: Final = 16
_BYTES: Final = (TypeClass.INTEGER, TypeClass.BITS)


def holds_bytes(dataset: Dataset) -> bool:
    """Tell whether the elements are strings, opaque or single bytes, and in this file."""
    kind = dataset.datatype
    if dataset.external or dataset.layout.kind is LayoutKind.VIRTUAL:
        return False
    return kind.kind in _FLAT or (kind.kind in _BYTES and kind.size == 1)


def holds_sequences(dataset: Dataset) -> bool:
    """Tell whether the elements are sequences of single bytes, or one string, in this file."""
    kind = dataset.datatype
    if dataset.external or kind.kind is not TypeClass.SEQUENCE:
        return False
    if dataset.layout.kind is LayoutKind.VIRTUAL:
        return False
    if kind.text:
        return count_of(dataset.shape) == 1
    return kind.parts[0].kind in _BYTES and kind.parts[0].size == 1


def read_flat(file: Hdf5File, dataset: Dataset) -> ByteSource:
    """
    Return the elements of a dataset as one run of bytes; those in one piece are not read here.

    Raises:
        MalformedContentError: They are not within the file, or not readable.
        LimitExceededError: They are in chunks, and more than `MAX_TEXT_BYTES`.
    """
    size = count_of(dataset.shape) * dataset.datatype.size
    layout = dataset.layout
    match layout.kind:
        case LayoutKind.COMPACT:
            return BytesSource(layout.data[:size])
        case LayoutKind.CONTIGUOUS:
            if layout.address is None:
                return BytesSource(b"")
            return _region(file, layout.address, size)
        case LayoutKind.CHUNKED:
            return BytesSource(_assemble(file, dataset, size))
        case LayoutKind.VIRTUAL:
            raise malformed(_WHAT, expected="elements in this file", found="a virtual dataset")


def read_start(file: Hdf5File, dataset: Dataset) -> bytes:
    """
    Return the first bytes of a dataset of one dimension; of one in chunks, reads the first only.

    Raises:
        MalformedContentError: They are not within the file, or not readable.
        LimitExceededError: The first chunk has more than `MAX_TEXT_BYTES`.
    """
    if dataset.layout.kind is not LayoutKind.CHUNKED:
        return read_flat(file, dataset).read_at(0, _START_BYTES)
    for chunk in read_chunks(file.image, dataset):
        if not any(chunk.start):
            return decode_chunk(file.image, dataset, chunk)[:_START_BYTES]
    return b""


def _region(file: Hdf5File, address: int, size: int) -> ByteSource:
    """Return the bytes at *address*."""
    begin = file.image.base + address
    if begin + size > file.image.source.size:
        found = f"{size} bytes at address {address}"
        raise malformed(_WHAT, expected="bytes within the file", found=found)
    return RegionSource(file.image.source, offset=begin, length=size)


def _assemble(file: Hdf5File, dataset: Dataset, size: int) -> bytes:
    """Return the elements of a chunked dataset of one dimension."""
    if len(dataset.layout.chunk) != 1:
        raise malformed(_WHAT, expected="chunks of one dimension", found="more")
    if size > MAX_TEXT_BYTES:
        raise too_large("bytes of a dataset", limit=MAX_TEXT_BYTES)
    data = bytearray(size)
    width = dataset.datatype.size
    for chunk in read_chunks(file.image, dataset):
        start = chunk.start[0] * width
        if start < size:
            piece = decode_chunk(file.image, dataset, chunk)[: size - start]
            data[start : start + len(piece)] = piece
    return bytes(data)


def read_sequences(file: Hdf5File, dataset: Dataset) -> Iterator[ByteSource]:
    """
    Yield the elements of a dataset of sequences; none of them is read here.

    Raises:
        MalformedContentError: They are not within the file, or not readable.
        LimitExceededError: There are more than `MAX_HDF5_VALUES`.
    """
    count = count_of(dataset.shape)
    if count > MAX_HDF5_VALUES:
        raise too_large("sequences", limit=MAX_HDF5_VALUES)
    source = read_flat(file, dataset)
    width = dataset.datatype.size
    for at in range(source.size // width):
        element = source.read_at(at * width, width)
        fields = Fields(element, image=file.image, what=_WHAT)
        length, address, index = fields.uint(4), fields.offset(), fields.uint(4)
        if length and address:
            start, size = file.heap.find(address, index)
            yield _region(file, start, min(size, length))
