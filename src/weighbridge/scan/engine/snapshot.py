"""
Values of the C unpickler as the machine's nodes, taken when a call or a change gets them.

The unpickler's own containers can be changed after a call has seen them. So each is copied when
it is first met, and in the end all of them have to be what they were: otherwise a call may have
got something that nobody looked at, and the stream is one for the exact machine.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from operator import is_
from typing import Final, cast

from weighbridge.core.limits.pickles import MAX_ENGINE_ITEMS
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    DictNode,
    ListNode,
    Node,
    SetNode,
    TupleNode,
    Value,
)
from weighbridge.scan.engine.reading import UnusualStreamError

_CONSTANTS: Final = frozenset({bool, int, float, str, bytes, type(None)})
_IMMUTABLE: Final = frozenset({tuple, frozenset})


class Snapshots:
    """
    The nodes of every container that an event has met.

    Args:
        node_of: Returns the node that a value stands for which is no constant and no container.
    """

    def __init__(self, node_of: Callable[[object], Value]) -> None:
        self._node_of = node_of
        # The originals are kept: another value could get the identity of one that is gone.
        self._taken: dict[int, tuple[object, Node, list[object]]] = {}
        self._items = 0

    def take(self, value: object) -> Value:
        """
        Return *value* as it is now.

        Raises:
            UnusualStreamError: It holds something unknown, or too much.
        """
        pending: list[tuple[Node, list[object]]] = []
        found = self._shallow(value, pending)
        while pending:
            node, raw = pending.pop()
            _fill(node, [self._shallow(item, pending) for item in raw])
        return found

    def hold(self) -> bool:
        """Tell whether every container still holds what it held."""
        for original, _node, raw in self._taken.values():
            if type(original) not in _IMMUTABLE:
                now = list(_items_of(original))
                if len(now) != len(raw) or not all(map(is_, now, raw)):
                    return False
        return True

    def _shallow(self, value: object, pending: list[tuple[Node, list[object]]]) -> Value:
        """Return *value*; the items of a container that is new are *pending*."""
        if isinstance(value, str | int | float | bytes | None):
            return value
        known = self._taken.get(id(value))
        if known is not None:
            return known[1]
        node = _empty_node(value)
        if node is None:
            return self._node_of(value)
        raw = list(_items_of(value))
        self._taken[id(value)] = (value, node, raw)
        self._items += 1 + len(raw)
        if self._items > MAX_ENGINE_ITEMS:
            raise UnusualStreamError
        if _CONSTANTS.issuperset(map(type, raw)):
            _fill(node, cast("list[Value]", raw))
        else:
            pending.append((node, raw))
        return node


def _items_of(value: object) -> Iterable[object]:
    """Return what a container holds; a bytearray as one item."""
    if isinstance(value, dict):
        return chain.from_iterable(value.items())
    if isinstance(value, bytearray):
        return value
    assert isinstance(value, list | tuple | set | frozenset)
    return value


def _fill(node: Node, items: list[Value]) -> None:
    """Give *node* its items."""
    match node:
        case TupleNode():
            node.items = tuple(items)
        case ListNode() | SetNode():
            node.items = items
        case DictNode():
            node.flat = items
        case _:
            pass


def _empty_node(value: object) -> Node | None:
    """
    Return the node of a container, still without its items, or None for another value.

    Types are compared exactly: a stub can be a subclass of dict.
    """
    kind = type(value)
    if kind is tuple:
        return TupleNode(())
    if kind is list:
        return ListNode([])
    if kind is dict:
        return DictNode([])
    if kind is set or kind is frozenset:
        return SetNode([], frozen=kind is frozenset)
    return ByteArrayNode(bytearray(value)) if isinstance(value, bytearray) else None
