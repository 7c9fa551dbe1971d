"""Opcodes that push constants, keep the memo, and move values on the stack."""

import re
from struct import Struct
from typing import Final

from weighbridge.core.limits.pickles import MAX_PICKLE_MEMO
from weighbridge.formats.pickle.literals import (
    c_float,
    c_index,
    c_int,
    c_long,
    pure_float,
    pure_index,
    pure_int,
    pure_long,
    unquote,
)
from weighbridge.formats.pickle.opcodes import HIGHEST_PROTOCOL, Opcode
from weighbridge.formats.pickle.state import (
    C_ENGINE,
    LEAVE,
    BrokenStreamError,
    Registers,
)
from weighbridge.formats.pickle.trace import AnomalyKind
from weighbridge.formats.pickle.values import ByteArrayNode, Value

_INT32: Final = Struct("<i").unpack_from
_UINT16: Final = Struct("<H").unpack_from
_UINT32: Final = Struct("<I").unpack_from
_UINT64: Final = Struct("<Q").unpack_from
_FLOAT64: Final = Struct(">d").unpack_from

_MAX_SIZE: Final = (1 << 63) - 1
"""`sys.maxsize` of a 64-bit interpreter."""

_HIGH_INDEX: Final = MAX_PICKLE_MEMO
"""
The C unpickler's memo is an array twice as long as the highest index, all of it written to: a few
bytes could ask for 64 GB. Picklers count, so that no index is higher than there are entries.
"""

MEMO_MISSING: Final = "the memo has no such entry"
"""Why a stream breaks that uses the memo of the stream before it."""


_PLAIN_FLOAT: Final = re.compile(rb"(-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:e[+-]?[0-9]{1,2})?)\n").match
_PLAIN_INT: Final = re.compile(rb"(0|-?[1-9][0-9]{0,17})\n").match
_PLAIN_INDEX: Final = re.compile(rb"(0|[1-9][0-9]{0,8})\n").match
"""What picklers write for most numbers, and no unpickler reads otherwise: lists have millions."""


def _none(m: Registers, at: int) -> int:
    m.push(None)
    return at


def _true(m: Registers, at: int) -> int:
    m.push(True)
    return at


def _false(m: Registers, at: int) -> int:
    m.push(False)
    return at


def _int(m: Registers, at: int) -> int:
    plain = _PLAIN_INT(m.data, at)
    if plain is not None:
        m.push(int(plain[1]))
        return plain.end()
    text, end = m.line(at)
    m.push(m.choose(c_int(text), pure_int(text), "INT is not a number", at - 1))
    return end


def _long(m: Registers, at: int) -> int:
    text, end = m.line(at)
    m.push(m.choose(c_long(text), pure_long(text), "LONG is not a number", at - 1))
    return end


def _float(m: Registers, at: int) -> int:
    plain = _PLAIN_FLOAT(m.data, at)
    if plain is not None:
        m.push(float(plain[1]))
        return plain.end()
    text, end = m.line(at)
    m.push(m.choose(c_float(text), pure_float(text), "FLOAT is not a number", at - 1))
    return end


def _binint(m: Registers, at: int) -> int:
    m.push(_INT32(m.data, at)[0])
    return at + 4


def _binint1(m: Registers, at: int) -> int:
    m.push(m.data[at])
    return at + 1


def _binint2(m: Registers, at: int) -> int:
    m.push(_UINT16(m.data, at)[0])
    return at + 2


def _long1(m: Registers, at: int) -> int:
    end = m.take(at + 1, m.data[at])
    m.push(int.from_bytes(m.data[at + 1 : end], "little", signed=True))
    return end


def _long4(m: Registers, at: int) -> int:
    length: int = _INT32(m.data, at)[0]
    if length < 0:
        raise BrokenStreamError("LONG4 has a negative length")
    end = m.take(at + 4, length)
    m.push(int.from_bytes(m.data[at + 4 : end], "little", signed=True))
    return end


def _binfloat(m: Registers, at: int) -> int:
    m.push(_FLOAT64(m.data, at)[0])
    return at + 8


