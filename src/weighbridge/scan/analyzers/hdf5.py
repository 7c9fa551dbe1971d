"""
HDF5: weights, whole models of Keras, tables of pandas and PyTables.

No array is read. What is looked at: where else the file leads (external files, links, virtual
datasets, plugins), configurations of Keras in attributes, pickles in attributes and datasets,
and what stands before and behind the HDF5 part of the file.
"""

import math
from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.evidence import Gap
from weighbridge.core.values import frozen
from weighbridge.formats import hdf5
from weighbridge.formats.hdf5 import Attribute, Dataset, Hdf5File, Link, LinkKind, Object, TypeClass
from weighbridge.formats.sniff import sniff
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.keras.document import configuration_facts
from weighbridge.scan.pytables import is_old_filters


@frozen
class Hdf5StructureFacts(Facts):
    """
    Something that breaks the format, or makes other bytes count than those of the file.

    Attributes:
        where: Path of the object.
        problem: What it is.
    """

    where: str
    problem: str


@frozen
class Hdf5LinkFacts(Facts):
    """
    A name that leads out of the file.

    Attributes:
        where: Path of the group.
        link: The link.
    """

    where: str
    link: Link


@frozen
class Hdf5DatasetFacts(Facts):
    """
    A dataset that does not simply lie in the file.

    Attributes:
        where: Its path.
        dataset: Where its elements are.
        declared: Bytes that reading it makes.
    """

    where: str
    dataset: Dataset
    declared: int


@frozen
class Hdf5PickleFacts(Facts):
    """
    The pickles in attributes and datasets of a file.

    Attributes:
        count: How many of them were examined.
        where: The first of those.
        unread: A dataset of pickles that was not examined, and why; empty where all were.
    """

    count: int = 0
    where: tuple[str, ...] = ()
    unread: str = ""


@frozen
class Hdf5BlockFacts(Facts):
    """
    Bytes before or behind the HDF5 part of the file.

    Attributes:
        start: Where they start.
        size: How many there are.
        head: The first of them.
        behind: Whether they are behind it.
    """

    start: int
    size: int
    head: bytes
    behind: bool


_CONFIGURATIONS: Final = frozenset({"keras_config", "model_config", "training_config"})
_PICKLES: Final = frozenset({FileFormat.JOBLIB, FileFormat.PICKLE, FileFormat.TORCH_LEGACY})
_PICKLE_STARTS: Final = tuple(bytes((0x80, version)) for version in range(2, 6))
_STRINGS: Final = (TypeClass.STRING, TypeClass.SEQUENCE, TypeClass.OPAQUE)
_OBJECTS: Final = ("PSEUDOATOM", b"object")
_HEAD_BYTES: Final = 128
_FILLING: Final = b"\0\t\n\r "
_SHORTEST_PICKLE: Final = 2
_SMALL: Final = 4096
_SHOWN: Final = 8


def analyze(subject: Subject) -> Analysis:
    """
    Yield where the file leads, the configurations and the pickles in it, and what breaks it.

    Raises:
        MalformedContentError: It has no superblock that makes sense.
        LimitExceededError: It has more objects than the limits allow.
    """
    file = Hdf5File(subject.source, checkpoint=subject.check_time)
    yield from _outside(subject, file)
    pickles: list[str] = []
    for found in _walk(subject, file):
        yield found
        if isinstance(found, Subject) and found.format in _PICKLES:
            pickles.append((found.member or "").rpartition("!")[2])
    if pickles:
        shown = tuple(pickles[:_SHOWN])
        yield Hdf5PickleFacts(subject=subject, count=len(pickles), where=shown)


def _walk(subject: Subject, file: Hdf5File) -> Analysis:
    """Yield what there is to say of each object."""
    for item in file.walk():
        subject.check_time()
        if isinstance(item, hdf5.Problem):
            yield Hdf5StructureFacts(subject=subject, where=item.path, problem=item.reason)
            yield subject.gap(f"{item.path[:200]}: {item.reason}")
            continue
        yield from _links(subject, item)
        for attribute in item.attributes:
            yield from _attribute(subject, item, attribute)
        if item.dataset is not None:
            yield from _dataset(subject, file, item, item.dataset)


def _outside(subject: Subject, file: Hdf5File) -> Iterator[Facts | Subject]:
    """Yield what is before and behind the HDF5 part, without what fills it up."""
    end = min(max(file.superblock.end, file.superblock.base), subject.source.size)
    for start, stop, behind in (
        (0, file.superblock.base, False),
        (end, subject.source.size, True),
    ):
        block = RegionSource(subject.source, offset=start, length=stop - start)
        size = _length_without_filling(subject, block)
        if not size:
            continue
        block = RegionSource(subject.source, offset=start, length=size)
        head = block.read_at(0, _HEAD_BYTES)
        yield Hdf5BlockFacts(subject=subject, start=start, size=size, head=head, behind=behind)
        found = sniff(block, name="").format
        if found not in (FileFormat.TEXT, FileFormat.UNKNOWN, FileFormat.EMPTY):
            member = "behind the end" if behind else "user block"
            yield subject.nested(member=member, format=found, source=block)
    if not file.superblock.base < file.superblock.end <= subject.source.size:
        problem = f"the file ends at byte {subject.source.size}, and says {file.superblock.end}"
        yield Hdf5StructureFacts(subject=subject, where="/", problem=problem)


