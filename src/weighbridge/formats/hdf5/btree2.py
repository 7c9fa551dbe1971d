"""Version 2 B-trees: of links, attributes, large heap objects and chunks (specification III.A)."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.limits.weights import MAX_HDF5_DEPTH, MAX_HDF5_ITEMS
from weighbridge.core.values import frozen
from weighbridge.formats.hdf5.image import CHECKSUM_BYTES, Fields, Image, malformed, too_large

_WHAT: Final = "version 2 B-tree"
_NODE_OVERHEAD: Final = 4 + 1 + 1 + CHECKSUM_BYTES


@frozen
class _Tree:
    """
    The header of a tree, and how wide the counts in its nodes are.

    Attributes:
        counts: By level, bytes of the number of records of a node there.
        totals: By level, bytes of the number of records of such a node and all below it.
    """

    kind: int
    node_size: int
    record_size: int
    counts: int
    totals: tuple[int, ...]


def read_records(image: Image, address: int, *, kinds: tuple[int, ...]) -> Iterator[bytes]:
    """
    Yield the records of the tree at *address*, each at its first sight.

    Raises:
        MalformedContentError: It is no such tree, or a node has two parents.
        LimitExceededError: More nodes than `MAX_HDF5_ITEMS`, or levels than `MAX_HDF5_DEPTH`.
    """
    size = 4 + 1 + 1 + 4 + 2 + 2 + 1 + 1 + image.offset_size + 2 + image.length_size
    block = image.read(address, size + CHECKSUM_BYTES, what=_WHAT)
    image.check(block, what=_WHAT)
    fields = image.fields(address, size, what=_WHAT, magic=b"BTHD")
    fields.version(0)
    kind = fields.uint(1)
    if kind not in kinds:
        raise malformed(_WHAT, expected=f"type {kinds}", found=str(kind))
    node_size, record_size, depth = fields.uint(4), fields.uint(2), fields.uint(2)
    fields.take(2)
    root, count = fields.offset(), fields.uint(2)
    if depth > MAX_HDF5_DEPTH:
        raise too_large("levels of a B-tree", limit=MAX_HDF5_DEPTH)
    if root is None or not count:
        return
    if not record_size or node_size < _NODE_OVERHEAD + record_size:
        found = f"records of {record_size} in nodes of {node_size} bytes"
        raise malformed(_WHAT, expected="nodes that hold a record", found=found)
    tree = _measure(image, kind, node_size, record_size, depth)
    yield from _walk(image, tree, root=root, count=count, depth=depth)


def _measure(image: Image, kind: int, node_size: int, record_size: int, depth: int) -> _Tree:
    """Work out the widths of counts, as the library does (H5B2__hdr_init)."""
    most = (node_size - _NODE_OVERHEAD) // record_size
    counts = _width(most)
    totals = [0]
    whole = most
    for _ in range(depth):
        pointer = image.offset_size + counts + totals[-1]
        here = (node_size - _NODE_OVERHEAD - pointer) // (record_size + pointer)
        if here < 1:
            raise malformed(_WHAT, expected="nodes that hold a record", found=f"{node_size} bytes")
        whole = (here + 1) * whole + here
        totals.append(_width(whole))
    return _Tree(
        kind=kind,
        node_size=node_size,
        record_size=record_size,
        counts=counts,
        totals=tuple(totals),
    )


def _width(limit: int) -> int:
    """Return the bytes that numbers up to *limit* take (H5VM_limit_enc_size)."""
    return (max(limit, 1).bit_length() - 1) // 8 + 1


def _walk(image: Image, tree: _Tree, *, root: int, count: int, depth: int) -> Iterator[bytes]:
    """Yield the records of all nodes."""
    seen: set[int] = set()
    stack = [(root, count, depth)]
    while stack:
        address, records, level = stack.pop()
        if address in seen:
            raise malformed(_WHAT, expected="a tree", found="a node with two parents")
        seen.add(address)
        if len(seen) > MAX_HDF5_ITEMS:
            raise too_large("nodes of B-trees", limit=MAX_HDF5_ITEMS)
        pointer = image.offset_size + tree.counts + (tree.totals[level - 1] if level else 0)
        length = 6 + records * tree.record_size + (pointer * (records + 1) if level else 0)
        block = image.read(address, length + CHECKSUM_BYTES, what=_WHAT)
        image.check(block, what=_WHAT)
        fields = Fields(block, image=image, what=_WHAT)
        fields.expect(b"BTIN" if level else b"BTLF")
        fields.version(0)
        fields.take(1)
        for _ in range(records):
            yield fields.take(tree.record_size)
        if level:
            for _ in range(records + 1):
                child, below = fields.address(), fields.uint(tree.counts)
                fields.take(tree.totals[level - 1])
                stack.append((child, below, level - 1))
