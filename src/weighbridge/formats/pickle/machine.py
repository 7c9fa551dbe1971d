"""
An exact emulation of CPython's unpicklers that imports and calls nothing.

Two unpicklers are followed at once: the C one, which almost every program runs, and the
Python one, which others extend. Where one of them raises and the other goes on, the machine
goes on and notes the divergence; it stops when both would, so that everything either of them
would import, call or change is among the events. What a reference resolves to and what a call
returns is never known, and is assumed to allow what follows.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from struct import error as StructError  # noqa: N812  it is a class
from typing import Final

from weighbridge.core.limits.pickles import (
    MAX_PICKLE_EVENTS,
    MAX_PICKLE_MEMO,
    MAX_PICKLE_OPCODES,
    MAX_PICKLE_STACK,
)
from weighbridge.core.values import frozen
from weighbridge.formats.pickle import calls, constants, containers
from weighbridge.formats.pickle.opcodes import Opcode
from weighbridge.formats.pickle.state import (
    LEAVE,
    AfterBuild,
    BrokenStreamError,
    Persistent,
    Registers,
)
from weighbridge.formats.pickle.trace import AnomalyKind, Limit, Trace
from weighbridge.formats.pickle.values import Value

_STRIDE: Final = 8192
"""Bytes of opcodes between two looks at the bounds and the clock."""


@frozen
class Bounds:
    """
    How far the machine goes.

    Attributes:
        opcodes: Opcodes executed.
        stack: Values and marks on the stack.
        memo: Entries of the memo.
        events: Events kept; the rest are counted.
        deadline: When to give up, on `clock`'s scale; None for never.
        clock: Tells the time, such as `time.monotonic`.
    """

    opcodes: int = MAX_PICKLE_OPCODES
    stack: int = MAX_PICKLE_STACK
    memo: int = MAX_PICKLE_MEMO
    events: int = MAX_PICKLE_EVENTS
    deadline: float | None = None
    clock: Callable[[], float] | None = None


DEFAULT_BOUNDS: Final = Bounds()


def run(
    data: bytes,
    *,
    start: int = 0,
    memo: dict[int, Value] | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
    after_build: AfterBuild | None = None,
    persistent: Persistent | None = None,
) -> Trace:
    """
    Walk the pickle stream in *data* that begins at *start*, to its STOP or its break.

    Never raises for anything in *data*. The caller sees to it that *data* is not larger than
    `MAX_PICKLE_BYTES`. A *memo* of an earlier stream is copied, not changed. *after_build* lets
    the caller step over raw data that follows a BUILD, *persistent* say what ids stand for.
    """
    return Walk(data, start=start, memo=memo, after_build=after_build, persistent=persistent).go(
        bounds
    )


class Walk:
    """
    A walk of one stream that can go on after it met a bound on opcodes; see `run`.

    Args:
        data, start, memo, after_build, persistent: As for `run`.
    """

    def __init__(
        self,
        data: bytes,
        *,
        start: int = 0,
        memo: dict[int, Value] | None = None,
        after_build: AfterBuild | None = None,
        persistent: Persistent | None = None,
    ) -> None:
        self._registers = Registers(
            data, start=start, memo=dict(memo or {}), after_build=after_build, persistent=persistent
        )
        self._count = 0

    def go(self, bounds: Bounds) -> Trace:
        """Walk on to the stream's STOP, its break, or a bound; what came before is counted."""
        m = self._registers
        with _collector_paused():
            error, self._count, limits = _execute(m, self._count, bounds)
        return Trace(
            start=m.start,
            end=m.at,
            complete=error is None,
            error=error,
            result=m.result if error is None else None,
            events=tuple(m.events),
            uncounted=m.uncounted,
            opcodes=self._count,
            protocol=m.top_protocol,
            limits=limits | ({Limit.EVENTS} if m.uncounted else set()),
            memo=m.memo,
        )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Spare the garbage collector the nodes: all of them live on, and it takes half the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _execute(m: Registers, count: int, bounds: Bounds) -> tuple[str | None, int, frozenset[Limit]]:
    """Run *m* on to its end; return why it broke, the opcodes executed and the bounds met."""
    table, data = _TABLE, m.data
    at = m.at
    try:
        while True:
            stop = _next_stop(m, at)
            while at < stop:
                at = table[data[at]](m, at + 1)
                count += 1
            if at == LEAVE:
                at = m.at
                if m.stopped:
                    return None, count, frozenset()
            m.at = at
            _look_at_frame(m, at)
            met = _met(m, count, bounds)
            if met is not None:
                return f"the bound on {met} was met", count, frozenset({met})
            if at >= m.size:
                return "the stream ends without STOP", count, frozenset()
    except BrokenStreamError as error:
        m.at = at
        return str(error), count, frozenset()
    except (IndexError, StructError):
        m.at = at
        return "the stack holds too few values, or the stream ends too early", count, frozenset()


def _next_stop(m: Registers, at: int) -> int:
    """Return where the inner loop has to pause: stride, frame or stream end."""
    stop = min(at + _STRIDE, m.size)
    return min(stop, m.frame_end) if m.frame_end > at else stop


def _look_at_frame(m: Registers, at: int) -> None:
    """Note an opcode that crosses the frame's end; forget a frame that has been left."""
    if m.frame_end < 0 or at < m.frame_end:
        return
    if at > m.frame_end:
        m.note(AnomalyKind.FRAME, "an opcode crosses the end of a frame", m.frame_end)
    m.frame_end = -1


def _met(m: Registers, count: int, bounds: Bounds) -> Limit | None:
    """Return the bound that ends the walk here; with too many events it goes on counting."""
    if len(m.events) >= bounds.events:
        m.record = m.count_event
    if count >= bounds.opcodes:
        return Limit.OPCODES
    if m.below + len(m.stack) > bounds.stack:
        return Limit.STACK
    if len(m.memo) > bounds.memo:
        return Limit.MEMO
    if bounds.deadline is not None and bounds.clock is not None:
        return Limit.SECONDS if bounds.clock() > bounds.deadline else None
    return None


def _unknown(m: Registers, at: int) -> int:
    """Break the stream at a byte that is no opcode."""
    raise BrokenStreamError(f"{m.data[at - 1]:#04x} is no opcode")


def _make_table() -> list[Callable[[Registers, int], int]]:
    """Return the handler of each byte."""
    handlers = {**constants.HANDLERS, **containers.HANDLERS, **calls.HANDLERS}
    table: list[Callable[[Registers, int], int]] = [_unknown] * 256
    for opcode in Opcode:
        table[opcode] = handlers[opcode]
    return table


_TABLE: Final = _make_table()
