"""Opcodes that make, fill and change containers and foreign values."""

from collections.abc import Sequence
from typing import Final, TypeGuard

from weighbridge.formats.pickle.opcodes import Opcode
from weighbridge.formats.pickle.state import (
    C_ENGINE,
    PURE_ENGINE,
    BrokenStreamError,
    Registers,
)
from weighbridge.formats.pickle.trace import AnomalyKind, Change, ChangeKind
from weighbridge.formats.pickle.values import (
    OPAQUE_TYPES,
    ByteArrayNode,
    CallNode,
    DictNode,
    ListNode,
    Opaque,
    SetNode,
    TupleNode,
    Value,
)

_NO_ITEMS: Final = TupleNode(())
"""Python has one empty tuple as well."""


def is_opaque(value: Value) -> TypeGuard[Opaque]:
    """Tell whether only the unpickling program knows what *value* is."""
    return isinstance(value, OPAQUE_TYPES)


def _check_hashable(items: Sequence[Value]) -> None:
    """
    Break the stream for what no dict or set takes.

    A tuple that holds an unhashable value is let through: to go on where unpicklers stop
    can only report more.
    """
    for item in items:
        if isinstance(item, ListNode | DictNode | ByteArrayNode) or (
            isinstance(item, SetNode) and not item.frozen
        ):
            raise BrokenStreamError("a key or an item of a set is not hashable")


def _empty_tuple(m: Registers, at: int) -> int:
    m.push(_NO_ITEMS)
    return at


def _tuple1(m: Registers, at: int) -> int:
    m.stack[-1] = TupleNode((m.stack[-1],))
    return at


def _tuple2(m: Registers, at: int) -> int:
    stack = m.stack
    last = stack.pop()
    stack[-1] = TupleNode((stack[-1], last))
    return at


def _tuple3(m: Registers, at: int) -> int:
    stack = m.stack
    last = stack.pop()
    middle = stack.pop()
    stack[-1] = TupleNode((stack[-1], middle, last))
    return at


def _tuple(m: Registers, at: int) -> int:
    items = m.pop_mark()
    m.push(TupleNode(tuple(items)))
    return at


def _empty_list(m: Registers, at: int) -> int:
    m.push(ListNode([]))
    return at


def _list(m: Registers, at: int) -> int:
    items = m.pop_mark()
    m.push(ListNode(items))
    return at


def _empty_dict(m: Registers, at: int) -> int:
    m.push(DictNode([]))
    return at


def _dict(m: Registers, at: int) -> int:
    items = m.pop_mark()
    if len(items) % 2:
        raise BrokenStreamError("DICT has a key without a value")
    _check_hashable(items[::2])
    m.push(DictNode(items))
    return at


def _empty_set(m: Registers, at: int) -> int:
    m.push(SetNode([], frozen=False))
    return at


def _frozenset(m: Registers, at: int) -> int:
    items = m.pop_mark()
    _check_hashable(items)
    m.push(SetNode(items, frozen=True))
    return at


def _record(
    m: Registers, kind: ChangeKind, target: Opaque, items: Sequence[Value], at: int
) -> None:
    """Record new items of a foreign value, in the order of events and with the call's result."""
    m.record(Change(kind, target, tuple(items), at - 1))
    if not isinstance(target, CallNode):
        return
    if kind is ChangeKind.ASSIGN:
        target.assigned.extend(items)
    else:
        target.appended.extend(items)


def _append_all(m: Registers, items: list[Value], at: int) -> None:
    """Append *items* to the top of the stack: `extend`, or `append` for each."""
    target = m.stack[-1]
    if isinstance(target, ListNode):
        target.items.extend(items)
    elif is_opaque(target):
        _record(m, ChangeKind.APPEND, target, items, at)
    elif isinstance(target, ByteArrayNode):
        _extend_bytes(m, target, items, at)
    elif items:
        raise BrokenStreamError("APPEND to a value that takes no items")
    else:
        m.stop_engine(PURE_ENGINE, "APPENDS to a value that takes no items", at - 1)


def _extend_bytes(m: Registers, target: ByteArrayNode, items: list[Value], at: int) -> None:
    """Append integers to a bytearray; foreign values may be integers, and are left out."""
    for item in items:
        if isinstance(item, int) and 0 <= item <= 0xFF:  # noqa: PLR2004  a byte
            target.data.append(item)
        elif is_opaque(item):
            m.note(AnomalyKind.ITEM_ASSIGNED, "a bytearray gets a computed byte", at - 1)
        else:
            raise BrokenStreamError("APPEND of something that is no byte to a bytearray")


def _append(m: Registers, at: int) -> int:
    value = m.stack.pop()
    target = m.stack[-1]
    if isinstance(target, ListNode):
        target.items.append(value)
    else:
        _append_all(m, [value], at)
    return at


def _appends(m: Registers, at: int) -> int:
    _append_all(m, m.pop_mark(), at)
    return at


