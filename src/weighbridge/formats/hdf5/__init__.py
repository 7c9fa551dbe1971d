"""
The structure of HDF5 files, without their arrays (HDF5 File Format Specification, version 3.0).

HDF5 is a file system in a file: trees and heaps of objects, where a dataset may lie in another
file, a link may lead to one, and a chunk may pass through a library that its number finds. The
reader follows every object that a path leads to, by every index that there is, and reads small
values; what breaks the format is a value, and the rest is still read.
"""

from weighbridge.formats.hdf5.content import (
    holds_bytes,
    holds_sequences,
    read_flat,
    read_sequences,
    read_start,
)
from weighbridge.formats.hdf5.file import Hdf5File
from weighbridge.formats.hdf5.values import (
    Attribute,
    ChunkIndex,
    Dataset,
    Datatype,
    ExternalFile,
    Filter,
    Layout,
    LayoutKind,
    Link,
    LinkKind,
    Object,
    ObjectKind,
    Problem,
    Superblock,
    TypeClass,
    VirtualSource,
)

__all__ = [
    "Attribute",
    "ChunkIndex",
    "Dataset",
    "Datatype",
    "ExternalFile",
    "Filter",
    "Hdf5File",
    "Layout",
    "LayoutKind",
    "Link",
    "LinkKind",
    "Object",
    "ObjectKind",
    "Problem",
    "Superblock",
    "TypeClass",
    "VirtualSource",
    "holds_bytes",
    "holds_sequences",
    "read_flat",
    "read_sequences",
    "read_start",
]
