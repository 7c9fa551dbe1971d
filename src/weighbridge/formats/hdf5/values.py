"""What an HDF5 file holds, as values."""

from enum import IntEnum, StrEnum

from weighbridge.core.values import frozen


class TypeClass(IntEnum):
    """The class of a datatype; the value is the number in the file (specification IV.A.2.d)."""

    INTEGER = 0
    FLOAT = 1
    TIME = 2
    STRING = 3
    BITS = 4
    OPAQUE = 5
    COMPOUND = 6
    REFERENCE = 7
    ENUM = 8
    SEQUENCE = 9
    ARRAY = 10
    COMPLEX = 11


@frozen
class Datatype:
    """
    The type of an element.

    Attributes:
        kind: Its class.
        size: Bytes of an element; of a variable-length one, of its place in the global heap.
        text: Whether a sequence is a variable-length string.
        tag: What an opaque type calls itself.
        parts: Types of the members, or the base type; empty for simple types.
    """

    kind: TypeClass
    size: int
    text: bool = False
    tag: str = ""
    parts: tuple["Datatype", ...] = ()


class ObjectKind(StrEnum):
    """What an object of the file is."""

    GROUP = "group"
    DATASET = "dataset"
    DATATYPE = "datatype"


class LinkKind(StrEnum):
    """How a name of a group leads to what it names."""

    HARD = "hard"
    SOFT = "soft"
    EXTERNAL = "external"
    USER_DEFINED = "user-defined"


@frozen
class Link:
    """
    A name in a group.

    Attributes:
        name: The name.
        kind: Hard links lead to an object of the file by its address.
        address: The object, for hard links.
        file: The other file, for external links.
        target: The path that a soft or an external link leads to.
    """

    name: str
    kind: LinkKind
    address: int | None = None
    file: str = ""
    target: str = ""


@frozen
class Attribute:
    """
    A small value that is attached to an object.

    Attributes:
        name: The name.
        datatype: Type of an element.
        shape: Extents; empty for a scalar, None for no value at all.
        values: The strings, or the contents of the sequences, one for each element; for other
            types the bytes of all elements as one. None where they could not be read.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...] | None
    values: tuple[bytes, ...] | None


class LayoutKind(IntEnum):
    """Where a dataset's elements are; the value is the number in the file."""

    COMPACT = 0
    CONTIGUOUS = 1
    CHUNKED = 2
    VIRTUAL = 3


class ChunkIndex(IntEnum):
    """How the chunks of a dataset are found; the values from 1 are those of the file."""

    BTREE_1 = 0
    SINGLE = 1
    IMPLICIT = 2
    FIXED_ARRAY = 3
    EXTENSIBLE_ARRAY = 4
    BTREE_2 = 5


@frozen
class Layout:
    """
    Where a dataset's elements are.

    Attributes:
        kind: The way in which they are stored.
        address: Of the elements, of the chunks' index, or of the heap that lists the sources;
            None where nothing was stored yet.
        size: Bytes of elements that are stored as one; of the only chunk, where that is filtered.
        data: The elements, where they are in the object's header.
        chunk: Extents of a chunk.
        index: How chunks are found.
        heap_index: Which object of the heap lists the sources of a virtual dataset.
    """

    kind: LayoutKind
    address: int | None = None
    size: int | None = None
    data: bytes = b""
    chunk: tuple[int, ...] = ()
    index: ChunkIndex = ChunkIndex.BTREE_1
    heap_index: int = 0


@frozen
class Filter:
    """
    A filter that a dataset's chunks pass through.

    Attributes:
        number: The registered number; from 256 on a shared library, found by the number.
        name: What the file calls it.
    """

    number: int
    name: str = ""


@frozen
class ExternalFile:
    """A part of another file that holds elements of a dataset."""

    name: str
    offset: int
    size: int


@frozen
class VirtualSource:
    """A dataset, perhaps of another file, of which a virtual dataset shows a part."""

    file: str
    dataset: str


@frozen
class Dataset:
    """
    An array, without its elements.

    Attributes:
        datatype: Type of an element.
        shape: Extents; empty for a scalar, None for no element at all.
        layout: Where the elements are.
        filters: What stored chunks pass through, in the order of writing.
        external: Other files that hold the elements.
        sources: Datasets that a virtual one is made of.
    """

    datatype: Datatype
    shape: tuple[int, ...] | None
    layout: Layout
    filters: tuple[Filter, ...] = ()
    external: tuple[ExternalFile, ...] = ()
    sources: tuple[VirtualSource, ...] = ()


@frozen
class Object:
    """
    An object of the file, at the first path that leads to it.

    Attributes:
        path: Names from the root on, each behind a slash; `/` for the root group.
        kind: Group, dataset or committed datatype.
        attributes: In the order of the file.
        links: The names of a group.
        dataset: What there is to know of a dataset.
    """

    path: str
    kind: ObjectKind
    attributes: tuple[Attribute, ...] = ()
    links: tuple[Link, ...] = ()
    dataset: Dataset | None = None


@frozen
class Problem:
    """Something that breaks the format, or that this reader does not read, and where."""

    path: str
    reason: str


@frozen
class Superblock:
    """
    The start of an HDF5 file.

    Attributes:
        version: 0 to 3.
        base: Bytes before it, which belong to the user.
        end: Where the file ends by its own account.
        root: Address of the root group.
        cached: Addresses of the root group's B-tree and heap, where the superblock repeats them.
        extension: Address of an object header with more to say, where there is one.
    """

    version: int
    base: int
    end: int
    root: int
    cached: tuple[int, int] | None = None
    extension: int | None = None
