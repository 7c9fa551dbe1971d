"""
The nodes of scikit-learn's trees in pickles: whether each leads to nodes of the same tree.

A tree is an array of nodes, of which each names its children by their numbers and the feature that
it compares. Predicting follows these in C and holds them against nothing (`_tree.pyx`,
`Tree._apply_dense`), so that a number beyond the array reads memory behind it.
"""

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    DictNode,
    TupleNode,
    Value,
)
from weighbridge.scan.numpy_types import read_type
from weighbridge.scan.pickle_facts import literal_bytes
from weighbridge.scan.pickle_plain import Refusal

TREE: Final = "sklearn.tree._tree.Tree"
_CHILDREN: Final = ("left_child", "right_child")
_FEATURE: Final = "feature"
_BUFFERS: Final = frozenset({"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"})
_Order = Literal["little", "big"]
_ORDERS: Final[Mapping[str, _Order]] = MappingProxyType(
    {"<": "little", "|": "little", "=": "little", ">": "big"}
)
_FAST: Final = 8
_NO_ARRAY: Final = "the nodes of a tree cannot be read"


def refuse_tree(tree: CallNode, state: Value) -> Refusal:
    """Say why *state* may not be given to *tree*: a node of it leads elsewhere."""
    if not isinstance(state, DictNode):
        return "the state of a tree is not a dict"
    parts = {key: value for key, value in state.pairs() if isinstance(key, str)}
    features = (tree.positional or (None,))[0]
    count = parts.get("node_count")
    found = _read_nodes(parts.get("nodes"))
    if found is None or type(count) is not int or type(features) is not int:
        return _NO_ARRAY
    left, right, compared = found
    if count != len(left):
        return f"a tree of {count} nodes has an array of {len(left)}"
    if any(
        not _is_node(*each, count, features) for each in zip(left, right, compared, strict=True)
    ):
        return "a node of a tree leads to one that it does not have"
    return None


def _is_node(left: int, right: int, feature: int, count: int, features: int) -> bool:
    """Tell whether a node is a leaf, or compares a feature and has two children."""
    return left == -1 or (0 <= left < count and 0 <= right < count and 0 <= feature < features)


def _read_nodes(nodes: Value) -> tuple[list[int], list[int], list[int]] | None:
    """Return the children and the feature of each node; None where they cannot be told."""
    if not isinstance(nodes, CallNode):
        return None
    kind, content = _array_of(nodes)
    described = read_type(kind)
    if described is None or content is None or described.item_size <= 0:
        return None
    if len(content) % described.item_size:
        return None
    columns = [_column(kind, name, content, described.item_size) for name in (*_CHILDREN, _FEATURE)]
    left, right, compared = columns
    return None if left is None or right is None or compared is None else (left, right, compared)


def _array_of(nodes: CallNode) -> tuple[Value, bytes | bytearray | memoryview | None]:
    """Return the type of an array and its bytes, however it is written."""
    if nodes.content is not None and nodes.states:
        state = nodes.states[-1]
        pairs = state.pairs() if isinstance(state, DictNode) else ()
        return next((value for key, value in pairs if key == "dtype"), None), nodes.content
    if nodes.target in _BUFFERS:
        args = nodes.positional or ()
        return (args[1], _bytes_of(args[0])) if len(args) > 1 else (None, None)
    state = nodes.states[-1] if nodes.states else None
    items = state.items if isinstance(state, TupleNode) else ()
    return (items[2], _bytes_of(items[4])) if len(items) == 5 else (None, None)  # noqa: PLR2004  an array's state


def _bytes_of(content: Value) -> bytes | bytearray | None:
    """Return the bytes of an array; the first protocols have them as text."""
    if isinstance(content, ByteArrayNode):
        return content.data
    if isinstance(content, str):
        try:
            return content.encode("latin-1")
        except UnicodeEncodeError:
            return None
    return literal_bytes(content)


def _column(
    kind: Value, name: str, content: bytes | bytearray | memoryview, step: int
) -> list[int] | None:
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
    pairs = fields.pairs() if isinstance(fields, DictNode) else ()
    field = next((value for key, value in pairs if key == name), None)
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