def _assign_all(m: Registers, items: list[Value], at: int) -> None:
    """Assign key, value, key, value ... to the top of the stack."""
    target = m.stack[-1]
    if len(items) % 2:
        m.stop_engine(C_ENGINE, "SETITEMS has a key without a value", at - 1)
    if isinstance(target, DictNode):
        _check_hashable(items[::2])
        target.flat.extend(items)
    elif is_opaque(target):
        _record(m, ChangeKind.ASSIGN, target, items, at)
    elif isinstance(target, ListNode | ByteArrayNode):
        _assign_indices(m, target, items, at)
    elif items:
        raise BrokenStreamError("SETITEM on a value that takes no items")
    if len(items) % 2:
        m.stop_engine(PURE_ENGINE, "SETITEMS has a key without a value", at - 1)


def _assign_indices(
    m: Registers, target: ListNode | ByteArrayNode, items: list[Value], at: int
) -> None:
    """Note the replacement of items; a list keeps the old ones as well, as all containers do."""
    length = len(target.items if isinstance(target, ListNode) else target.data)
    for key in items[::2]:
        if not is_opaque(key) and not (isinstance(key, int) and -length <= key < length):
            raise BrokenStreamError("SETITEM outside a list or bytearray")
    if items:
        m.note(AnomalyKind.ITEM_ASSIGNED, "items of a list or bytearray are replaced", at - 1)
    if isinstance(target, ListNode):
        target.items.extend(items[1::2])
    elif items:
        target.patched = True


def _setitem(m: Registers, at: int) -> int:
    stack = m.stack
    value = stack.pop()
    key = stack.pop()
    _assign_all(m, [key, value], at)
    return at


def _setitems(m: Registers, at: int) -> int:
    _assign_all(m, m.pop_mark(), at)
    return at


def _additems(m: Registers, at: int) -> int:
    items = m.pop_mark()
    target = m.stack[-1]
    if isinstance(target, SetNode) and not target.frozen:
        _check_hashable(items)
        target.items.extend(items)
    elif is_opaque(target):
        _record(m, ChangeKind.ADD, target, items, at)
    elif items:
        raise BrokenStreamError("ADDITEMS to a value that is no set")
    else:
        m.stop_engine(PURE_ENGINE, "ADDITEMS to a value that is no set", at - 1)
    return at


def _build(m: Registers, at: int) -> int:
    stack = m.stack
    state = stack.pop()
    target = stack[-1]
    if isinstance(target, CallNode):
        for part in state.items if isinstance(state, TupleNode) else ():
            if isinstance(part, ListNode):
                part.give()
        target.states.append(state)
        m.record(Change(ChangeKind.BUILD, target, (state,), at - 1))
        if m.after_build is not None:
            after = m.after_build(target, at)
            if after != at and m.frame_end == at:
                m.frame_end = -1
            return after
    elif is_opaque(target):
        m.record(Change(ChangeKind.BUILD, target, (state,), at - 1))
    else:
        _build_own(m, state, at)
    return at


def _build_own(m: Registers, state: Value, at: int) -> None:
    """Apply BUILD to a value without `__dict__`: unpicklers accept only states without effect."""
    slots: Value = None
    if isinstance(state, TupleNode) and len(state.items) == 2:  # noqa: PLR2004  PEP 307
        state, slots = state.items
    if not (state is None or is_opaque(state)):
        m.stop_engine(C_ENGINE, "BUILD on a value that has no state", at - 1)
    elif not (slots is None or is_opaque(slots) or _is_empty(slots)):
        m.stop_engine(C_ENGINE, "BUILD on a value that has no slots", at - 1)
    for part in (state, slots):
        if not (is_opaque(part) or _is_empty(part)):
            m.stop_engine(PURE_ENGINE, "BUILD on a value that has no state", at - 1)


def _is_empty(value: Value) -> bool:
    """Tell whether *value*, which is not opaque, is false."""
    if isinstance(value, DictNode):
        return not value.flat
    if isinstance(value, ByteArrayNode):
        return not value.data
    if isinstance(value, ListNode | TupleNode | SetNode):
        return not value.items
    return not value


HANDLERS: Final = {
    Opcode.EMPTY_TUPLE: _empty_tuple,
    Opcode.TUPLE1: _tuple1,
    Opcode.TUPLE2: _tuple2,
    Opcode.TUPLE3: _tuple3,
    Opcode.TUPLE: _tuple,
    Opcode.EMPTY_LIST: _empty_list,
    Opcode.LIST: _list,
    Opcode.EMPTY_DICT: _empty_dict,
    Opcode.DICT: _dict,
    Opcode.EMPTY_SET: _empty_set,
    Opcode.FROZENSET: _frozenset,
    Opcode.APPEND: _append,
    Opcode.APPENDS: _appends,
    Opcode.SETITEM: _setitem,
    Opcode.SETITEMS: _setitems,
    Opcode.ADDITEMS: _additems,
    Opcode.BUILD: _build,
}
"""Each takes the registers and the position after the opcode, and returns the next position."""
