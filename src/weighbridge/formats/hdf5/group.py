"""The links of a group, however the group keeps them (specification III.A to C, IV.A.2.g, r)."""

from collections.abc import Iterator
from typing import Final

from weighbridge.formats.hdf5.btree1 import GROUP_TREE, read_children
from weighbridge.formats.hdf5.btree2 import read_records
from weighbridge.formats.hdf5.fractal_heap import FractalHeap
from weighbridge.formats.hdf5.heaps import LocalHeap
from weighbridge.formats.hdf5.image import Fields, Image, decode, malformed
from weighbridge.formats.hdf5.values import Link, LinkKind

_LINK: Final = "link message"
_NODE: Final = "symbol table node"
_CACHED_GROUP: Final = 1
_CACHED_SOFT: Final = 2
_SCRATCH_BYTES: Final = 16

_HARD: Final = 0
_SOFT: Final = 1
_EXTERNAL: Final = 64
_HAS_ORDER: Final = 0x04
_HAS_KIND: Final = 0x08
_HAS_CHARSET: Final = 0x10
_TRACKS_ORDER: Final = 0x01
_INDEXES_ORDER: Final = 0x02

BY_NAME: Final = 5
BY_ORDER: Final = 6
_HASH_BYTES: Final = 4
_ORDER_BYTES: Final = 8

CachedGroup = tuple[int, int]
"""Addresses of a group's B-tree and heap, as a link to the group repeats them."""


def read_symbol_table(image: Image, body: bytes) -> CachedGroup:
    """Return the addresses of B-tree and heap that a symbol table message has."""
    fields = Fields(body, image=image, what="symbol table message")
    return fields.address(), fields.address()


def read_old_links(image: Image, place: CachedGroup) -> Iterator[tuple[Link, CachedGroup | None]]:
    """
    Yield the links of a group with a symbol table, each with what it repeats of its target.

    Raises:
        MalformedContentError: They do not follow the format.
    """
    tree, heap_address = place
    heap = LocalHeap(image, heap_address)
    nodes = read_children(image, tree, kind=GROUP_TREE, key_size=image.length_size)
    for node in nodes:
        head = image.fields(node.address, 8, what=_NODE, magic=b"SNOD")
        head.version(1)
        head.take(1)
        count = head.uint(2)
        size = 2 * image.offset_size + 8 + _SCRATCH_BYTES
        entries = image.fields(node.address + 8, count * size, what=_NODE)
        for _ in range(count):
            yield _take_entry(image, entries, heap)


def _take_entry(image: Image, entries: Fields, heap: LocalHeap) -> tuple[Link, CachedGroup | None]:
    """Take one symbol table entry."""
    name_at = entries.uint(image.offset_size)
    address = entries.offset()
    kind = entries.uint(4)
    entries.take(4)
    scratch = Fields(entries.take(_SCRATCH_BYTES), image=image, what=_NODE)
    name = heap.text(name_at)
    if kind == _CACHED_SOFT:
        target = heap.text(scratch.uint(4))
        return Link(name=name, kind=LinkKind.SOFT, target=target), None
    cached = None
    if kind == _CACHED_GROUP:
        cached = scratch.uint(image.offset_size), scratch.uint(image.offset_size)
    return Link(name=name, kind=LinkKind.HARD, address=address), cached


def read_link(image: Image, body: bytes) -> Link:
    """
    Return the link of a link message.

    Raises:
        MalformedContentError: It does not follow the format.
    """
    fields = Fields(body, image=image, what=_LINK)
    fields.version(1)
    flags = fields.uint(1)
    kind = fields.uint(1) if flags & _HAS_KIND else _HARD
    fields.take(_ORDER_BYTES if flags & _HAS_ORDER else 0)
    fields.take(1 if flags & _HAS_CHARSET else 0)
    name = decode(fields.take(fields.uint(1 << (flags & 3))))
    if kind == _HARD:
        return Link(name=name, kind=LinkKind.HARD, address=fields.address())
    value = fields.take(fields.uint(2))
    if kind == _SOFT:
        return Link(name=name, kind=LinkKind.SOFT, target=decode(value))
    if kind == _EXTERNAL:
        inner = Fields(value, image=image, what=_LINK)
        inner.take(1)  # version and flags, both 0 so far
        file, target = inner.text(), inner.text()
        return Link(name=name, kind=LinkKind.EXTERNAL, file=file, target=target)
    return Link(name=name, kind=LinkKind.USER_DEFINED, target=f"class {kind}")


def read_dense_links(image: Image, body: bytes) -> Iterator[Link]:
    """
    Yield the links that a link info message leads to: those of its heap, by both its indexes.

    Raises:
        MalformedContentError: They do not follow the format.
    """
    fields = Fields(body, image=image, what="link info message")
    fields.version(0)
    flags = fields.uint(1)
    fields.take(_ORDER_BYTES if flags & _TRACKS_ORDER else 0)
    heap_address, by_name = fields.offset(), fields.offset()
    by_order = fields.offset() if flags & _INDEXES_ORDER else None
    if heap_address is None:
        return
    heap = FractalHeap(image, heap_address)
    seen: set[bytes] = set()
    for index in (by_name, by_order):
        if index is None:
            continue
        for number in _numbers(image, index, heap):
            if number not in seen:
                seen.add(number)
                yield read_link(image, heap.value(number))


def _numbers(image: Image, index: int, heap: FractalHeap) -> Iterator[bytes]:
    """Yield the heap numbers in an index of links: behind a hash, or behind the order."""
    for record in read_records(image, index, kinds=(BY_NAME, BY_ORDER)):
        prefix = len(record) - heap.id_size
        if prefix not in (_HASH_BYTES, _ORDER_BYTES):
            found = f"records of {len(record)} bytes"
            raise malformed("index of links", expected="a hash and a number", found=found)
        yield record[prefix:]
