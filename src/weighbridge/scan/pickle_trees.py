"""
The nodes of scikit-learn's trees in pickles: whether each leads to nodes of the same tree.

A tree is an array of nodes, of which each names its children by their numbers and the feature that
it compares. Predicting follows these in C and holds them against nothing (`_tree.pyx`,
`Tree._apply_dense`), so that a number beyond the array reads memory behind it, and one that leads
back never ends. What `Tree.decision_path` writes down has room for as many nodes in a row as
`max_depth` says (`_decision_path_dense`).
"""

import sys
from collections.abc import Iterable, Mapping
from itertools import repeat
from types import MappingProxyType
from typing import Final, Literal

from weighbridge.formats.pickle.values import CallNode, TupleNode, Value
from weighbridge.scan.numpy_types import read_type
from weighbridge.scan.pickle_arrays import Content, IsBuilt, read_array, read_attributes
from weighbridge.scan.pickle_plain import Refusal

TREE: Final = "sklearn.tree._tree.Tree"
_CHILDREN: Final = ("left_child", "right_child")
_FEATURE: Final = "feature"
_Order = Literal["little", "big"]
_ORDERS: Final[Mapping[str, _Order]] = MappingProxyType(
    {"<": "little", "|": "little", "=": "little", ">": "big"}
)
_FAST: Final = 8
_NO_ARRAY: Final = "the nodes of a tree cannot be read"

Node = tuple[int, int, int]
"""Left child, right child and feature."""


def refuse_tree(tree: CallNode, state: Value, *, is_built: IsBuilt) -> Refusal:
    """Say why *state* may not be given to *tree*: a node of it leads elsewhere."""
    parts = read_attributes(state)
    if parts is None:
        return "the state of a tree is not a dict of attributes"
    if len(tree.states) != 1:
        return "a tree gets a second state"
    features = (tree.positional or (None,))[0]
    count, depth = parts.get("node_count"), parts.get("max_depth")
    found = _read_nodes(parts.get("nodes"), is_built=is_built)
    if found is None or type(count) is not int or type(features) is not int:
        return _NO_ARRAY
    if type(depth) is not int:
        return "the depth of a tree is no number"
    if not 0 < count == len(found[0]):
        return f"a tree of {count} nodes has an array of {len(found[0])}"
    deepest = _find_depth(zip(*found, strict=True), count, features)
    if deepest is None:
        return "a node of a tree leads to one that it does not have"
    return f"a tree is deeper than {depth}, as it says" if deepest > depth else None


def _find_depth(nodes: Iterable[Node], count: int, features: int) -> int | None:
    """
    Return how many nodes in a row lead from one to the next; None where one leads elsewhere.

    scikit-learn numbers a node when it adds it, and adds it when its parent is there.
    """
    depths = list(repeat(0, count))
    for number, (left, right, feature) in enumerate(nodes):
        if left == -1:
            continue
        if not (number < left < count and number < right < count and 0 <= feature < features):
            return None
        below = depths[number] + 1
        depths[left] = max(depths[left], below)
        depths[right] = max(depths[right], below)
    return max(depths, default=0)


def _read_nodes(
    nodes: Value, *, is_built: IsBuilt
) -> tuple[list[int], list[int], list[int]] | None:
    """Return the children and the feature of each node; None where they cannot be told."""
    array = read_array(nodes, is_built=is_built)
    described = None if array is None else read_type(array.kind)
    if array is None or described is None or described.item_size <= 0:
        return None
    content, step = array.content, described.item_size
    if len(content) % step:
        return None
    columns = [_column(array.kind, name, content, step) for name in (*_CHILDREN, _FEATURE)]
    left, right, compared = columns
    return None if left is None or right is None or compared is None else (left, right, compared)


def _column(kind: Value, name: str, content: Content, step: int) -> list[int] | None:
    """Return the integers of the field *name*."""
    place = _field_of(kind, name)
    if place is None:
        return None
    at, size, order = place
    whole = size == _FAST and step % _FAST == at % _FAST == 0
    if whole and order == sys.byteorder:
        return memoryview(content).cast("q")[at // _FAST :: step // _FAST].tolist()
    return [
        int.from_bytes(content[first + at : first + at + size], order, signed=True)
        for first in range(0, len(content), step)
    ]


def _field_of(kind: Value, name: str) -> tuple[int, int, _Order] | None:
    """Return offset, size and byte order of an integer field of a type."""
    state = kind.states[-1] if isinstance(kind, CallNode) and kind.states else None
    fields = state.items[4] if isinstance(state, TupleNode) else None
    field = (read_attributes(fields) or {}).get(name)
    if not isinstance(field, TupleNode) or len(field.items) < 2:  # noqa: PLR2004  type and offset
        return None
    inner, at = field.items[:2]
    described = read_type(inner)
    if described is None or type(at) is not int or not isinstance(inner, CallNode):
        return None
    code = (inner.positional or (None,))[0]
    if not isinstance(code, str) or "i" not in code:
        return None
    own = inner.states[0] if inner.states else None
    order = own.items[1] if isinstance(own, TupleNode) else "<"
    named = _ORDERS.get(order) if isinstance(order, str) else None
    return None if named is None else (at, described.item_size, named)
