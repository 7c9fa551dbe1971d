"""The machine's registers, and the rules for going on where unpicklers disagree."""

from collections.abc import Callable
from typing import Final

from weighbridge.formats.pickle.trace import Anomaly, AnomalyKind, Event
from weighbridge.formats.pickle.values import Value

C_ENGINE: Final = 1
"""CPython's `_pickle.Unpickler`."""

PURE_ENGINE: Final = 2
"""CPython's `pickle._Unpickler`, which joblib, dill and others extend."""

BOTH_ENGINES: Final = C_ENGINE | PURE_ENGINE

_NAMES: Final = {C_ENGINE: "the C unpickler", PURE_ENGINE: "the Python unpickler"}

AfterBuild = Callable[[Value, int], int]
"""Called with a value that got a state and the position after the opcode; returns where the
stream goes on. For unpicklers that read raw data in the middle of a stream, as joblib's does."""

Persistent = Callable[[Value], Value]
"""Returns what a program's `persistent_load` is known to return for an id, or None."""

LEAVE: Final = 1 << 62
"""Returned by a handler to leave the inner loop; the next position is in `Registers.at`."""


class BrokenStreamError(Exception):
    """No unpickler goes on from here; `AfterBuild` raises it, and `machine.run` catches it."""


class Registers:
    """
    Stack, marks and memo, with what was recorded.

    The stack above the last mark is a list of its own, as in the Python unpickler; values
    below a mark cannot be reached by either unpickler.
    """

    __slots__ = (
        "after_build",
        "alive",
        "at",
        "below",
        "data",
        "events",
        "frame_end",
        "memo",
        "metastack",
        "persistent",
        "protocol",
        "push",
        "record",
        "result",
        "size",
        "stack",
        "start",
        "stopped",
        "top_protocol",
        "uncounted",
    )

    def __init__(
        self,
        data: bytes,
        *,
        start: int,
        memo: dict[int, Value],
        after_build: "AfterBuild | None" = None,
        persistent: "Persistent | None" = None,
    ) -> None:
        self.data = data
        self.size = len(data)
        self.start = start
        self.at = start
        self.frame_end = -1
        self.stack: list[Value] = []
        self.push: Callable[[Value], None] = self.stack.append
        self.metastack: list[list[Value]] = []
        self.below = 0
        self.memo = memo
        self.events: list[Event] = []
        self.record: Callable[[Event], None] = self.events.append
        self.uncounted = 0
        self.after_build = after_build
        self.persistent = persistent
        self.alive = BOTH_ENGINES
        self.protocol = 0
        self.top_protocol = 0
        self.result: Value = None
        self.stopped = False

    def count_event(self, _event: Event, /) -> None:
        """Take the place of `record` when the bound on events is met."""
        self.uncounted += 1

    def replace_stack(self, stack: list[Value]) -> None:
        """Make *stack* the one above the last mark."""
        self.stack = stack
        self.push = stack.append

    def pop_mark(self) -> list[Value]:
        """Remove the last mark and return the values above it."""
        if not self.metastack:
            raise BrokenStreamError("there is no mark on the stack")
        items = self.stack
        lower = self.metastack.pop()
        self.below -= len(lower) + 1
        self.stack = lower
        self.push = lower.append
        return items

    def stop_engine(self, engine: int, why: str, offset: int) -> None:
        """
        Note that *engine* raises here, and go on for the other one.

        Raises:
            BrokenStreamError: No engine is left.
        """
        stopping = self.alive & engine
        if not stopping:
            return
        self.alive &= ~stopping
        if not self.alive:
            raise BrokenStreamError(why)
        self.note(AnomalyKind.DIVERGENCE, f"{_NAMES[stopping]} stops: {why}", offset)

    def choose(self, by_c: Value, by_pure: Value, why: str, offset: int) -> Value:
        """
        Return the value that the engines read, stopping each that reads None.

        Where both go on with different values the C unpickler's counts.

        Raises:
            BrokenStreamError: No engine is left.
        """
        if by_c is None:
            self.stop_engine(C_ENGINE, why, offset)
        if by_pure is None:
            self.stop_engine(PURE_ENGINE, why, offset)
        if not self.alive & C_ENGINE:
            return by_pure
        if self.alive & PURE_ENGINE and not _same(by_c, by_pure):
            self.note(AnomalyKind.READING, "the C unpickler reads another value", offset)
        return by_c

    def note(self, kind: AnomalyKind, detail: str, offset: int) -> None:
        """Record an anomaly."""
        self.record(Anomaly(kind=kind, detail=detail, offset=offset))

    def take(self, at: int, length: int) -> int:
        """
        Return the end of *length* bytes from *at*.

        Raises:
            BrokenStreamError: There are not as many.
        """
        end = at + length
        if end > self.size:
            raise BrokenStreamError(
                f"the stream ends within an argument of {length} bytes, {self.size - at} are left"
            )
        return end

    def line(self, at: int) -> tuple[bytes, int]:
        """
        Return the text up to the next newline, and the position after it.

        Raises:
            BrokenStreamError: There is no newline.
        """
        end = self.data.find(b"\n", at)
        if end < 0:
            raise BrokenStreamError("the stream ends within a line of text")
        return self.data[at:end], end + 1

    def loose_line(self, at: int) -> tuple[bytes, int]:
        """
        Return a line as `line` does, or the rest without its last byte.

        The Python unpickler cuts the last byte off a line whether it is a newline or not.
        """
        end = self.data.find(b"\n", at)
        if end >= 0:
            return self.data[at:end], end + 1
        self.stop_engine(C_ENGINE, "the stream ends within a line of text", at)
        return self.data[at : max(at, self.size - 1)], self.size


def _same(one: Value, other: Value) -> bool:
    """Tell whether two constants are equal in type and value; a NaN equals itself."""
    return type(one) is type(other) and (one == other or (one != one and other != other))  # noqa: PLR0124  NaN
