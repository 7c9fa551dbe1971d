"""Opcodes that import, call, or ask the unpickling program for a value."""

import _compat_pickle
from struct import Struct
from typing import Final

from weighbridge.formats.pickle.containers import is_opaque
from weighbridge.formats.pickle.opcodes import Opcode
from weighbridge.formats.pickle.state import C_ENGINE, BrokenStreamError, Registers
from weighbridge.formats.pickle.values import (
    COMPUTED,
    BufferNode,
    ByteArrayNode,
    CallKind,
    CallNode,
    DictNode,
    ExtensionNode,
    GlobalNode,
    ListNode,
    PersistentNode,
    SetNode,
    TupleNode,
    Value,
)

_UINT16: Final = Struct("<H").unpack_from
_INT32: Final = Struct("<i").unpack_from

_FIRST_PYTHON3_PROTOCOL: Final = 3
"""Below this protocol unpicklers translate names of Python 2 modules."""


def _refer(m: Registers, module: str, name: str, offset: int) -> GlobalNode:
    """Record the import of *name* from *module*, as `find_class` makes it."""
    spelled = None
    if m.protocol < _FIRST_PYTHON3_PROTOCOL:
        old = (module, name)
        if old in _compat_pickle.NAME_MAPPING:
            module, name = _compat_pickle.NAME_MAPPING[old]
        else:
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        spelled = None if old == (module, name) else ".".join(old)
    node = GlobalNode(module, name, offset=offset, spelled=spelled)
    m.record(node)
    return node


def _name_lines(m: Registers, at: int, encoding: str) -> tuple[str, str, int]:
    """Read a module's and a name's line; the C unpickler takes neither empty."""
    module, middle = m.loose_line(at)
    name, end = m.loose_line(middle)
    if not module or not name:
        m.stop_engine(C_ENGINE, "a module or a name is empty", at - 1)
    try:
        return module.decode(encoding), name.decode(encoding), end
    except UnicodeDecodeError as error:
        raise BrokenStreamError(f"a module or a name is not {encoding}") from error


def _global(m: Registers, at: int) -> int:
    module, name, end = _name_lines(m, at, "utf-8")
    m.push(_refer(m, module, name, at - 1))
    return end


def _stack_global(m: Registers, at: int) -> int:
    stack = m.stack
    name = stack.pop()
    module = stack.pop()
    if isinstance(name, str) and isinstance(module, str):
        m.push(_refer(m, module, name, at - 1))
        return at
    for part in (module, name):
        if not isinstance(part, str) and not is_opaque(part):
            raise BrokenStreamError("STACK_GLOBAL needs two strings")
    node = GlobalNode(
        module if isinstance(module, str) else COMPUTED,
        name if isinstance(name, str) else COMPUTED,
        offset=at - 1,
        operands=(module, name),
    )
    m.record(node)
    m.push(node)
    return at


def _call(m: Registers, kind: CallKind, called: Value, args: Value, offset: int) -> CallNode:
    """Record a call, where the callable and the arguments can be what they have to be."""
    if not is_opaque(called):
        raise BrokenStreamError(f"{kind} of a value that cannot be called")
    if not isinstance(args, TupleNode) and not is_opaque(args):
        if not isinstance(args, str | bytes | ListNode | DictNode | SetNode | ByteArrayNode):
            raise BrokenStreamError(f"the arguments of {kind} are no sequence")
        m.stop_engine(C_ENGINE, f"the arguments of {kind} are not a tuple", offset)
    node = CallNode(kind, called, args, offset)
    m.record(node)
    return node


def _reduce(m: Registers, at: int) -> int:
    stack = m.stack
    args = stack.pop()
    stack[-1] = _call(m, CallKind.REDUCE, stack[-1], args, at - 1)
    return at


def _newobj(m: Registers, at: int) -> int:
    stack = m.stack
    args = stack.pop()
    stack[-1] = _call(m, CallKind.NEWOBJ, stack[-1], args, at - 1)
    return at


def _newobj_ex(m: Registers, at: int) -> int:
    stack = m.stack
    kwargs = stack.pop()
    args = stack.pop()
    if not isinstance(kwargs, DictNode) and not is_opaque(kwargs):
        raise BrokenStreamError("the keyword arguments of newobj_ex are not a dict")
    node = _call(m, CallKind.NEWOBJ_EX, stack[-1], args, at - 1)
    node.kwargs = kwargs
    stack[-1] = node
    return at


def _inst(m: Registers, at: int) -> int:
    if not m.metastack:
        m.stop_engine(C_ENGINE, "INST without a mark", at - 1)
    module, name, end = _name_lines(m, at, "ascii")
    called = _refer(m, module, name, at - 1)
    args = TupleNode(tuple(m.pop_mark()))
    m.push(_call(m, CallKind.INST, called, args, at - 1))
    return end


def _obj(m: Registers, at: int) -> int:
    items = m.pop_mark()
    called = items[0]
    m.push(_call(m, CallKind.OBJ, called, TupleNode(tuple(items[1:])), at - 1))
    return at


def _persid(m: Registers, at: int) -> int:
    line, end = m.loose_line(at)
    try:
        node = PersistentNode(line.decode("ascii"), at - 1)
    except UnicodeDecodeError as error:
        raise BrokenStreamError("PERSID is not ASCII") from error
    m.record(node)
    m.push(node)
    return end


def _binpersid(m: Registers, at: int) -> int:
    pid = m.stack.pop()
    node = PersistentNode(pid, at - 1)
    m.record(node)
    known = m.persistent(pid) if m.persistent is not None else None
    m.push(node if known is None else known)
    return at


def _extension(m: Registers, code: int, offset: int) -> None:
    """Record a look-up in the extension registry; codes below 1 are refused by unpicklers."""
    if code <= 0:
        raise BrokenStreamError("an extension code is not positive")
    node = ExtensionNode(code, offset)
    m.record(node)
    m.push(node)


def _ext1(m: Registers, at: int) -> int:
    _extension(m, m.data[at], at - 1)
    return at + 1


def _ext2(m: Registers, at: int) -> int:
    _extension(m, _UINT16(m.data, at)[0], at - 1)
    return at + 2


def _ext4(m: Registers, at: int) -> int:
    _extension(m, _INT32(m.data, at)[0], at - 1)
    return at + 4


def _next_buffer(m: Registers, at: int) -> int:
    node = BufferNode(None, at - 1)
    m.record(node)
    m.push(node)
    return at


def _readonly_buffer(m: Registers, at: int) -> int:
    top = m.stack[-1]
    if isinstance(top, ByteArrayNode) or is_opaque(top):
        node = BufferNode(top, at - 1)
        m.record(node)
        m.stack[-1] = node
    elif not isinstance(top, bytes):
        raise BrokenStreamError("READONLY_BUFFER on a value that is no buffer")
    return at


HANDLERS: Final = {
    Opcode.GLOBAL: _global,
    Opcode.STACK_GLOBAL: _stack_global,
    Opcode.REDUCE: _reduce,
    Opcode.NEWOBJ: _newobj,
    Opcode.NEWOBJ_EX: _newobj_ex,
    Opcode.INST: _inst,
    Opcode.OBJ: _obj,
    Opcode.PERSID: _persid,
    Opcode.BINPERSID: _binpersid,
    Opcode.EXT1: _ext1,
    Opcode.EXT2: _ext2,
    Opcode.EXT4: _ext4,
    Opcode.NEXT_BUFFER: _next_buffer,
    Opcode.READONLY_BUFFER: _readonly_buffer,
}
"""Each takes the registers and the position after the opcode, and returns the next position."""