def _length_without_filling(subject: Subject, block: ByteSource) -> int:
    """Return the length of *block* without the zeros and white space at its end."""
    size = block.size
    while size:
        subject.check_time()
        length = min(size, 1 << 20)
        piece = block.read_at(size - length, length).rstrip(_FILLING)
        if piece:
            return size - length + len(piece)
        size -= length
    return 0


def _links(subject: Subject, item: Object) -> Iterator[Facts]:
    """Yield the links of a group that lead out of the file."""
    for link in item.links:
        if link.kind in (LinkKind.EXTERNAL, LinkKind.USER_DEFINED):
            yield Hdf5LinkFacts(subject=subject, where=item.path, link=link)


def _attribute(
    subject: Subject, item: Object, attribute: Attribute
) -> Iterator[Facts | Subject | Gap]:
    """Yield the configuration or the pickles that an attribute holds."""
    if attribute.datatype.kind not in _STRINGS and attribute.datatype.size != 1:
        return
    where = f"{item.path}@{attribute.name[:200]}"
    for value in attribute.values or ():
        if attribute.name in _CONFIGURATIONS or (value[:1] == b"{" and b'"class_name"' in value):
            inner = subject.nested(member=where, format=FileFormat.JSON, source=BytesSource(value))
            yield from configuration_facts(inner, value, what=where)
        elif len(value) >= _SHORTEST_PICKLE and not is_old_filters(value):
            yield from _pickle(subject, where, BytesSource(value))


def _pickle(
    subject: Subject, where: str, source: ByteSource, *, objects: bool = False
) -> Iterator[Subject]:
    """
    Yield *source* where an unpickler takes it.

    Text without a full stop is passed over, since a pickle of text ends with one; a binary one
    does its work even if it breaks off. Where *objects* are kept, no text is expected.
    """
    head = source.read_at(0, _SMALL)
    possible = objects or source.size > _SMALL or b"." in head or head.startswith(_PICKLE_STARTS)
    if not possible:
        return
    found = sniff(source, name="").format
    if found in _PICKLES:
        yield subject.nested(member=where, format=found, source=source)


def _dataset(
    subject: Subject, file: Hdf5File, item: Object, dataset: Dataset
) -> Iterator[Facts | Subject | Gap]:
    """Yield where a dataset's elements are, and the pickles among them."""
    declared = math.prod(dataset.shape or (0,)) * dataset.datatype.size
    yield Hdf5DatasetFacts(subject=subject, where=item.path, dataset=dataset, declared=declared)
    objects = any(a.name == _OBJECTS[0] and a.values == (_OBJECTS[1],) for a in item.attributes)
    try:
        if hdf5.holds_bytes(dataset):
            yield from _flat(subject, file, item, dataset)
        elif hdf5.holds_sequences(dataset):
            for element in hdf5.read_sequences(file, dataset):
                subject.check_time()
                if objects or element.read_at(0, 2).startswith(_PICKLE_STARTS):
                    yield from _pickle(subject, item.path, element, objects=objects)
    except (MalformedContentError, LimitExceededError) as error:
        if isinstance(error, LimitExceededError) and error.code is Code.SCAN_TIMEOUT:
            raise
        # Numbers that cannot be read are tensors like any other: nobody unpickles them unasked.
        if objects or dataset.datatype.kind in _STRINGS:
            yield from _unread(subject, item, error, objects=objects)


def _unread(
    subject: Subject,
    item: Object,
    error: MalformedContentError | LimitExceededError,
    *,
    objects: bool,
) -> Iterator[Facts | Gap]:
    """Yield that values were not read that may be pickles, or are such for PyTables."""
    reason = f"{item.path[:200]}: {error}"
    if objects:
        yield Hdf5PickleFacts(subject=subject, unread=reason)
    limit = isinstance(error, LimitExceededError)
    yield subject.gap(reason, code=Code.SCAN_LIMIT if limit else Code.SCAN_MALFORMED)


def _flat(subject: Subject, file: Hdf5File, item: Object, dataset: Dataset) -> Iterator[Subject]:
    """Yield the pickle that a dataset of bytes or strings is."""
    if dataset.layout.kind is hdf5.LayoutKind.CHUNKED and len(dataset.layout.chunk) != 1:
        return
    numbers = dataset.datatype.kind not in _STRINGS
    if numbers and not hdf5.read_start(file, dataset).startswith(_PICKLE_STARTS):
        return
    content = hdf5.read_flat(file, dataset)
    if not numbers or _looks_pickled(content, flat=len(dataset.shape or ()) <= 1):
        yield from _pickle(subject, item.path, content)


def _looks_pickled(source: ByteSource, *, flat: bool) -> bool:
    """
    Tell whether bytes that may be numbers, and start as a pickle does, are one.

    Of *flat* ones the start is enough; arrays of more dimensions are numbers unless they end so.
    """
    tail = source.read_at(max(0, source.size - _SMALL), _SMALL)
    return flat or tail.rstrip(b"\0")[-1:] == b"."
