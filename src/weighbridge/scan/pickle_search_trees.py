"""
SciPy's search trees in pickles: whether every number in them leads to what they have.

`cKDTree.__setstate__` (`_ckdtree.pyx`) takes arrays as memory, without a look at their types and
lengths, and nodes as they lie in memory. Its queries (`ckdtree/src/*.cxx`) follow both and compare
nothing, and count pairs on the assumption that every box of points lies within the one around it.
So all that its builder guarantees (`build.cxx`) is held against what is there:

1. Each array has the type and the length that the numbers of points and dimensions ask for.
2. Each node but the root is the child of one other, and not too deep for a recursion.
3. The points of a node are those of its children; the root has all, and a leaf has some.
4. A node is split along a dimension that there is, at a place that lies within its box.
5. Each index is that of a point, and nothing else that the stream makes can write to it.

The nodes are read as machines of 64 bits with the lowest byte first have them; SciPy has had the
same since 0.16, and is published for no others any more. Trees in a periodic box are not read.
"""

import math
from array import array
from collections.abc import Iterator
from struct import Struct
from typing import Final

from weighbridge.core.limits.pickles import MAX_SEARCH_TREE_DEPTH
from weighbridge.formats.pickle.values import CallNode, TupleNode, Value
from weighbridge.scan.numpy_types import read_type
from weighbridge.scan.pickle_arrays import Content, IsBuilt, memory_of, read_array
from weighbridge.scan.pickle_plain import Refusal
from weighbridge.scan.pickle_sharing import Sharing

_PARTS: Final = 10
"""Nodes, data, n, m, leaf size, maxima, minima, indices, box and the box's data."""

_NODE: Final = Struct("<qqdqqQQqq")
"""split_dim, children, split, start_idx, end_idx, two pointers, _less, _greater
(`ckdtree_decl.h`). The pointers are set anew."""

_LEAF: Final = -1
_BYTE: Final = "S1"
_FLOAT: Final = "f8"
_INTEGER: Final = "i8"
_SIZES: Final = {_BYTE: 1, _FLOAT: 8, _INTEGER: 8}
_LITTLE: Final = frozenset("<=|")

_VISIT: Final = 0
_SET_LOW: Final = 1
_SET_HIGH: Final = 2

Node = tuple[int, int, float, int, int, int, int, int, int]


def refuse_search_tree(
    tree: CallNode, state: Value, *, is_built: IsBuilt, sharing: Sharing
) -> Refusal:
    """Say why *state* may not be given to *tree*."""
    items = state.items if isinstance(state, TupleNode) else ()
    if len(items) != _PARTS or len(tree.states) != 1:
        return "the state of a search tree has ten parts, and is given once"
    nodes, data, n, m, leaf_size, maxima, minima, indices, *box = items
    if any(type(number) is not int or number < 1 for number in (n, m, leaf_size)):
        return "a search tree has no points, or numbers that are none"
    if any(part is not None for part in box):
        return "a search tree in a periodic box cannot be read"
    assert isinstance(n, int)
    assert isinstance(m, int)
    parts = (
        _read(nodes, _BYTE, None, is_built=is_built),
        _read(data, _FLOAT, n * m, is_built=is_built),
        _read(maxima, _FLOAT, m, is_built=is_built),
        _read(minima, _FLOAT, m, is_built=is_built),
        _read(indices, _INTEGER, n, is_built=is_built),
    )
    if None in parts:
        return "an array of a search tree has another type or length than its tree says"
    # Another holder could be asked to change them when the tree has been judged.
    if any(map(sharing.is_shared, (state, *_memory_of(maxima, minima, indices)))):
        return "the numbers of a search tree belong to something else as well"
    buffer, _data, high, low, points = (bytes(part or b"") for part in parts)
    numbers = array("q", points)
    if min(numbers) < 0 or max(numbers) >= n:
        return "an index of a search tree is that of no point"
    return _Nodes(buffer, low=array("d", low), high=array("d", high)).refuse(points=n)


