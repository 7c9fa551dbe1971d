"""
Models of CRFsuite (`crf1d_model.c`): numbers, and the names of labels and attributes.

The file is a header and five chunks: features, two tables of names (CQDB), and two tables of
which features a label or an attribute has. CRFsuite compares none of the numbers in it with
anything: it takes them for places to read and, where a feature names its label, to write. So each
of them is held here against what it leads to, and every byte belongs to something.
"""

import struct
from collections.abc import Callable
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.weights import MAX_CRFSUITE_BYTES, MAX_CRFSUITE_LABELS
from weighbridge.core.values import frozen
from weighbridge.formats.crfsuite.names import check_names
from weighbridge.formats.crfsuite.numbers import numbers_in, refuse

MAGIC: Final = b"lCRF"
KIND: Final = b"FOMC"
"""A first-order Markov model, which is the only kind there is."""
KIND_AT: Final = 8

_HEADER: Final = struct.Struct("<4sI4s4I5I")
_VERSION: Final = 100
_CHUNK: Final = struct.Struct("<4sII")
_FEATURE: Final = struct.Struct("<IIId")
_STATE: Final = 0
"""A feature of an attribute and a label; of two labels where it is 1."""
_HEAVIEST: Final = 1e100
"""Weights add up to what is no number from 1e308 on, and then CRFsuite finds no best label."""
_NUMBER_BYTES: Final = 4
_ALIGNMENT: Final = 4
_SPARE_LABELS: Final = 2
"""Places in the table of labels for a beginning and an end, which nothing is written for."""
_WINDOW: Final = 4096
"""Features that are looked at at once, and lists after which to ask whether to go on."""
_PADDING: Final = frozenset({b"", bytes(1), bytes(2), bytes(3)})


@frozen
class _Counts:
    """How many there are of each."""

    features: int
    labels: int
    attributes: int


@frozen
class _Chunk:
    """Where a chunk lies: it ends where the next one starts, or the file does."""

    tag: bytes
    start: int
    end: int


def check_crfsuite(source: ByteSource, *, between: Callable[[], None]) -> None:
    """
    Hold a CRFsuite model against itself and against the file.

    Guarantees: whatever CRFsuite does with the model, opening, tagging, dumping, it reads and
    writes only what the model or the memory that it takes for it has room for, and comes to an
    end. *between* is called again and again while tables are read; what it raises goes through.

    Raises:
        MalformedContentError: A number or a mark does not fit, or bytes are left over.
        LimitExceededError: The file or the number of labels is beyond any model's.
    """
    head = _read(source, 0, _HEADER.size)
    magic, size, kind, version, _, labels, attributes, *starts = _HEADER.unpack(head)
    if (magic, kind, version) != (MAGIC, KIND, _VERSION):
        refuse("a model of the kind FOMC, version 100", f"{kind!r}, version {version}")
    if size != source.size:
        refuse(f"the size of the file, {source.size} bytes", f"{size} bytes")
    bounds = [*starts, size]
    if bounds != sorted(bounds) or starts[0] != _HEADER.size:
        refuse("chunks in their order, behind the header", f"chunks at {starts}")
    _check_size(size, labels)
    tags = (b"FEAT", b"CQDB", b"CQDB", b"LFRF", b"AFRF")
    chunks = [
        _Chunk(tag=tag, start=start, end=end)
        for tag, start, end in zip(tags, starts, bounds[1:], strict=True)
    ]
    _, features = _open(source, chunks[0])
    counts = _Counts(features=features, labels=labels, attributes=attributes)
    _check_features(source, chunks[0], counts, between)
    for chunk, count in zip(chunks[1:3], (labels, attributes), strict=True):
        names = _read(source, chunk.start, _open(source, chunk)[0])
        check_names(names, count=count, between=between)
    _check_references(source, chunks[3], counts.labels, counts, between)
    _check_references(source, chunks[4], counts.attributes, counts, between)


