"""Version 1 B-trees: of the links of old groups, and of chunks (specification III.A.1)."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.limits.weights import MAX_HDF5_DEPTH, MAX_HDF5_ITEMS
from weighbridge.core.values import frozen
from weighbridge.formats.hdf5.image import Fields, Image, malformed, too_large

GROUP_TREE: Final = 0
CHUNK_TREE: Final = 1

_WHAT: Final = "version 1 B-tree"
_MAGIC: Final = b"TREE"


@frozen
class Child:
    """A leaf's entry: the key before it, and what it leads to."""

    key: bytes
    address: int


def read_children(image: Image, address: int, *, kind: int, key_size: int) -> Iterator[Child]:
    """
    Yield what the leaves of the tree at *address* lead to.

    Every node is visited, whatever its keys say: a look-up follows them, a listing does not.

    Raises:
        MalformedContentError: It is no such tree, or a node is its own descendant.
        LimitExceededError: More nodes than `MAX_HDF5_ITEMS`, or levels than `MAX_HDF5_DEPTH`.
    """
    seen: set[int] = set()
    stack: list[tuple[int, int | None]] = [(address, None)]
    while stack:
        at, expected_level = stack.pop()
        if at in seen:
            raise malformed(_WHAT, expected="a tree", found="a node with two parents")
        seen.add(at)
        if len(seen) > MAX_HDF5_ITEMS:
            raise too_large("nodes of B-trees", limit=MAX_HDF5_ITEMS)
        level, children = _read_node(image, at, kind=kind, key_size=key_size)
        if expected_level is not None and level != expected_level:
            raise malformed(_WHAT, expected=f"a node of level {expected_level}", found=str(level))
        if level > MAX_HDF5_DEPTH:
            raise too_large("levels of a B-tree", limit=MAX_HDF5_DEPTH)
        if level == 0:
            yield from children
        else:
            stack.extend((child.address, level - 1) for child in reversed(children))


def _read_node(image: Image, address: int, *, kind: int, key_size: int) -> tuple[int, list[Child]]:
    """Return the level of the node at *address*, and its children."""
    size = 8 + 2 * image.offset_size
    fields = image.fields(address, size, what=_WHAT, magic=_MAGIC)
    found = fields.uint(1)
    if found != kind:
        raise malformed(_WHAT, expected=f"type {kind}", found=str(found))
    level, count = fields.uint(1), fields.uint(2)
    entries = Fields(
        image.read(address + size, count * (key_size + image.offset_size), what=_WHAT),
        image=image,
        what=_WHAT,
    )
    return level, [
        Child(key=entries.take(key_size), address=entries.address()) for _ in range(count)
    ]
