"""
TFLite models (schema.fbs): which operators they use, and where their buffers lie.

Operators of TensorFlow that a model carries along ("flex") have their NodeDef in a flexbuffer;
the runtime runs the operator that stands there, whatever the model calls it.
"""

import math
from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.limits.archives import MAX_MEMBER_BYTES
from weighbridge.core.limits.records import MAX_NAMED_PROBLEMS
from weighbridge.core.limits.weights import MAX_TENSOR_RANK
from weighbridge.core.values import frozen
from weighbridge.formats.flatbuffers import Flatbuffer, Table

FLEX: Final = "Flex"

_CUSTOM: Final = 32
_EXTENDED: Final = 127
"""Stands in the old field for every code that does not fit into it."""
_INLINE: Final = 1
"""Offsets up to this value mean that a buffer is in the flatbuffer (schema.fbs)."""
_OPTIONAL: Final = -1
_MAX_INPUTS: Final = 100_000
_BITS: Final = {
    **dict.fromkeys((3, 6, 9), 8),
    **dict.fromkeys((1, 7, 16, 18), 16),
    **dict.fromkeys((0, 2, 15), 32),
    **dict.fromkeys((4, 8, 10, 12), 64),
    11: 128,
    17: 4,
    20: 4,
    19: 2,
}
"""Bits of an element by TensorType; texts and resources have none."""

# Fields of the tables, by their ids in schema.fbs.
_CODES, _GRAPHS, _BUFFERS, _GROUPS, _EXTERNALS = 1, 2, 4, 8, 9
_GRAPH_TENSORS, _GRAPH_OPERATORS = 0, 3
_SPARSITY = 6


@frozen
class TfliteOperator:
    """
    An operator that the runtime does not bring itself.

    Attributes:
        name: What the model calls it.
        operators: For an operator of TensorFlow: those that its uses define.
        uses: How many nodes use it.
    """

    name: str
    operators: tuple[str, ...]
    uses: int


@frozen
class TfliteModel:
    """
    What there is to say of a model.

    Attributes:
        operators: Those that the runtime does not bring itself.
        problems: Places and numbers that do not fit together, the first ones of many.
        files: Files that hold buffers of the model.
    """

    operators: tuple[TfliteOperator, ...]
    problems: tuple[str, ...]
    files: tuple[str, ...]