def _check_size(size: int, labels: int) -> None:
    """Refuse what takes more memory than a model does: CRFsuite has a table of label by label."""
    if size > MAX_CRFSUITE_BYTES or labels > MAX_CRFSUITE_LABELS:
        raise LimitExceededError(
            "the CRFsuite model is too large",
            expected=f"at most {MAX_CRFSUITE_BYTES} bytes and {MAX_CRFSUITE_LABELS} labels",
            found=f"{size} bytes and {labels} labels",
        )
    if not labels:
        refuse("a label at least", "none")


def _open(source: ByteSource, chunk: _Chunk) -> tuple[int, int]:
    """Return the size of *chunk* and the number behind it; nothing but padding follows it."""
    tag, size, number = _CHUNK.unpack(_read(source, chunk.start, _CHUNK.size))
    room = chunk.end - chunk.start
    if tag != chunk.tag or not _CHUNK.size <= size <= room < size + _ALIGNMENT:
        refuse(f"a chunk {chunk.tag!r} of {room} bytes", f"{tag!r} of {size} bytes")
    if _read(source, chunk.start + size, room - size) not in _PADDING:
        refuse("zeros up to the next chunk", "other bytes")
    return size, number


def _check_features(
    source: ByteSource, chunk: _Chunk, counts: _Counts, between: Callable[[], None]
) -> None:
    """Each feature leads from an attribute or a label to a label, with a weight to add up."""
    size, number = _open(source, chunk)
    if _CHUNK.size + number * _FEATURE.size != size:
        refuse(f"{number} features of {_FEATURE.size} bytes", f"a chunk of {size} bytes")
    sources = (counts.attributes, counts.labels)
    first = chunk.start + _CHUNK.size
    for at in range(first, first + number * _FEATURE.size, _WINDOW * _FEATURE.size):
        between()
        end = min(at + _WINDOW * _FEATURE.size, chunk.start + size)
        for kind, origin, label, weight in _FEATURE.iter_unpack(_read(source, at, end - at)):
            if kind not in (_STATE, 1) or origin >= sources[kind] or label >= counts.labels:
                refuse("a feature of an attribute or a label, and a label", f"{origin} to {label}")
            if not -_HEAVIEST <= weight <= _HEAVIEST:
                refuse(f"a weight of at most {_HEAVIEST}", str(weight))


def _check_references(
    source: ByteSource,
    chunk: _Chunk,
    count: int,
    counts: _Counts,
    between: Callable[[], None],
) -> None:
    """
    Each of *count* labels or attributes has a list of features, and the lists fill the chunk.

    One for each and none for two: lists that many share make a small file a large model.
    """
    size, number = _open(source, chunk)
    first = _CHUNK.size + number * _NUMBER_BYTES
    if not count <= number <= count + _SPARE_LABELS or first > size or size % _NUMBER_BYTES:
        refuse(f"{count} offsets within {size} bytes", f"{number}")
    numbers = numbers_in(_read(source, chunk.start, size))
    offsets = numbers[_CHUNK.size // _NUMBER_BYTES : first // _NUMBER_BYTES]
    at = first // _NUMBER_BYTES
    for one in range(count):
        if not one % _WINDOW:
            between()
        start = chunk.start + at * _NUMBER_BYTES
        if at >= len(numbers) or offsets[one] != start:
            refuse(f"a list at {start}, behind the one before", f"{offsets[one]}")
        behind = at + 1 + numbers[at]
        if behind > len(numbers) or max(numbers[at + 1 : behind], default=-1) >= counts.features:
            refuse(f"numbers of {counts.features} features within the chunk", f"a list at {start}")
        at = behind
    if at != len(numbers) or any(offsets[count:]):
        refuse("nothing behind the last list", f"{len(numbers) - at} numbers")


def _read(source: ByteSource, at: int, count: int) -> bytes:
    data = source.read_at(at, count)
    if len(data) != count:
        refuse(f"{count} bytes at byte {at}", f"{len(data)}")
    return data
