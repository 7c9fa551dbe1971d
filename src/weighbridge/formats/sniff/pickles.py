"""
Tell a pickle from other bytes, by walking its first opcodes as an unpickler would.

Protocol 2 and later start with an opcode of their own; protocols 0 and 1 do not, and a stream of
protocol 0 can be plain text. So the walk keeps the depth of the stack, the marks and the memo's
keys, and gives up where an unpickler would: text fails within a line, a pickle goes on until it
calls something or stops. Nothing is decided here about what the pickle does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Final

from weighbridge.core.limits.sniffing import MAX_SNIFF_OPCODES
from weighbridge.core.limits.units import KIB
from weighbridge.formats.pickle.literals import (
    c_float,
    c_index,
    c_int,
    c_long,
    pure_float,
    pure_index,
    pure_int,
    pure_long,
)
from weighbridge.formats.sniff.window import OutOfReadsError, Window

LEGACY_TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C
"""The first pickle of a file that torch wrote before it used zip (torch/serialization.py)."""

_HIGHEST_PROTOCOL: Final = 5
_PROTO: Final = 0x80
_LINE_BYTES: Final = 64 * KIB
_ENOUGH_WITH_FRAME: Final = 16
_ENOUGH_WITH_HEADER: Final = 64
_ENOUGH_WITHOUT: Final = 256

_INTEGER_BYTES: Final = b"0123456789abcdefABCDEFxXoOL_+- \t\r\f\v"
_FLOAT_BYTES: Final = b"0123456789.eEinftyaINFTYA_+- \t\r\f\v"
_LETTERS: Final = bytes(c for c in range(128) if chr(c).isalnum()) + bytes(range(128, 256))
_NAME_BYTES: Final = _LETTERS + b"_.<>-\r"
_PLAUSIBLE_BYTES: Final = 64
_NAME: Final = re.compile(r"[\w.<>-]+")


class _Broken(Exception):  # noqa: N818  no error: the walk's way out
    """An unpickler would fail here."""


class End(Enum):
    """Why the walk ended."""

    BROKEN = "broken"
    """An unpickler would fail here; the end of the file is such a place."""

    DECIDED = "decided"
    """Nothing that follows would change what this is."""

    OUT_OF_READS = "out-of-reads"
    """It goes on beyond what may be read for sniffing."""

    STOPPED = "stopped"
    """The stream is complete."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """
    How far an unpickler would get.

    Attributes:
        header: Whether the stream starts with the opcode of protocol 2 and later.
        opcodes: How many were executed.
        imports: Whether one of them names something to be imported, or has the number of it.
        named: Whether one of them names it.
        calls: Whether one calls what may have been imported.
        at: Where the next opcode would be.
        end: Why the walk ended.
        integer: The last integer literal.
    """

    header: bool = False
    opcodes: int = 0
    imports: bool = False
    named: bool = False
    calls: bool = False
    at: int = 0
    end: End = End.BROKEN
    integer: int | None = None


def walk_pickle(window: Window, *, patient: bool) -> Walk:
    """
    Return how far an unpickler would get with the file.

    The walk ends as soon as it is plain that this is a pickle; with *patient* it goes on to a
    call or to the end, up to `MAX_SNIFF_OPCODES`.
    """
    window.refill()
    return _Walker(window, patient=patient).run()


def _require_printable(line: bytes) -> None:
    """Return where *line* is ASCII without control characters."""
    if not line.isascii() or not line.decode("ascii").isprintable():
        raise _Broken


class _Walker:
    """The state of a walk."""

    def __init__(self, window: Window, *, patient: bool) -> None:
        self._window = window
        self._patient = patient
        self._depth = 0
        self._marks: list[int] = []
        self._memo: set[int] = set()
        self._framed = False
        self.walk = Walk()

    def run(self) -> Walk:
        """Walk."""
        walk = self.walk
        head = self._window.head
        walk.header = head[0] == _PROTO and len(head) > 1 and head[1] <= _HIGHEST_PROTOCOL
        try:
            while not self._decided():
                self._step()
        except _Broken:
            # Where an opcode crosses a frame's end, unpicklers differ in what they read next.
            # Nothing but a pickle has a frame, so there is no need to follow all of them.
            walk.end = End.DECIDED if self._framed else End.BROKEN
        except OutOfReadsError:
            walk.end = End.OUT_OF_READS
        return walk

    def _decided(self) -> bool:
        """Tell whether the walk may end."""
        walk = self.walk
        if walk.end is End.STOPPED:
            return True
        if walk.header and walk.imports:
            enough = True
        elif self._patient:
            enough = walk.opcodes >= MAX_SNIFF_OPCODES
        elif walk.header:
            # Nothing but a pickle has a frame; what is left to tell are the shortest streams.
            enough = walk.opcodes >= (_ENOUGH_WITH_FRAME if self._framed else _ENOUGH_WITH_HEADER)
        else:
            enough = walk.opcodes >= _ENOUGH_WITHOUT
        if walk.calls or enough:
            walk.end = End.DECIDED
            return True
        return False

    def _step(self) -> None:
        """Execute one opcode."""
        walk = self.walk
        at = walk.at
        code = self._take(1)[0]
        opcode = _OPCODES.get(code)
        if opcode is None:
            walk.at = at
            raise _Broken
        opcode(self)
        walk.opcodes += 1

    def _take(self, length: int) -> bytes:
        """Take *length* bytes."""
        walk = self.walk
        data = self._window.get(walk.at, length)
        if len(data) < length:
            raise _Broken
        walk.at += length
        return data

    def _line(self, *, of: bytes | None = None) -> bytes:
        """
        Take the bytes up to a newline.

        Fail at once where a line that can only have the bytes *of* starts with others: text is
        not read to the end of a long line for a number that it does not hold.
        """
        start = self.walk.at
        if of is not None:
            seen = self._window.get(start, _PLAUSIBLE_BYTES)
            if seen.partition(b"\n")[0].partition(b"\0")[0].translate(None, of):
                raise _Broken
        head = self._window.head
        end = head.find(b"\n", start)
        if end >= 0:
            self.walk.at = end + 1
            return head[start:end]
        line = b""
        while end < 0:
            data = self._window.get(start + len(line), _LINE_BYTES)
            if not data:
                raise _Broken
            end = data.find(b"\n")
            line += data if end < 0 else data[:end]
        self.walk.at = start + len(line) + 1
        return line

    def _skip(self, length: int) -> None:
        """Pass over *length* bytes."""
        if length < 0:
            raise _Broken
        self.walk.at += length
        if self.walk.at > self._window.size:
            raise _Broken

    # -- the stack ---------------------------------------------------------------------------

    def push(self) -> None:
        """One value more."""
        self._depth += 1

    def need(self, count: int) -> None:
        """Fail unless *count* values are above the last mark."""
        if self._depth < count:
            raise _Broken

    def replace(self, count: int) -> None:
        """*count* values make one."""
        self.need(count)
        self._depth -= count - 1

    def mark(self) -> None:
        """Set a mark."""
        self._marks.append(self._depth)
        self._depth = 0

    def unmark(self) -> int:
        """Drop the values down to the last mark and the mark; return how many they were."""
        if not self._marks:
            raise _Broken
        count = self._depth
        self._depth = self._marks.pop()
        return count

    # -- opcodes -----------------------------------------------------------------------------

    def op_proto(self) -> None:
        """PROTO."""
        if self._take(1)[0] > _HIGHEST_PROTOCOL:
            raise _Broken

    def op_pop(self) -> None:
        """POP takes a mark where there is no value above it."""
        if self._depth:
            self._depth -= 1
        else:
            self.unmark()

    def op_pop_mark(self) -> None:
        """POP_MARK."""
        self.unmark()

    def op_dup(self) -> None:
        """DUP."""
        self.need(1)
        self.push()

    def op_collect(self) -> None:
        """TUPLE, LIST, DICT, FROZENSET: the values above the mark make one."""
        self.unmark()
        self.push()

    def op_extend(self) -> None:
        """APPENDS, SETITEMS, ADDITEMS: the values above the mark go into the one below."""
        self.unmark()
        self.need(1)

    def op_int(self) -> None:
        """INT: a line with a number, as either unpickler takes it."""
        line = self._line(of=_INTEGER_BYTES)
        self._integer(c_int(line), pure_int(line))

    def op_long_line(self) -> None:
        """LONG: likewise, with an L behind it."""
        line = self._line(of=_INTEGER_BYTES)
        self._integer(c_long(line), pure_long(line))

    def _integer(self, *readings: int | None) -> None:
        """Push the number that the C or the Python unpickler makes of a line."""
        found = [number for number in readings if number is not None]
        if not found:
            raise _Broken
        self.walk.integer = found[0]
        self.push()

    def op_float(self) -> None:
        """FLOAT: a line with a number."""
        line = self._line(of=_FLOAT_BYTES)
        if c_float(line) is None and pure_float(line) is None:
            raise _Broken
        self.push()

    def op_string(self) -> None:
        """STRING: a line with a quoted string."""
        if self._window.get(self.walk.at, 1) not in (b"'", b'"'):
            raise _Broken
        line = self._line().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):  # noqa: PLR2004
            raise _Broken
        self.push()

    def op_text(self) -> None:
        """UNICODE: any line."""
        self._line()
        self.push()

    def op_persid(self) -> None:
        """
        PERSID: a line of ASCII.

        At the start of a file control characters are not allowed, though unpicklers take them.
        They are what follows the P of a zip's signature, and an id that starts a stream is of no
        use to any loader.
        """
        if not self.walk.opcodes:
            # Told by its first bytes: the line may be as long as the file.
            seen = self._window.get(self.walk.at, _PLAUSIBLE_BYTES).partition(b"\n")[0]
            _require_printable(seen)
        line = self._line()
        if not line.isascii():
            raise _Broken
        if not self.walk.opcodes:
            _require_printable(line)
        self.push()

    def op_long(self, width: int) -> None:
        """LONG1 and LONG4: a counted number."""
        length = int.from_bytes(self._take(width), "little", signed=width > 1)
        if 0 <= length <= 64:  # noqa: PLR2004  far longer than any number of interest
            self.walk.integer = int.from_bytes(self._take(length), "little", signed=True)
        else:
            self._skip(length)
        self.push()

    def op_global(self) -> None:
        """GLOBAL: two lines, a module and a name."""
        self._names()
        self.walk.imports = self.walk.named = True
        self.push()

    def op_inst(self) -> None:
        """INST: two lines, called with what is above the mark."""
        self._names()
        self.unmark()
        self.walk.imports = self.walk.named = self.walk.calls = True
        self.push()

    def _names(self) -> None:
        """Take a module's and a name's line."""
        for _ in range(2):
            try:
                line = self._line(of=_NAME_BYTES).decode("utf-8")
            except UnicodeDecodeError:
                raise _Broken from None
            if not _NAME.fullmatch(line.rstrip("\r")):
                raise _Broken

    def op_stack_global(self) -> None:
        """STACK_GLOBAL: module and name are on the stack."""
        self.replace(2)
        self.walk.imports = self.walk.named = True

    def op_extension(self, width: int) -> None:
        """EXT1, EXT2, EXT4: a registered name."""
        self._take(width)
        self.walk.imports = True
        self.push()

    def op_object(self) -> None:
        """OBJ: a class and its arguments above the mark."""
        if self.unmark() < 1:
            raise _Broken
        self.push()
        self._call()

    def op_call(self, count: int) -> None:
        """REDUCE, NEWOBJ, NEWOBJ_EX."""
        self.replace(count)
        self._call()

    def _call(self) -> None:
        """Note a call; there is nothing to be called where nothing was imported."""
        self.walk.calls = self.walk.calls or self.walk.imports

    def op_get(self, width: int) -> None:
        """GET, BINGET, LONG_BINGET: fail unless the memo has the key."""
        if self._key(width) not in self._memo:
            raise _Broken
        self.push()

    def op_put(self, width: int) -> None:
        """PUT, BINPUT, LONG_BINPUT."""
        self.need(1)
        self._memo.add(self._key(width))

    def _key(self, width: int) -> int:
        """Take a memo key: a line where *width* is 0."""
        if width:
            return int.from_bytes(self._take(width), "little")
        line = self._line(of=_INTEGER_BYTES)
        for key in (c_index(line), pure_index(line)):
            if key is not None and key >= 0:
                return key
        raise _Broken

    def op_memoize(self) -> None:
        """MEMOIZE: the key is the memo's size."""
        self.need(1)
        self._memo.add(len(self._memo))

    def op_stop(self) -> None:
        """STOP."""
        self.need(1)
        self.walk.end = End.STOPPED

    def op_constant(self, width: int) -> None:
        """An argument of fixed width that makes a value."""
        self._take(width)
        self.push()

    def op_counted(self, width: int, *, signed: bool = False) -> None:
        """A counted argument that makes a value."""
        self._skip(int.from_bytes(self._take(width), "little", signed=signed))
        self.push()

    def op_frame(self) -> None:
        """FRAME: how many bytes the writer wrote at once; more than there are is an error."""
        length = int.from_bytes(self._take(8), "little")
        if self.walk.at + length > self._window.size:
            raise _Broken
        self._framed = True


