"""The pickle machine against CPython's own unpicklers, with inert stubs for everything named."""

import pickle
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.pickle_streams import (
    NUMBER_TEXTS,
    OBJECTS,
    PROTOCOLS,
    makes_large_array,
    operation,
)
from support.recording import Recording, record
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.trace import AnomalyKind, ChangeKind, Trace
from weighbridge.formats.pickle.values import CallNode, GlobalNode, PersistentNode, Value


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
