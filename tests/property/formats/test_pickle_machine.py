"""The pickle machine against CPython's own unpicklers, with inert stubs for everything named."""

import pickle
from collections import Counter, OrderedDict
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.recording import Recording, record
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.opcodes import Opcode
from weighbridge.formats.pickle.trace import AnomalyKind, ChangeKind, Trace
from weighbridge.formats.pickle.values import CallNode, GlobalNode, PersistentNode, Value

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


def label(value: Value) -> str:
    """Return what the recording stubs call *value*."""
    if isinstance(value, GlobalNode):
        return value.spelled or value.dotted
    if isinstance(value, CallNode):
        return f"{label(value.callable)}()"
    return "pid" if isinstance(value, PersistentNode) else "?"


def assert_covered(done: Recording, trace: Trace) -> None:
    """Assert that everything an unpickler did is in the trace, unless that is reported."""
    if any(anomaly.kind is AnomalyKind.FRAME for anomaly in trace.anomalies):
        return
    named = Counter(g.spelled or g.dotted for g in trace.globals)
    changes = [c for c in trace.changes if c.kind is not ChangeKind.BUILD]
    builds = [c for c in trace.changes if c.kind is ChangeKind.BUILD]
    assert Counter(".".join(pair) for pair in done.globals) <= named
    assert Counter(done.calls) <= Counter(label(c.callable) for c in trace.calls)
    assert set(done.changes) <= {label(c.target) for c in changes}
    assert Counter(done.builds) <= Counter(label(c.target) for c in builds)
    assert done.pids <= sum(isinstance(e, PersistentNode) for e in trace.events)
    assert trace.complete or not done.finished


def makes_large_array(data: bytes) -> bool:
    """Tell whether BYTEARRAY8 may ask the Python unpickler for more than a few megabytes."""
    starts = (at for at, byte in enumerate(data) if byte == Opcode.BYTEARRAY8)
    return any(int.from_bytes(data[at + 1 : at + 9], "little") > 1 << 22 for at in starts)


class TestOwnPickles:
    """Streams that CPython's pickler wrote."""

    @given(value=OBJECTS, protocol=PROTOCOLS)
    def test_a_written_stream_is_followed_exactly(self, value: object, protocol: int) -> None:
        """What both unpicklers do with a written stream is the trace, no more and no less."""
        data = pickle.dumps(value, protocol)
        trace = run(data)
        assert trace.error is None
        assert trace.end == len(data)
        assert not list(trace.anomalies)
        for pure in (False, True):
            done = record(data, pure=pure)
            assert_covered(done, trace)
            assert len(done.globals) == len(list(trace.globals))
            assert len(done.calls) == len(list(trace.calls))

    @given(value=OBJECTS, protocol=PROTOCOLS, cut=st.integers(0, 400))
    def test_a_cut_stream_is_broken(self, value: object, protocol: int, cut: int) -> None:
        """A stream without its end is not complete, and what came before the cut is recorded."""
        data = pickle.dumps(value, protocol)
        data = data[: cut % len(data)]
        trace = run(data)
        assert not trace.complete
        for pure in (False, True):
            assert_covered(record(data, pure=pure), trace)


class TestMutants:
    """Streams that no pickler wrote."""

    @settings(max_examples=400, deadline=None)
    @given(
        value=OBJECTS,
        protocol=PROTOCOLS,
        edits=st.lists(
            st.tuples(st.integers(0, 10_000), st.integers(0, 2), st.binary(max_size=3)),
            min_size=1,
            max_size=4,
        ),
    )
    def test_a_mutant_does_nothing_unseen(
        self, value: object, protocol: int, edits: list[tuple[int, int, bytes]]
    ) -> None:
        """Whatever either unpickler does with a changed stream is in the trace."""
        data = pickle.dumps([value, len, Fraction(1, 2)], protocol)
        for place, dropped, inserted in edits:
            at = place % (len(data) + 1)
            data = data[:at] + inserted + data[at + dropped :]
        assume(not makes_large_array(data))
        trace = run(data)
        for pure in (False, True):
            assert_covered(record(data, pure=pure), trace)

    @settings(max_examples=2000, deadline=None)
    @given(parts=st.lists(operation(), min_size=1, max_size=25), stop=st.booleans())
    def test_an_assembled_stream_does_nothing_unseen(self, parts: list[bytes], stop: bool) -> None:
        """Whatever either unpickler does with arbitrary opcodes is in the trace."""
        data = b"".join(parts) + (b"." if stop else b"")
        assume(not makes_large_array(data))
        trace = run(data)
        for pure in (False, True):
            assert_covered(record(data, pure=pure), trace)
            assert_covered(record(data, pure=pure, encoding="latin-1"), trace)

    @given(data=st.binary(max_size=200))
    def test_noise_is_survived(self, data: bytes) -> None:
        """Random bytes end in a trace, and what they do is in it."""
        assume(not makes_large_array(data))
        trace = run(data)
        assert trace.complete == (trace.error is None)
        for pure in (False, True):
            assert_covered(record(data, pure=pure), trace)


@pytest.mark.parametrize("number", NUMBER_TEXTS)
@pytest.mark.parametrize("opcode", [b"I", b"L", b"F"])
def test_text_numbers_are_read_as_both_unpicklers_read_them(opcode: bytes, number: bytes) -> None:
    """A text number that an unpickler accepts does not end the walk before the payload."""
    data = opcode + number + b"\n0cos\nsystem\n(tR."
    trace = run(data)
    for pure in (False, True):
        assert_covered(record(data, pure=pure), trace)
