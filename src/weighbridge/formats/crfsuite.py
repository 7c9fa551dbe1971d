"""
Models of CRFsuite (`crf1d_model.c`, `cqdb.c`): numbers, and the names of labels and attributes.

The file is a header and five chunks: features, two tables of names (CQDB), and two tables of
which features a label or an attribute has. CRFsuite trusts every size and offset in it, so those
of the header, of the chunks and of their tables are held against the file, which they have to
fill. The lists at the end of an offset are not read.
"""

import struct
from collections.abc import Callable
from typing import Final, NoReturn

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.values import frozen

MAGIC: Final = b"lCRF"
KIND: Final = b"FOMC"
"""A first-order Markov model, which is the only kind there is."""
KIND_AT: Final = 8

_HEADER: Final = struct.Struct("<4sI4s4I5I")
_VERSION: Final = 100
_CHUNK: Final = struct.Struct("<4sII")
_FEATURE_BYTES: Final = 20
_NAMES: Final = struct.Struct("<4s5I")
_BYTE_ORDER: Final = 0x62445371
_TABLES: Final = 256
_PAIR: Final = struct.Struct("<II")
_BUCKET_BYTES: Final = 8
_OFFSET: Final = struct.Struct("<I")
_ALIGNMENT: Final = 4
_WINDOW: Final = 16 * 1024
"""Bytes of offsets that are read at once."""
_PADDING: Final = frozenset({b"", bytes(1), bytes(2), bytes(3)})


@frozen
class _Chunk:
    """Where a chunk lies: it ends where the next one starts, or the file does."""

    tag: bytes
    start: int
    end: int


def check_crfsuite(source: ByteSource, *, between: Callable[[], None]) -> None:
    """
    Hold the frame of a CRFsuite model against the file.

    *between* is called again and again while tables are read; what it raises goes through.

    Raises:
        MalformedContentError: A size, an offset or a mark does not fit, or bytes are left over.
    """
    head = _read(source, 0, _HEADER.size)
    magic, size, kind, version, _, _, _, *starts = _HEADER.unpack(head)
    if (magic, kind, version) != (MAGIC, KIND, _VERSION):
        _refuse("a model of the kind FOMC, version 100", f"{kind!r}, version {version}")
    if size != source.size:
        _refuse(f"the size of the file, {source.size} bytes", f"{size} bytes")
    bounds = [*starts, size]
    if bounds != sorted(bounds) or starts[0] != _HEADER.size:
        _refuse("chunks in their order, behind the header", f"chunks at {starts}")
    tags = (b"FEAT", b"CQDB", b"CQDB", b"LFRF", b"AFRF")
    chunks = [
        _Chunk(tag=tag, start=start, end=end)
        for tag, start, end in zip(tags, starts, bounds[1:], strict=True)
    ]
    _check_features(source, chunks[0])
    for chunk in chunks[1:3]:
        _check_names(source, chunk)
    for chunk in chunks[3:]:
        _check_references(source, chunk, between)


def _open(source: ByteSource, chunk: _Chunk) -> tuple[int, int]:
    """Return the size of *chunk* and the number behind it; nothing but padding follows it."""
    tag, size, number = _CHUNK.unpack(_read(source, chunk.start, _CHUNK.size))
    room = chunk.end - chunk.start
    if tag != chunk.tag or not _CHUNK.size <= size <= room < size + _ALIGNMENT:
        _refuse(f"a chunk {chunk.tag!r} of {room} bytes", f"{tag!r} of {size} bytes")
    if _read(source, chunk.start + size, room - size) not in _PADDING:
        _refuse("zeros up to the next chunk", "other bytes")
    return size, number


def _check_features(source: ByteSource, chunk: _Chunk) -> None:
    """Features are of one size."""
    size, number = _open(source, chunk)
    if _CHUNK.size + number * _FEATURE_BYTES != size:
        _refuse(f"{number} features of {_FEATURE_BYTES} bytes", f"a chunk of {size} bytes")


def _check_names(source: ByteSource, chunk: _Chunk) -> None:
    """The hash tables and the list of a CQDB lie within it."""
    size, _ = _open(source, chunk)
    if size < _NAMES.size + _TABLES * _PAIR.size:
        _refuse(f"a CQDB with {_TABLES} tables", f"{size} bytes")
    _, _, _, order, number, at = _NAMES.unpack(_read(source, chunk.start, _NAMES.size))
    if order != _BYTE_ORDER:
        _refuse("the mark of a CQDB's byte order", hex(order))
    if at + number * _OFFSET.size > size:
        _refuse(f"a list that ends within {size} bytes", f"{number} names at {at}")
    tables = _read(source, chunk.start + _NAMES.size, _TABLES * _PAIR.size)
    for where, buckets in _PAIR.iter_unpack(tables):
        if where + buckets * _BUCKET_BYTES > size:
            _refuse(f"a table that ends within {size} bytes", f"{buckets} buckets at {where}")


def _check_references(source: ByteSource, chunk: _Chunk, between: Callable[[], None]) -> None:
    """Each offset is one within the chunk and behind the table, or none, which is 0."""
    size, number = _open(source, chunk)
    first = chunk.start + _CHUNK.size
    behind = first + number * _OFFSET.size
    if behind > chunk.start + size:
        _refuse(f"{number} offsets within the chunk", f"{size} bytes")
    for at in range(first, behind, _WINDOW):
        between()
        window = _read(source, at, min(_WINDOW, behind - at))
        for (offset,) in _OFFSET.iter_unpack(window):
            if offset and not behind <= offset <= chunk.end - _OFFSET.size:
                _refuse(f"offsets from {behind} to the end of the chunk", str(offset))


def _read(source: ByteSource, at: int, count: int) -> bytes:
    data = source.read_at(at, count)
    if len(data) != count:
        _refuse(f"{count} bytes at byte {at}", f"{len(data)}")
    return data


def _refuse(expected: str, found: str) -> NoReturn:
    raise MalformedContentError("the CRFsuite model cannot be read", expected=expected, found=found)
