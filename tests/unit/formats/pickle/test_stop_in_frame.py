"""Streams that stop before the end of their frame."""

from support.pickles import EMPTY_LIST, STOP, frame, proto
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.trace import AnomalyKind


def test_a_frame_that_outlasts_its_stream_is_noted() -> None:
    """Bytes of the frame behind STOP are lost to whoever loads again: a second stream is read from its middle."""
    trace = run(proto(4) + frame(3) + EMPTY_LIST + STOP + b"c")
    assert [a.kind for a in trace.anomalies] == [AnomalyKind.FRAME]


def test_a_frame_that_ends_with_its_stream_is_not() -> None:
    """A frame as picklers write it ends right behind STOP."""
    trace = run(proto(4) + frame(2) + EMPTY_LIST + STOP + b"c")
    assert list(trace.anomalies) == []
