"""Strategies for pickle streams: what a pickler writes, and what none does."""

import pickle
from collections import OrderedDict
from datetime import date
from fractions import Fraction

from hypothesis import strategies as st

from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.opcodes import Opcode

PROTOCOLS = st.integers(0, pickle.HIGHEST_PROTOCOL)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.builds(bytearray, st.binary(max_size=4))
    | st.builds(complex, st.integers(-9, 9), st.integers(-9, 9))
    | st.builds(Fraction, st.integers(-9, 9), st.integers(1, 9))
    | st.dates().map(lambda d: date(d.year, d.month, d.day))
    | st.sampled_from([len, OrderedDict, Fraction, print])
)
HASHABLE = st.none() | st.integers() | st.text(max_size=4) | st.binary(max_size=4)
OBJECTS = st.recursive(
    SCALARS | st.sets(HASHABLE, max_size=4) | st.frozensets(HASHABLE, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner)
        | st.tuples(inner)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.builds(OrderedDict, st.lists(st.tuples(HASHABLE, inner)))
        | inner.map(lambda shared: [shared, (shared, shared)])
    ),
    max_leaves=12,
)

ARGUMENTS = {
    Opcode.BININT1: st.binary(min_size=1, max_size=1),
    Opcode.BININT2: st.binary(min_size=2, max_size=2),
    Opcode.BININT: st.binary(min_size=4, max_size=4),
    Opcode.BINFLOAT: st.binary(min_size=8, max_size=8),
    Opcode.PROTO: st.sampled_from([b"\0", b"\2", b"\3", b"\4", b"\5", b"\6"]),
    Opcode.FRAME: st.integers(0, 40).map(lambda n: n.to_bytes(8, "little")),
    Opcode.EXT1: st.sampled_from([b"\0", b"\1"]),
}
INDEX = st.sampled_from([b"\0", b"\1", b"\2"])
NUMBER_TEXTS = (
    [b"0", b"1", b"00", b"01", b"2L", b"0x10", b"0b11", b"010", b"1\0x", b"1_0", b" 1", b"1 ", b"",
     b"1e5", b"1e999", b"nan", b"-inf", b".5", b"-1", b"99999999999999999999", b"L", b"+1", b"\0",
     b"\0\0", b"07", b"0x", b"1.", b"1__0", b"infinity", b"0x1L", b"0xLL"]
)  # fmt: skip
NUMBERS = st.sampled_from(NUMBER_TEXTS)
WORDS = st.sampled_from([b"os", b"system", b"a.b", b"", b"\xc3\xa9", b"\xff", b"commands"])
STRINGS = st.sampled_from(
    [b"'a'", b'"os"', b"'\\x6fs'", b"'\\157s'", b"a", b"'a", b"'\\'", b"'\\x4'", b"'\\q'", b"'\xe9'",
     b"''", b"'", b"'\\777'"]
)  # fmt: skip
FIXED = {
    Opcode.BINGET: INDEX,
    Opcode.BINPUT: INDEX,
    Opcode.LONG_BINGET: INDEX.map(lambda b: b + b"\0\0\0"),
    Opcode.LONG_BINPUT: INDEX.map(lambda b: b + b"\0\0\0"),
    Opcode.GET: NUMBERS.map(lambda b: b + b"\n"),
    Opcode.PUT: NUMBERS.map(lambda b: b + b"\n"),
    Opcode.INT: NUMBERS.map(lambda b: b + b"\n"),
    Opcode.LONG: NUMBERS.map(lambda b: b + b"\n"),
    Opcode.FLOAT: NUMBERS.map(lambda b: b + b"\n"),
    Opcode.STRING: STRINGS.map(lambda b: b + b"\n"),
    Opcode.UNICODE: WORDS.map(lambda b: b + b"\n"),
    Opcode.PERSID: WORDS.map(lambda b: b + b"\n"),
    Opcode.GLOBAL: st.builds(lambda a, b: a + b"\n" + b + b"\n", WORDS, WORDS),
    Opcode.INST: st.builds(lambda a, b: a + b"\n" + b + b"\n", WORDS, WORDS),
    Opcode.SHORT_BINUNICODE: WORDS.map(lambda b: bytes([len(b)]) + b),
    Opcode.BINUNICODE: WORDS.map(lambda b: len(b).to_bytes(4, "little") + b),
    Opcode.SHORT_BINSTRING: WORDS.map(lambda b: bytes([len(b)]) + b),
    Opcode.SHORT_BINBYTES: WORDS.map(lambda b: bytes([len(b)]) + b),
    Opcode.BYTEARRAY8: WORDS.map(lambda b: len(b).to_bytes(8, "little") + b),
    Opcode.LONG1: WORDS.map(lambda b: bytes([len(b)]) + b),
}
SNIPPETS = [b"cos\nsystem\n", b")R", b"(", b"}b", b")\x81", b"q\0", b"h\0", b"\x8c\2os\x8c\1x\x93", b"]", b"}",
            b"N", b"a", b"s", b"(e", b"(u", b"\x90", b"\x8f(", b"K\1\x85R", b"o", b"t", b"(ios\nx\n"]  # fmt: skip


def operation() -> st.SearchStrategy[bytes]:
    """Return opcodes with plausible arguments."""
    known = {**ARGUMENTS, **FIXED}
    single = st.sampled_from(list(Opcode)).flatmap(
        lambda op: known.get(op, st.just(b"")).map(lambda arg: bytes([op]) + arg)
    )
    return single | st.sampled_from(SNIPPETS)


def makes_large_array(data: bytes) -> bool:
    """Tell whether BYTEARRAY8 may ask the Python unpickler for more than a few megabytes."""
    starts = (at for at, byte in enumerate(data) if byte == Opcode.BYTEARRAY8)
    return any(int.from_bytes(data[at + 1 : at + 9], "little") > 1 << 22 for at in starts)


def makes_large_memo(data: bytes) -> bool:
    """Tell whether the C unpickler would make a memo with room for a very high index."""
    return max(run(data).memo, default=0) > 1 << 20