class TfliteReader:
    """Reads a model once."""

    def __init__(self, buffer: Flatbuffer) -> None:
        self._buffer = buffer
        self._problems: list[str] = []
        self._uses: dict[int, int] = {}
        self._defined: dict[int, set[str]] = {}
        self._codes: list[tuple[bool, str]] = []
        self._sizes: list[int | None] = []

    def read(self) -> TfliteModel:
        """
        Walk the whole model; reads no tensor.

        Raises:
            MalformedContentError: Something of it lies outside the file.
            LimitExceededError: Too many tables.
        """
        root = self._buffer.root()
        self._codes = [self._code(table) for table in root.tables(_CODES)]
        self._sizes = [self._buffer_size(table) for table in root.tables(_BUFFERS)]
        graphs = root.vector(_GRAPHS)
        if graphs is None or not graphs.length:
            raise MalformedContentError("there is no model", where="TFLite", expected="a graph")
        for graph in graphs.tables():
            self._graph(graph)
        return TfliteModel(
            operators=tuple(
                TfliteOperator(
                    name=name,
                    operators=tuple(sorted(self._defined.get(index, ()))),
                    uses=self._uses.get(index, 0),
                )
                for index, (custom, name) in enumerate(self._codes)
                if custom
            ),
            problems=tuple(self._problems),
            files=tuple(table.text(0) for table in root.tables(_GROUPS)),
        )

    def _note(self, problem: str) -> None:
        """Keep a problem while there is room."""
        if len(self._problems) < MAX_NAMED_PROBLEMS:
            self._problems.append(problem)

    def _code(self, table: Table) -> tuple[bool, str]:
        """Return whether an operator code is a custom one, and its name."""
        old, new = table.number(0, 1, signed=True), table.number(3, 4, signed=True)
        if old not in (new, _EXTENDED, 0) and new != 0:
            self._note(f"an operator is {old} to old runtimes and {new} to new ones")
        custom = _CUSTOM in (old, new)
        return custom, table.text(1)

    def _buffer_size(self, table: Table) -> int | None:
        """Return the bytes of a buffer, held to the file; None where there are none."""
        vector = table.vector(0, width=1)
        offset, size = table.number(1, 8), table.number(2, 8)
        if offset > _INLINE and offset + size > self._buffer.source.size:
            self._note(
                f"a buffer of {size} bytes at {offset} in a file of {self._buffer.source.size}"
            )
        if vector is not None and vector.length:
            return vector.length
        return size if offset > _INLINE else None

    def _graph(self, graph: Table) -> None:
        """Walk the tensors and operators of a subgraph."""
        tensors = 0
        for tensor in graph.tables(_GRAPH_TENSORS):
            tensors += 1
            self._tensor(tensor)
        for operator in graph.tables(_GRAPH_OPERATORS):
            self._operator(operator, tensors)

    def _tensor(self, tensor: Table) -> None:
        """Hold a tensor to its buffer."""
        shape = tensor.vector(0)
        dims = shape.numbers(limit=MAX_TENSOR_RANK) if shape is not None else ()
        kind, index = tensor.number(1, 1, signed=True), tensor.number(2, 4)
        name = tensor.text(3)
        if index >= max(len(self._sizes), 1):
            self._note(f"the tensor {name!r} has buffer {index} of {len(self._sizes)}")
            return
        size = self._sizes[index] if self._sizes else None
        bits = _BITS.get(kind)
        if size is None or bits is None or tensor.has(_SPARSITY):
            return
        if any(n < 0 for n in dims):
            self._note(f"the tensor {name!r} has a negative dimension")
            return
        wanted = -(-math.prod(dims) * bits // 8)
        if wanted > size:
            self._note(f"the tensor {name!r} demands {wanted} bytes, its buffer has {size}")

    def _operator(self, operator: Table, tensors: int) -> None:
        """Count a use, and read what it defines if it is one of TensorFlow."""
        index = operator.number(0, 4)
        if index >= len(self._codes):
            self._note(f"a node has operator {index} of {len(self._codes)}")
            return
        for number in (1, 2):
            vector = operator.vector(number)
            ends = vector.numbers(limit=_MAX_INPUTS) if vector is not None else ()
            if any(not _OPTIONAL <= each < tensors for each in ends):
                self._note(f"a node refers to a tensor that is none of {tensors}")
        self._uses[index] = self._uses.get(index, 0) + 1
        custom, name = self._codes[index]
        if custom:
            options = self._options(operator)
            if name.startswith(FLEX):
                self._defined.setdefault(index, set()).update(_defined_by(options))

    def _options(self, operator: Table) -> bytes:
        """Return a node's custom options, wherever they lie."""
        offset, size = operator.number(9, 8), operator.number(10, 8)
        if offset > _INLINE:
            return self._buffer.data(offset, size, limit=MAX_MEMBER_BYTES)
        vector = operator.vector(5, width=1)
        return b"" if vector is None else vector.data()


def _defined_by(options: bytes) -> Iterator[str]:
    """
    Yield the operators that a flex node's options name: its name, and that of its NodeDef.

    An empty name stands for options that could not be read.
    """
    try:
        texts = _flex_texts(options)
    except MalformedContentError:
        yield ""
        return
    yield texts[0].decode("utf-8", "backslashreplace")
    yield from _node_operators(texts[1])


def _node_operators(data: bytes) -> Iterator[str]:
    """Yield every operator that a NodeDef says it has; a reader takes the last."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 2:  # noqa: PLR2004  a counted field
            length, at = _varint(data, at)
            if tag >> 3 == 2:  # noqa: PLR2004  NodeDef.op
                yield data[at : at + length].decode("utf-8", "backslashreplace")
            at += length
        elif wire == 0:
            _, at = _varint(data, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            yield ""
            return


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the protobuf number at *at* and where it ends; the end where it is cut."""
    value = shift = 0
    while at < len(data) and shift < 64:  # noqa: PLR2004  bits of a number
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004  the last byte
            return value, at
    return 0, len(data)


_VECTOR: Final = 10
_TEXT: Final = 5
_BLOB: Final = 25


def _flex_texts(data: bytes) -> tuple[bytes, bytes]:
    """
    Return the two texts of the vector that a flexbuffer is (flexbuffers.h).

    Raises:
        MalformedContentError: It is something else.
    """
    if len(data) < 3 or data[-2] >> 2 != _VECTOR:  # noqa: PLR2004  root, type and width
        raise _no_flexbuffer()
    width = data[-1]
    at = _follow(data, len(data) - 2 - width, width)
    width = 1 << (data[-2] & 3)
    count = _number(data, at - width, width)
    kinds = at + count * width
    if count < 2 or kinds + count > len(data):  # noqa: PLR2004  name and NodeDef
        raise _no_flexbuffer()
    found = []
    for index in range(2):
        kind = data[kinds + index]
        if kind >> 2 not in (_TEXT, _BLOB):
            raise _no_flexbuffer()
        start = _follow(data, at + index * width, width)
        size = _number(data, start - (1 << (kind & 3)), 1 << (kind & 3))
        if start + size > len(data):
            raise _no_flexbuffer()
        found.append(data[start : start + size])
    return found[0], found[1]


def _follow(data: bytes, at: int, width: int) -> int:
    """Return where the offset at *at* leads: backwards."""
    return at - _number(data, at, width)


def _number(data: bytes, at: int, width: int) -> int:
    """Return the number at *at*."""
    if width not in (1, 2, 4, 8) or at < 0 or at + width > len(data):
        raise _no_flexbuffer()
    return int.from_bytes(data[at : at + width], "little")


def _no_flexbuffer() -> MalformedContentError:
    """Build the error for options that are no flexbuffer."""
    return MalformedContentError(
        "the options of an operator", where="TFLite model", expected="a name and a NodeDef"
    )
