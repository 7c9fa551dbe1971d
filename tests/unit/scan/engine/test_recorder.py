"""What the C unpickler's recording is made of, and which streams it is not made for."""

import pickle
from collections import OrderedDict
from struct import pack

import pytest

from support import pickles as p
from weighbridge.formats.pickle.machine import Bounds
from weighbridge.formats.pickle.trace import Change, ChangeKind
from weighbridge.formats.pickle.values import CallNode, DictNode, GlobalNode, ListNode
from weighbridge.scan.engine.recorder import Recording, record
from weighbridge.scan.engine.walk import walk

LISTED = "collections.OrderedDict"


def recorded(data: bytes, *, names: frozenset[str] = frozenset({LISTED})) -> Recording | None:
    """Return the recording of *data* when *names* are ordinary."""
    return record(data, start=0, admits=lambda node: node.dotted in names, most_events=100)


def named(module: str, name: str) -> bytes:
    """Return GLOBAL."""
    return f"c{module}\n{name}\n".encode()


ORDERED = named("collections", "OrderedDict")


class TestOrdinary:
    """What ordinary streams do is recorded as the machine would."""

    @pytest.mark.parametrize("protocol", [2, 3, 4, 5])
    def test_call_and_items(self, protocol: int) -> None:
        """A reference, its call and the items of the result are recorded."""
        recording = recorded(pickle.dumps(OrderedDict(a=1), protocol))
        assert recording is not None
        node, call, change = recording.events
        assert isinstance(node, GlobalNode)
        assert isinstance(call, CallNode)
        assert isinstance(change, Change)
        assert (node.dotted, call.callable) == (LISTED, node)
        assert (change.kind, change.items) == (ChangeKind.ASSIGN, ("a", 1))
        assert call.assigned == ["a", 1]

    def test_state(self) -> None:
        """BUILD is recorded with the state as it was."""
        data = p.proto(2) + ORDERED + b")\x81" + b"}X\1\0\0\0a]s" + b"b."
        recording = recorded(data)
        assert recording is not None
        change = recording.events[-1]
        assert isinstance(change, Change)
        (state,) = change.items
        assert isinstance(state, DictNode)
        key, value = state.flat
        assert key == "a"
        assert isinstance(value, ListNode)

    def test_end(self) -> None:
        """What follows the stream is not part of it."""
        recording = recorded(p.proto(2) + b"N." + b"\0" * 9)
        assert recording is not None
        assert recording.end == 4


class TestUnusual:
    """Streams that are left to the machine."""

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"N.", id="no PROTO"),
            pytest.param(p.proto(2) + b"N", id="no STOP"),
            pytest.param(p.proto(2) + named("os", "system") + b".", id="another name"),
            pytest.param(p.proto(2) + ORDERED + b"}b.", id="a reference is changed"),
            pytest.param(p.proto(2) + ORDERED + b")R)R.", id="a result is called"),
            pytest.param(p.proto(2) + b"\x82\1.", id="the extension registry"),
            pytest.param(p.proto(5) + b"\x97.", id="a buffer of the program"),
            pytest.param(
                p.proto(2) + ORDERED + b"]q\0\x85R" + b"h\0K\1a" + b"0.", id="a changed argument"
            ),
            pytest.param(
                p.proto(2) + ORDERED + b"}q\0(K\1K\2u\x85R" + b"h\0K\1K\3s" + b"0.",
                id="an overwritten argument",
            ),
        ],
    )
    def test_no_recording(self, data: bytes) -> None:
        """Whatever ordinary streams do not do ends the recording."""
        assert recorded(data) is None

    def test_name_that_depends_on_the_protocol(self) -> None:
        """A name of Python 2 is translated only where no later PROTO could forbid it."""
        names = frozenset({"builtins.set"})
        old = named("__builtin__", "set") + b"."
        assert recorded(p.proto(2) + old, names=names) is not None
        assert recorded(p.proto(4) + old, names=names) is None
        assert recorded(p.proto(2) + p.proto(4) + old, names=names) is None

    def test_too_many_events(self) -> None:
        """A stream with very many events is no gain."""
        assert recorded(p.proto(2) + (ORDERED + b"0") * 101 + b"N.") is None


class TestFrames:
    """Streams in frames are read as from a file."""

    BODY = b"\x8c\4abcd0N"

    def test_frame(self) -> None:
        """Frames that end where opcodes do are read."""
        data = p.proto(4) + p.frame(len(self.BODY)) + self.BODY + p.frame(1) + b"."
        recording = recorded(data)
        assert recording is not None
        assert recording.end == len(data)

    @pytest.mark.parametrize("length", [2, 4, 5])
    def test_crossing(self, length: int) -> None:
        """A string that crosses a frame's end makes unpicklers of files read something else."""
        assert recorded(p.proto(4) + p.frame(length) + self.BODY + b".") is None

    def test_rest_of_a_frame(self) -> None:
        """A stream that hides behind STOP in the frame of another is not taken for its end."""
        hidden = b"N." + named("os", "system") + b"."
        assert recorded(p.proto(4) + p.frame(len(hidden)) + hidden) is None

    def test_payload_that_only_a_file_reveals(self) -> None:
        """What an unpickler of files does with a frame that is crossed is never called ordinary."""
        lost = b"\x8c" + pack("B", 200) + b"x" * 40
        data = p.proto(4) + p.frame(len(lost)) + lost
        data += b"y" * 160 + b"0" + named("os", "system") + b"X\2\0\0\0id\x85R."
        assert recorded(data, names=frozenset({"os.system"})) is None


class TestWalk:
    """The choice between the engines."""

    BIG = pickle.dumps([[n, str(n)] for n in range(30_000)], 4)

    def test_long_data_is_not_walked_by_the_machine(self) -> None:
        """A long stream of data is read by the C unpickler to its end."""
        trace = walk(self.BIG, start=0, bounds=Bounds(), persistent=None, objects=lambda _: False)
        assert (trace.complete, trace.end, trace.events, trace.opcodes) == (
            True,
            len(self.BIG),
            (),
            0,
        )

    @pytest.mark.parametrize(
        "payload", [named("os", "system") + b"0", b"\x82\1" + b"0", b"I00\n\x80\4cos\nsystem\n0"]
    )
    def test_long_data_with_anything_else(self, payload: bytes) -> None:
        """One name that is not listed, at the very end, has the machine walk all of it."""
        data = self.BIG[:-1] + payload + b"."
        trace = walk(data, start=0, bounds=Bounds(), persistent=None, objects=lambda _: False)
        assert trace.opcodes > 100_000
        assert trace.events

    def test_objection(self) -> None:
        """What a rule objects to is walked by the machine, for its offset."""
        trace = walk(self.BIG, start=0, bounds=Bounds(), persistent=None, objects=lambda _: True)
        assert trace.opcodes > 100_000

    def test_careful(self) -> None:
        """Without the C unpickler the machine walks everything."""
        trace = walk(self.BIG, start=0, bounds=Bounds(), persistent=None, objects=None)
        assert trace.opcodes > 100_000

    def test_following_stream(self) -> None:
        """A file with a second stream is the machine's: the second may use the first's memo."""
        data = self.BIG + b"\x80\4N."
        trace = walk(data, start=0, bounds=Bounds(), persistent=None, objects=lambda _: False)
        assert (trace.end, trace.opcodes > 100_000) == (len(self.BIG), True)