_CALLS: Final = {b"R": 2, b"\x81": 2, b"\x92": 3}
"""REDUCE, NEWOBJ, NEWOBJ_EX, with the values that they take."""

_REPLACEMENTS: Final = {
    b"\x85": 1,
    b"\x86": 2,
    b"\x87": 3,
    b"Q": 1,
    b"a": 2,
    b"b": 2,
    b"s": 3,
}
"""TUPLE1 to TUPLE3, BINPERSID, APPEND, BUILD, SETITEM: so many values make one."""


def _table() -> Mapping[int, Callable[[_Walker], None]]:
    """Return what each opcode does (Lib/pickle.py, Modules/_pickle.c)."""
    step = _Walker
    table: dict[bytes, Callable[[_Walker], None]] = {
        b"\x80": step.op_proto,
        b"\x95": step.op_frame,
        b"(": step.mark,
        b"0": step.op_pop,
        b"1": step.op_pop_mark,
        b"2": step.op_dup,
        b".": step.op_stop,
        b"F": step.op_float,
        b"I": step.op_int,
        b"L": step.op_long_line,
        b"S": step.op_string,
        b"V": step.op_text,
        b"P": step.op_persid,
        b"c": step.op_global,
        b"i": step.op_inst,
        b"o": step.op_object,
        b"\x93": step.op_stack_global,
        b"\x94": step.op_memoize,
        b"T": partial(step.op_counted, width=4, signed=True),
        b"\x98": partial(step.need, count=1),
    }
    table |= dict.fromkeys((b"t", b"l", b"d", b"\x91"), step.op_collect)
    table |= dict.fromkeys((b"e", b"u", b"\x90"), step.op_extend)
    table |= dict.fromkeys((b"N", b"]", b")", b"}", b"\x88", b"\x89", b"\x8f", b"\x97"), step.push)
    for codes, action in (
        ({b"K": 1, b"M": 2, b"J": 4, b"G": 8}, step.op_constant),
        ({b"U": 1, b"C": 1, b"\x8c": 1, b"X": 4, b"B": 4}, step.op_counted),
        ({b"\x8d": 8, b"\x8e": 8, b"\x96": 8}, step.op_counted),
        ({b"\x8a": 1, b"\x8b": 4}, step.op_long),
        ({b"\x82": 1, b"\x83": 2, b"\x84": 4}, step.op_extension),
        ({b"g": 0, b"h": 1, b"j": 4}, step.op_get),
        ({b"p": 0, b"q": 1, b"r": 4}, step.op_put),
    ):
        table |= {code: partial(action, width=width) for code, width in codes.items()}
    table |= {code: partial(step.op_call, count=count) for code, count in _CALLS.items()}
    table |= {code: partial(step.replace, count=count) for code, count in _REPLACEMENTS.items()}
    return MappingProxyType({code[0]: action for code, action in table.items()})


_OPCODES: Final = _table()