def _push_old_string(m: Registers, text: bytes, at: int) -> None:
    """Push a Python 2 string; the caller of the unpickler chooses the encoding."""
    try:
        m.push(text.decode("ascii"))
    except UnicodeDecodeError:
        kind = AnomalyKind.STRING_ENCODING
        try:
            value = text.decode("utf-8")
        except UnicodeDecodeError:
            kind = AnomalyKind.STRING_BYTES
            value = text.decode("latin-1")
        m.note(kind, "a Python 2 string is not ASCII", at - 1)
        m.push(value)


def _string(m: Registers, at: int) -> int:
    line, end = m.line(at)
    text = unquote(line)
    if text is None:
        raise BrokenStreamError("STRING is not a quoted string")
    _push_old_string(m, text, at)
    return end


def _binstring(m: Registers, at: int) -> int:
    end = m.take(at + 4, _UINT32(m.data, at)[0])
    _push_old_string(m, m.data[at + 4 : end], at)
    return end


def _short_binstring(m: Registers, at: int) -> int:
    end = m.take(at + 1, m.data[at])
    _push_old_string(m, m.data[at + 1 : end], at)
    return end


def _unicode(m: Registers, at: int) -> int:
    line, end = m.line(at)
    try:
        m.push(line.decode("raw-unicode-escape"))
    except UnicodeDecodeError as error:
        raise BrokenStreamError("UNICODE has a broken escape") from error
    return end


