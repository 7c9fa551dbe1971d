"""The machine's values, bounds, anomalies and rendering."""

import pytest

from support import pickles as p
from support.scanning import FakeClock
from weighbridge.core.limits.scanning import MAX_EVIDENCE_CHARS
from weighbridge.formats.pickle.machine import Bounds, run
from weighbridge.formats.pickle.render import render
from weighbridge.formats.pickle.trace import Limit
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    SetNode,
    children,
)

RENDERED = {
    "call": (p.system(), "os.system('touch marker')"),
    "new": (p.new(p.name("a", "B"), p.integer(1)), "a.B.__new__(1)"),
    "keywords": (
        p.name("a", "B") + p.EMPTY_TUPLE + p.dict_of(p.text("k"), p.NONE) + p.NEWOBJ_EX,
        "a.B.__new__(**{'k': None})",
    ),
    "computed-arguments": (p.name("a", "b") + p.name("c", "d") + p.REDUCE, "a.b(*c.d)"),
    "containers": (
        p.list_of(p.TRUE, p.tuple_of(p.integer(1)), p.dict_of(p.integer(1), p.raw(b"x"))),
        "[True, (1,), {1: b'x'}]",
    ),
    "sets": (b"(K\x01\x91", "frozenset({1})"),
    "bytearray": (b"\x96\x01\0\0\0\0\0\0\0a", "bytearray(b'a')"),
    "persistent": (p.text("x") + p.BINPERSID, "persistent_load('x')"),
    "extension": (b"\x82\x07", "copyreg_extension(7)"),
    "buffer": (b"\x97", "buffer(None)"),
    "computed-name": (
        p.text("os") + p.name("a", "b") + p.STACK_GLOBAL,
        "find_class('os', a.b)",
    ),
    "large-number": (p.integer(1 << 500), "<501-bit int>"),
}


@pytest.mark.parametrize(("body", "expected"), RENDERED.values(), ids=RENDERED)
def test_values_are_rendered(body: bytes, expected: str) -> None:
    """A value is shown as the expression that makes it."""
    trace = run(p.stream(body, protocol=5))
    assert trace.error is None
    assert render(trace.result) == expected


def test_rendering_is_bounded() -> None:
    """A structure of 2 ** 200 items is shown in one line of bounded length."""
    trace = run(p.stream(p.NONE, (p.DUP + p.TUPLE2) * 200))
    assert len(render(trace.result)) <= MAX_EVIDENCE_CHARS
    assert "…" in render(run(p.stream(p.text("x" * 1000))).result)
    loop = p.EMPTY_LIST + p.put(0) + p.get(0) + p.APPEND
    assert "…" in render(run(p.stream(loop)).result)


def test_containers_keep_what_was_put_in() -> None:
    """Lists, dicts, sets and bytearrays hold what the stream gave them."""
    dict_node = run(p.stream(p.dict_of(p.text("a"), p.integer(1), p.text("a"), p.NONE))).result
    assert isinstance(dict_node, DictNode)
    assert list(dict_node.pairs()) == [("a", 1), ("a", None)]
    set_node = run(p.stream(b"\x8f(K\x01\x90", protocol=4)).result
    assert isinstance(set_node, SetNode)
    assert (set_node.items, set_node.frozen) == ([1], False)
    array = run(p.stream(b"\x96\x01\0\0\0\0\0\0\0aK\x62a", protocol=5)).result
    assert isinstance(array, ByteArrayNode)
    assert array.data == b"ab"
    list_node = run(p.stream(p.list_of(p.NONE))).result
    assert isinstance(list_node, ListNode)
    assert list(children(list_node)) == [None]


def test_calls_keep_what_is_done_to_the_result() -> None:
    """States, items and assignments are with the call, in order."""
    body = p.call(p.name("a", "B")) + p.EMPTY_DICT + p.BUILD + p.NONE + p.APPEND
    trace = run(p.stream(body, p.text("k"), p.TRUE, p.SETITEM))
    (call,) = trace.calls
    assert isinstance(call, CallNode)
    assert isinstance(call.states[0], DictNode)
    assert (call.appended, list(call.pairs())) == ([None], [("k", True)])
    assert [change.kind for change in trace.changes] == ["build", "append", "assign"]
    assert (call.target, call.positional) == ("a.B", ())
    assert next(iter(children(call))) is call.callable


def test_python_2_names_are_translated() -> None:
    """Below protocol 3 the unpickler's own table applies, and the spelling is kept."""
    (old,) = run(p.stream(p.name("__builtin__", "eval"))).globals
    assert (old.dotted, old.spelled) == ("builtins.eval", "__builtin__.eval")
    (new,) = run(p.stream(p.name("__builtin__", "eval"), protocol=4)).globals
    assert (new.dotted, new.spelled) == ("__builtin__.eval", None)


BOUNDED = {
    "opcodes": (p.stream((p.NONE + p.POP) * 9000, p.NONE), Bounds(opcodes=1000), Limit.OPCODES),
    "stack": (p.stream(p.NONE * 9000), Bounds(stack=1000), Limit.STACK),
    "marks": (p.stream(p.MARK * 9000), Bounds(stack=1000), Limit.STACK),
    "memo": (p.stream(p.NONE + p.MEMOIZE * 9000), Bounds(memo=1000), Limit.MEMO),
    "seconds": (
        p.stream((p.NONE + p.POP) * 9000, p.NONE),
        Bounds(deadline=1.0, clock=FakeClock(step=2.0)),
        Limit.SECONDS,
    ),
}


@pytest.mark.parametrize(("data", "bounds", "limit"), BOUNDED.values(), ids=BOUNDED)
def test_bounds_end_the_walk(data: bytes, bounds: Bounds, limit: Limit) -> None:
    """A stream that meets a bound is not complete and says which bound it was."""
    trace = run(data, bounds=bounds)
    assert not trace.complete
    assert trace.limits == {limit}
    assert trace.end < len(data)
    if limit is not Limit.STACK:
        assert run(data).complete


def test_events_beyond_the_bound_are_counted() -> None:
    """The walk goes on when there are too many events, and says how many it did not keep."""
    data = p.stream((p.name("a", "b") + p.POP) * 9000, p.NONE)
    trace = run(data, bounds=Bounds(events=100))
    assert trace.complete
    assert trace.limits == {Limit.EVENTS}
    assert len(trace.events) + trace.uncounted == 9000


def test_a_memo_is_handed_on_unchanged() -> None:
    """A following stream can use the memo, and does not change the one before."""
    first = run(p.stream(p.text("x"), p.put(0)))
    again = run(p.stream(p.get(0), p.put(1)), memo=first.memo)
    assert again.result == "x"
    assert set(first.memo) == {0}
    assert not run(p.stream(p.get(0), p.put(1))).complete


def test_offsets_count_from_the_start_of_the_bytes() -> None:
    """A stream within other bytes has offsets of those bytes."""
    (node,) = run(b"junk" + p.stream(p.name("a", "b")), start=4).globals
    assert isinstance(node, GlobalNode)
    assert node.offset == 6
