"""
Which engine walks a stream: the exact machine, or for long ordinary ones the C unpickler.

1. The machine walks every stream, up to `FAST_AFTER_OPCODES`. Almost all end there.
2. What is longer, and ordinary so far, is read by the C unpickler from its beginning. If it comes
   to STOP, met nothing but listed names in ordinary use, and no rule has anything to say about
   what it recorded, then that is the result.
3. Everything else is walked by the machine to its end.

So whatever is reported has the machine's offsets, and the C unpickler only ever says "nothing to
report here". Why that can be believed is in `docs/adr/0018-c-unpickler.md`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from weighbridge.core.limits.pickles import FAST_AFTER_OPCODES, MAX_ENGINE_EVENTS
from weighbridge.formats.pickle.machine import Bounds, Walk
from weighbridge.formats.pickle.state import Persistent
from weighbridge.formats.pickle.trace import Change, Event, Limit, Trace
from weighbridge.formats.pickle.values import CallNode, GlobalNode, PersistentNode
from weighbridge.scan.engine.recorder import Recording, record
from weighbridge.scan.pickle_escapes import is_guarded
from weighbridge.scan.pickle_needs import is_listed

_ZERO: Final = b"\0"

Objects = Callable[[Trace], bool]
"""Tells whether anything speaks against what a trace records."""


def walk(
    data: bytes,
    *,
    start: int,
    bounds: Bounds,
    persistent: Persistent | None,
    objects: Objects | None,
) -> Trace:
    """
    Return what unpickling the stream in *data* at *start* would do.

    Args:
        data: Holds the stream.
        start: Of the stream.
        bounds: How far the machine goes.
        persistent: What ids stand for; a stream with ids is the machine's where this is given.
        objects: Tells whether a rule objects to a trace; None for the machine alone.
    """
    machine = Walk(data, start=start, persistent=persistent)
    if objects is None or len(data) - start <= FAST_AFTER_OPCODES:
        return machine.go(bounds)
    first = min(bounds.opcodes, FAST_AFTER_OPCODES)
    trace = machine.go(replace(bounds, opcodes=first))
    if trace.limits != {Limit.OPCODES} or first == bounds.opcodes:
        return trace
    if persistent is None and _is_ordinary(trace.events):
        recording = record(data, start=start, admits=_is_plain, most_events=MAX_ENGINE_EVENTS)
        if recording is not None and not data[recording.end :].strip(_ZERO):
            recorded = _as_trace(recording, start=start)
            if not objects(recorded):
                return recorded
    return machine.go(bounds)


def _is_ordinary(events: Iterable[Event]) -> bool:
    """Tell whether *events* are references to listed names, calls of them, and changes."""
    for event in events:
        match event:
            case GlobalNode():
                if event.computed or not _is_plain(event):
                    return False
            case CallNode():
                if event.target is None:
                    return False
            case PersistentNode() | Change():
                pass
            case _:
                return False
    return True


def _is_plain(node: GlobalNode) -> bool:
    """
    Tell whether *node* is listed, and harmless also where it is only kept.

    The C unpickler's result is not walked, so what may not be kept is left to the machine.
    """
    return is_listed(node) and not is_guarded(node.dotted)


def _as_trace(recording: Recording, *, start: int) -> Trace:
    """Return *recording* as the machine would have reported it, without offsets and memo."""
    return Trace(
        start=start,
        end=recording.end,
        complete=True,
        error=None,
        result=recording.result,
        events=recording.events,
        uncounted=0,
        opcodes=0,
        protocol=recording.protocol,
        limits=frozenset(),
        memo={},
    )