def _push_text(m: Registers, at: int, length: int) -> int:
    """Push *length* bytes of UTF-8, lone surrogates included."""
    end = m.take(at, length)
    try:
        m.push(m.data[at:end].decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as error:
        raise BrokenStreamError("a string is not UTF-8") from error
    return end


def _short_binunicode(m: Registers, at: int) -> int:
    return _push_text(m, at + 1, m.data[at])


def _binunicode(m: Registers, at: int) -> int:
    return _push_text(m, at + 4, _UINT32(m.data, at)[0])


def _binunicode8(m: Registers, at: int) -> int:
    return _push_text(m, at + 8, _UINT64(m.data, at)[0])


def _short_binbytes(m: Registers, at: int) -> int:
    end = m.take(at + 1, m.data[at])
    m.push(m.data[at + 1 : end])
    return end


def _binbytes(m: Registers, at: int) -> int:
    end = m.take(at + 4, _UINT32(m.data, at)[0])
    m.push(m.data[at + 4 : end])
    return end


def _binbytes8(m: Registers, at: int) -> int:
    end = m.take(at + 8, _UINT64(m.data, at)[0])
    m.push(m.data[at + 8 : end])
    return end


def _bytearray8(m: Registers, at: int) -> int:
    end = m.take(at + 8, _UINT64(m.data, at)[0])
    m.push(ByteArrayNode(bytearray(m.data[at + 8 : end])))
    return end


def _mark(m: Registers, at: int) -> int:
    lower = m.stack
    m.metastack.append(lower)
    m.below += len(lower) + 1
    m.replace_stack([])
    return at


def _pop(m: Registers, at: int) -> int:
    if m.stack:
        del m.stack[-1]
    else:
        m.pop_mark()
    return at


def _pop_mark(m: Registers, at: int) -> int:
    m.pop_mark()
    return at


def _dup(m: Registers, at: int) -> int:
    m.push(m.stack[-1])
    return at


def _fetch(m: Registers, index: Value) -> None:
    """Push the memo's value at *index*."""
    if not isinstance(index, int) or index not in m.memo:
        raise BrokenStreamError(MEMO_MISSING)
    m.push(m.memo[index])


def _get(m: Registers, at: int) -> int:
    text, end = m.line(at)
    _fetch(m, m.choose(c_index(text), pure_index(text), "GET has no valid index", at - 1))
    return end


def _binget(m: Registers, at: int) -> int:
    try:
        m.push(m.memo[m.data[at]])
    except KeyError as error:
        raise BrokenStreamError(MEMO_MISSING) from error
    return at + 1


def _long_binget(m: Registers, at: int) -> int:
    _fetch(m, _UINT32(m.data, at)[0])
    return at + 4


def _put(m: Registers, at: int) -> int:
    plain = _PLAIN_INDEX(m.data, at)
    if plain is not None:
        _store(m, int(plain[1]), at)
        return plain.end()
    text, end = m.line(at)
    index = m.choose(c_index(text), pure_index(text), "PUT has no valid index", at - 1)
    if not isinstance(index, int) or index < 0:
        raise BrokenStreamError("PUT has a negative index")
    _store(m, index, at)
    return end


def _binput(m: Registers, at: int) -> int:
    m.memo[m.data[at]] = m.stack[-1]
    return at + 1


def _long_binput(m: Registers, at: int) -> int:
    _store(m, _UINT32(m.data, at)[0], at)
    return at + 4


def _store(m: Registers, index: int, at: int) -> None:
    """Put the top of the stack into the memo at *index*."""
    if index >= _HIGH_INDEX:
        m.note(AnomalyKind.MEMO_INDEX, f"memo index {index:#x}", at - 1)
    m.memo[index] = m.stack[-1]


def _memoize(m: Registers, at: int) -> int:
    memo = m.memo
    memo[len(memo)] = m.stack[-1]
    return at


def _proto(m: Registers, at: int) -> int:
    protocol = m.data[at]
    if protocol > HIGHEST_PROTOCOL:
        raise BrokenStreamError(f"protocol {protocol} does not exist")
    if at - 1 != m.start:
        m.note(AnomalyKind.PROTOCOL_INSIDE, f"PROTO {protocol} within the stream", at - 1)
    m.protocol = protocol
    m.top_protocol = max(protocol, m.top_protocol)
    return at + 1


def _frame(m: Registers, at: int) -> int:
    length: int = _UINT64(m.data, at)[0]
    start = at + 8
    if length > _MAX_SIZE:
        raise BrokenStreamError("FRAME has a negative length")
    if m.frame_end > at - 1:
        m.note(AnomalyKind.FRAME, "a frame begins within a frame", at - 1)
    if start + length > m.size:
        m.stop_engine(C_ENGINE, "a frame reaches past the end of the stream", at - 1)
    m.frame_end = start + length
    m.at = start
    return LEAVE


def _stop(m: Registers, at: int) -> int:
    m.result = m.stack.pop()
    if m.frame_end > at:
        # Whoever loads a second time from the same file goes on behind the frame, not here.
        m.note(AnomalyKind.FRAME, "the stream stops before its frame ends", at - 1)
    m.stopped = True
    m.at = at
    return LEAVE


HANDLERS: Final = {
    Opcode.NONE: _none,
    Opcode.NEWTRUE: _true,
    Opcode.NEWFALSE: _false,
    Opcode.INT: _int,
    Opcode.LONG: _long,
    Opcode.FLOAT: _float,
    Opcode.BININT: _binint,
    Opcode.BININT1: _binint1,
    Opcode.BININT2: _binint2,
    Opcode.LONG1: _long1,
    Opcode.LONG4: _long4,
    Opcode.BINFLOAT: _binfloat,
    Opcode.STRING: _string,
    Opcode.BINSTRING: _binstring,
    Opcode.SHORT_BINSTRING: _short_binstring,
    Opcode.UNICODE: _unicode,
    Opcode.SHORT_BINUNICODE: _short_binunicode,
    Opcode.BINUNICODE: _binunicode,
    Opcode.BINUNICODE8: _binunicode8,
    Opcode.SHORT_BINBYTES: _short_binbytes,
    Opcode.BINBYTES: _binbytes,
    Opcode.BINBYTES8: _binbytes8,
    Opcode.BYTEARRAY8: _bytearray8,
    Opcode.MARK: _mark,
    Opcode.POP: _pop,
    Opcode.POP_MARK: _pop_mark,
    Opcode.DUP: _dup,
    Opcode.GET: _get,
    Opcode.BINGET: _binget,
    Opcode.LONG_BINGET: _long_binget,
    Opcode.PUT: _put,
    Opcode.BINPUT: _binput,
    Opcode.LONG_BINPUT: _long_binput,
    Opcode.MEMOIZE: _memoize,
    Opcode.PROTO: _proto,
    Opcode.FRAME: _frame,
    Opcode.STOP: _stop,
}
"""Each takes the registers and the position after the opcode, and returns the next position."""
