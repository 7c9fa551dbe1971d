"""What the machine reports: everything that unpickling a stream would do, in order."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TypeAlias

from weighbridge.core.values import frozen
from weighbridge.formats.pickle.values import (
    BufferNode,
    CallNode,
    ExtensionNode,
    GlobalNode,
    Opaque,
    PersistentNode,
    Value,
)


class ChangeKind(StrEnum):
    """How a stream changes a value that it did not make itself."""

    BUILD = "build"
    APPEND = "append"
    ADD = "add"
    ASSIGN = "assign"


class AnomalyKind(StrEnum):
    """What no pickler writes, or what unpicklers do not agree on."""

    DIVERGENCE = "divergence"
    """One of CPython's unpicklers goes on here and the other stops."""

    READING = "reading"
    """The two unpicklers read different values here and both go on."""

    FRAME = "frame"
    """
    An opcode or a frame crosses the end of a frame. The Python unpickler stops; the C one goes
    on, but when it reads from a file it can lose the bytes between the opcode and the frame's
    end, and so do something else than the trace says.
    """

    PROTOCOL_INSIDE = "protocol-inside"
    """PROTO anywhere but at the start."""

    STRING_ENCODING = "string-encoding"
    """A Python 2 string that is UTF-8 and not ASCII: what it means depends on the caller."""

    STRING_BYTES = "string-bytes"
    """A Python 2 string that is not UTF-8: bytes, as the trace has them in Latin-1."""

    ITEM_ASSIGNED = "item-assigned"
    """An item of a list or bytearray is replaced."""

    MEMO_INDEX = "memo-index"
    """A memo index so high that an unpickler may run out of memory."""


class Change:
    """
    A change to a value that only the unpickling program knows.

    Attributes:
        kind: What is done.
        target: To what.
        items: The state of BUILD (one item), the appended items, or key, value, key, value ...
        offset: Of the opcode.
    """

    __slots__ = ("items", "kind", "offset", "target")

    def __init__(
        self, kind: ChangeKind, target: Opaque, items: tuple[Value, ...], offset: int
    ) -> None:
        self.kind = kind
        self.target = target
        self.items = items
        self.offset = offset


@frozen
class Anomaly:
    """
    Something odd about the stream itself.

    Attributes:
        kind: What.
        detail: As a sentence fragment, for people.
        offset: Of the opcode.
    """

    kind: AnomalyKind
    detail: str
    offset: int


Event: TypeAlias = (
    GlobalNode | CallNode | PersistentNode | ExtensionNode | BufferNode | Change | Anomaly
)
"""A node is the event of its own making: the reference, the call, the persistent load ..."""


class Limit(StrEnum):
    """A bound of `core.limits` that a stream met."""

    OPCODES = "opcodes"
    STACK = "stack"
    MEMO = "memo"
    EVENTS = "events"
    SECONDS = "seconds"


@frozen
class Trace:
    """
    What the unpicklers would do with a stream, up to where the last of them stops.

    Guarantees: whatever CPython's C or Python unpickler would import, call or change is among
    the events, unless `limits` says that the walk ended early or that events were only counted,
    or there is an anomaly of the kind `FRAME`.

    Attributes:
        start: Offset of the first opcode.
        end: Offset after STOP, or of the opcode at which the stream breaks.
        complete: Whether STOP was reached.
        error: Why the stream breaks; None when complete.
        result: What the stream leaves; None as well when it is not complete.
        events: In order.
        uncounted: Events beyond the bound, which were not kept.
        opcodes: Opcodes executed.
        protocol: The highest that a PROTO opcode names; 0 without one.
        limits: The bounds that were met; the stream was not examined to its end, or not wholly.
        memo: The memo at the end, for a following stream that shares it.
    """

    start: int
    end: int
    complete: bool
    error: str | None
    result: Value
    events: tuple[Event, ...]
    uncounted: int
    opcodes: int
    protocol: int
    limits: frozenset[Limit]
    memo: dict[int, Value]

    @property
    def globals(self) -> Iterator[GlobalNode]:
        """Every reference to a name in a module."""
        return (e for e in self.events if isinstance(e, GlobalNode))

    @property
    def calls(self) -> Iterator[CallNode]:
        """Every call."""
        return (e for e in self.events if isinstance(e, CallNode))

    @property
    def changes(self) -> Iterator[Change]:
        """Every change to a value that the stream did not make itself."""
        return (e for e in self.events if isinstance(e, Change))

    @property
    def anomalies(self) -> Iterator[Anomaly]:
        """Everything odd about the stream itself."""
        return (e for e in self.events if isinstance(e, Anomaly))