def _read(value: Value, code: str, count: int | None, *, is_built: IsBuilt) -> Content | None:
    """Return the bytes of an array of *count* elements of the type *code*; None for any other."""
    found = read_array(value, is_built=is_built)
    if found is None or not _is_type(found.kind, code):
        return None
    fits = count is None or len(found.content) == count * _SIZES[code]
    return found.content if fits else None


def _memory_of(*arrays: Value) -> Iterator[Value]:
    """Yield whatever shares the memory of *arrays*."""
    for each in arrays:
        if isinstance(each, CallNode):
            yield from memory_of(each)


def _is_type(kind: Value, code: str) -> bool:
    """Tell whether *kind* is the type *code*, the lowest byte first."""
    described = read_type(kind)
    if described is None or not isinstance(kind, CallNode):
        return False
    if described.has_object or described.item_size != _SIZES[code]:
        return False
    state = kind.states[0] if kind.states else None
    order = state.items[1] if isinstance(state, TupleNode) else "="
    named = (kind.positional or (None,))[0]
    return order in _LITTLE and isinstance(named, str) and named.lstrip("<|=") == code


class _Nodes:
    """
    The nodes of one tree, and the box of the one that is looked at.

    Args:
        content: As they lie in memory.
        low: The least of all points, along each dimension.
        high: The greatest.
    """

    def __init__(self, content: bytes, *, low: "array[float]", high: "array[float]") -> None:
        self._content = content
        self._low = low
        self._high = high
        self._todo: list[tuple[int, int, int | float]] = []

    def refuse(self, *, points: int) -> Refusal:
        """Say why these are not the nodes of a tree of so many *points*."""
        if not self._content or len(self._content) % _NODE.size:
            return "the nodes of a search tree are cut"
        nodes: list[Node] = list(_NODE.iter_unpack(self._content))
        if not all(map(_is_interval, self._low, self._high)):
            return "the box of a search tree is none"
        if nodes[0][3:5] != (0, points):
            return "the first node of a search tree has not all points"
        return self._walk(nodes)

    def _walk(self, nodes: list[Node]) -> Refusal:
        """Say what is wrong with a node, from the root to the leaves."""
        self._todo = [(_VISIT, 0, 0)]
        seen = bytearray(len(nodes))
        while self._todo:
            what, number, value = self._todo.pop()
            if what == _SET_LOW:
                self._low[number] = value
            elif what == _SET_HIGH:
                self._high[number] = value
            elif seen[number] or value > MAX_SEARCH_TREE_DEPTH:
                return "a node of a search tree is reached twice, or lies too deep"
            else:
                seen[number] = 1
                refused = self._visit(nodes, nodes[number], depth=int(value))
                if refused is not None:
                    return refused
        return None if all(seen) else "a node of a search tree is reached by no other"

    def _visit(self, nodes: list[Node], node: Node, *, depth: int) -> Refusal:
        """Say what is wrong with *node*, or have its children looked at within their boxes."""
        dimension, children, split, start, end, _, _, less, greater = node
        if children != end - start or not 0 <= start < end:
            return "a node of a search tree has not the points that it says"
        if dimension == _LEAF:
            return None
        if not (0 <= dimension < len(self._low) and 0 < less < len(nodes) > greater > 0):
            return "a node of a search tree leads to one that it does not have"
        if (nodes[less][3], nodes[less][4], nodes[greater][4]) != (start, nodes[greater][3], end):
            return "a node of a search tree has not the points that it says"
        low, high = self._low[dimension], self._high[dimension]
        if not low <= split <= high:
            return "a node of a search tree is split outside of its box"
        # The last is done first.
        self._todo += [
            (_SET_LOW, dimension, low),
            (_VISIT, greater, depth + 1),
            (_SET_LOW, dimension, split),
            (_SET_HIGH, dimension, high),
            (_VISIT, less, depth + 1),
            (_SET_HIGH, dimension, split),
        ]
        return None


def _is_interval(low: float, high: float) -> bool:
    return math.isfinite(low) and math.isfinite(high) and low <= high
