"""Facts about pickle streams, shared by the analyzers that meet them and the rules about them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from enum import StrEnum
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.pickle.trace import Anomaly, Change, Trace
from weighbridge.formats.pickle.values import (
    BufferNode,
    CallNode,
    ExtensionNode,
    GlobalNode,
    PersistentNode,
    Value,
)
from weighbridge.scan.interface import Facts


class Dialect(StrEnum):
    """Which program's unpickler reads a stream; they differ in persistent ids and raw data."""

    PLAIN = "plain"
    TORCH = "torch"
    TORCHSCRIPT = "torchscript"
    TORCH_TAR = "torch-tar"
    JOBLIB = "joblib"
    NUMPY = "numpy"


TORCH_DIALECTS: Final = frozenset({Dialect.TORCH, Dialect.TORCHSCRIPT, Dialect.TORCH_TAR})
"""Streams of torch's files; those of TorchScript archives are read by torch's own reader."""


class PickleSummary:
    """
    The events of a trace, sorted by what rules ask for.

    Attributes:
        names: First reference of each constant `module.name`, in order.
        counts: How often each is referenced.
        first_calls: First call of each constant `module.name`.
        computed: References of which the stream computes the module or the name.
        indirect_calls: Calls of something that is no constant reference.
        calls: Every other call.
    """

    def __init__(self, trace: Trace) -> None:
        self.names: dict[str, GlobalNode] = {}
        self.counts: Counter[str] = Counter()
        self.first_calls: dict[str, CallNode] = {}
        self.computed: list[GlobalNode] = []
        self.indirect_calls: list[CallNode] = []
        self.calls: list[CallNode] = []
        self.persistent: list[PersistentNode] = []
        self.extensions: list[ExtensionNode] = []
        self.buffers: list[BufferNode] = []
        self.changes: list[Change] = []
        self.anomalies: list[Anomaly] = []
        for event in trace.events:
            match event:
                case CallNode():
                    self._add_call(event)
                case Change():
                    self.changes.append(event)
                case GlobalNode():
                    self._add_name(event)
                case PersistentNode():
                    self.persistent.append(event)
                case ExtensionNode():
                    self.extensions.append(event)
                case BufferNode():
                    self.buffers.append(event)
                case Anomaly():
                    self.anomalies.append(event)

    def _add_call(self, call: CallNode) -> None:
        target = call.target
        if target is None:
            self.indirect_calls.append(call)
        else:
            self.calls.append(call)
            self.first_calls.setdefault(target, call)

    def _add_name(self, node: GlobalNode) -> None:
        if node.computed:
            self.computed.append(node)
        else:
            first = self.names.setdefault(node.dotted, node)
            if first.module != node.module:
                # The same path by way of another module: another object, perhaps.
                self.names.setdefault(f"{node.module}:{node.name}", node)
            self.counts[node.dotted] += 1


@frozen
class PickleFacts(Facts):
    """
    One stream, walked.

    Attributes:
        trace: What unpickling would do.
        dialect: Whose unpickler reads it.
        index: Number of the stream within the subject, from 0.
        base: Offset of the walked bytes within the subject; add it to the trace's offsets.
        carried: Whether the walk started with the memo of the stream before.
        raw: Where bytes that are no opcodes stand in the walked bytes: start and end, in order.
    """

    trace: Trace
    dialect: Dialect = Dialect.PLAIN
    index: int = 0
    base: int = 0
    carried: bool = False
    raw: tuple[tuple[int, int], ...] = ()
    _summaries: list[PickleSummary] = field(default_factory=list, compare=False, repr=False)

    @property
    def summary(self) -> PickleSummary:
        """The trace's events, sorted; made once."""
        if not self._summaries:
            self._summaries.append(PickleSummary(self.trace))
        return self._summaries[0]

    def at(self, offset: int) -> int:
        """Return the offset within the subject of a trace's *offset*."""
        return self.base + offset


@frozen
class UnreadFacts(Facts):
    """
    Bytes of a file of pickle streams that belong to none of them.

    Attributes:
        start: Offset within the subject.
        length: Bytes.
        zeros: Whether they are all zero.
        preview: The first of them.
    """

    start: int
    length: int
    zeros: bool
    preview: bytes = field(repr=False)


def member_of(value: Value) -> str | None:
    """Return `module.class.member` where *value* is that member of a class, taken by its name."""
    if not isinstance(value, CallNode) or value.target != "builtins.getattr":
        return None
    match value.positional:
        case (GlobalNode(computed=False) as owner, str() as name):
            return f"{owner.dotted}.{name}"
        case _:
            return None


def literal_bytes(value: Value) -> bytes | None:
    """Return bytes that a stream writes out, also in the way of protocols below 3."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, CallNode) or value.target != "_codecs.encode" or value.kwargs:
        return None
    match value.positional:
        case (str() as text, "latin1" | "latin-1"):
            try:
                return text.encode("latin-1")
            except UnicodeEncodeError:
                return None
        case _:
            return None


_PROGRAM_CLASS: Final = re.compile(r"__torch__(?:\.[A-Za-z_]\w*)*")
_PROGRAM_FUNCTIONS: Final = frozenset(
    f"torch.jit._pickle.{name}"
    for name in (
        "build_boollist",
        "build_doublelist",
        "build_intlist",
        "build_tensor_from_id",
        "build_tensorlist",
        "restore_type_tag",
    )
)

_FIRST_TENSORS: Final = frozenset(
    f"torch.{kind}Tensor"
    for kind in ("Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short")
)


def belongs_to_program(dialect: Dialect, node: GlobalNode) -> bool:
    """
    Tell whether *node* is a name that torch's own reader of TorchScript archives resolves.

    In torch's first format also a class of tensors, which is named there and never called.
    The reader of TorchScript imports nothing: classes of `__torch__` are those that the
    archive's code defines, and the functions are its own
    (torch/csrc/jit/serialization/unpickler.cpp). No Python module has the former, and the
    latter return what they get.
    """
    if dialect is Dialect.TORCH_TAR:
        return node.dotted in _FIRST_TENSORS and not node.computed
    if dialect is not Dialect.TORCHSCRIPT or node.computed:
        return False
    return node.dotted in _PROGRAM_FUNCTIONS or _PROGRAM_CLASS.fullmatch(node.module) is not None


def references(trace: Trace) -> Iterator[tuple[str, ...]]:
    """Yield what a trace refers to and calls, for telling two traces apart."""
    for node in trace.globals:
        yield ("global", node.dotted)
    for call in trace.calls:
        yield ("call", call.target or "")
