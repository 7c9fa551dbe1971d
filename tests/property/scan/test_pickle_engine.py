"""The C unpickler with inert stubs against the machine, and against what unpicklers really do."""

import io
import pickle
from collections import Counter
from fractions import Fraction
from typing import BinaryIO, cast

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.pickle_streams import (
    OBJECTS,
    PROTOCOLS,
    makes_large_array,
    makes_large_memo,
    operation,
)
from support.recording import record as really_record
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.trace import Anomaly, Change, ChangeKind, Event
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    PersistentNode,
    SetNode,
    TupleNode,
    Value,
)
from weighbridge.scan.engine.recorder import Recording, record

MANY = 10_000


def recorded(data: bytes) -> Recording | None:
    """Return what the engine records when every name is an ordinary one."""
    return record(data, start=0, admits=lambda _: True, most_events=MANY)


def shape(value: Value, depth: int = 6) -> object:
    """Return *value* as something that compares as the program's value would."""
    found: object = value
    match value:
        case _ if depth == 0:
            found = "..."
        case ListNode() | TupleNode():
            found = (type(value), *(shape(item, depth - 1) for item in value.items))
        case SetNode():
            found = (SetNode, frozenset(key(item) for item in value.items))
        case DictNode():
            found = {key(k): shape(v, depth - 1) for k, v in value.pairs()}
        case ByteArrayNode():
            found = (ByteArrayNode, bytes(value.data))
        case CallNode():
            found = (CallNode, value.target)
        case GlobalNode():
            found = (GlobalNode, value.dotted)
        case PersistentNode():
            found = PersistentNode
        case float() if value != value:  # noqa: PLR0124  NaN
            found = "nan"
        case _:
            pass
    return found


def key(value: Value) -> object:
    """Return a key as something that is equal when keys are."""
    match value:
        case TupleNode():
            return ("tuple", *map(key, value.items))
        case SetNode():
            return ("set", frozenset(map(key, value.items)))
        case CallNode() | GlobalNode() | PersistentNode():
            return repr(shape(value))
        case _:
            return shape(value)


def told(events: tuple[Event, ...]) -> list[object]:
    """Return events comparably: several changes of one kind in a row count as one."""
    lines: list[object] = []
    last: tuple[ChangeKind, int] | None = None
    for event in events:
        match event:
            case Change():
                this = (event.kind, id(event.target))
                if event.items and (this != last or event.kind is ChangeKind.BUILD):
                    lines.append((event.kind, shape(event.target)))
                lines.extend(map(shape, event.items))
                last = this if event.items else last
            case CallNode():
                # The kind is left out: C makes `__new__` of INST and OBJ without arguments.
                lines.append((event.target, shape(event.args), shape(event.kwargs)))
                last = None
            case GlobalNode() | PersistentNode():
                lines.append(shape(event))
                last = None
            case Anomaly():
                pass  # one of the unpicklers stops or reads another number
            case _:
                lines.append(event)
    return lines


def buffered(data: bytes) -> BinaryIO:
    """Return *data* as a file that can be peeked into, as opened ones can."""
    return cast("BinaryIO", io.BufferedReader(io.BytesIO(data)))


def assert_agrees(data: bytes) -> bool:
    """Assert that what the engine records is what everybody does; return whether it records."""
    recording = recorded(data)
    if recording is None:
        return False
    trace = run(data)
    assert trace.complete
    assert trace.end == recording.end
    assert told(recording.events) == told(trace.events)
    names = Counter(n.dotted for n in recording.events if isinstance(n, GlobalNode))
    calls = sum(isinstance(event, CallNode) for event in recording.events)
    for done in (
        really_record(data, pure=False),
        really_record(data, pure=False, opened=buffered),
        really_record(data, pure=True),
        really_record(data, pure=True, encoding="latin-1"),
    ):
        assert len(done.globals) <= names.total()
        assert len(done.calls) <= calls
    return True


class TestAgreement:
    """The engine says what the machine says, or nothing."""

    @given(value=OBJECTS, protocol=PROTOCOLS.filter(lambda n: n > 2))
    def test_written_streams(self, value: object, protocol: int) -> None:
        """What a pickler wrote for Python 3 is recorded, and as the machine sees it."""
        assert assert_agrees(pickle.dumps([value, len, Fraction(1, 2)], protocol))

    @settings(max_examples=500, deadline=None)
    @given(
        value=OBJECTS,
        protocol=PROTOCOLS.filter(lambda n: n > 1),
        edits=st.lists(
            st.tuples(st.integers(2, 10_000), st.integers(0, 2), st.binary(max_size=3)),
            min_size=1,
            max_size=3,
        ),
    )
    def test_mutants(
        self, value: object, protocol: int, edits: list[tuple[int, int, bytes]]
    ) -> None:
        """What is recorded of a changed stream is what the machine sees and unpicklers do."""
        data = pickle.dumps([value, len, Fraction(1, 2)], protocol)
        for place, dropped, inserted in edits:
            at = place % (len(data) + 1)
            data = data[:at] + inserted + data[at + dropped :]
        assume(not makes_large_array(data) and not makes_large_memo(data))
        assert_agrees(data)

    @settings(max_examples=1500, deadline=None)
    @given(
        parts=st.lists(operation(), min_size=1, max_size=25), protocol=st.sampled_from([2, 3, 4, 5])
    )
    def test_assembled_streams(self, parts: list[bytes], protocol: int) -> None:
        """What is recorded of arbitrary opcodes is what the machine sees and unpicklers do."""
        data = bytes([0x80, protocol]) + b"".join(parts) + b"."
        assume(not makes_large_array(data) and not makes_large_memo(data))
        assert_agrees(data)
