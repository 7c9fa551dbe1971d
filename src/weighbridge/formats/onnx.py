"""
ONNX models (onnx.proto): which operators they use, where their tensors lie, what they define.

Nodes are found wherever a runtime would look for them: in the graph, in the subgraphs that
attributes hold (`If`, `Loop`, `Scan`), in model-local functions and in training information.
So are tensors: initializers, sparse ones, and those that attributes hold. The bytes of a tensor
are stepped over, never read.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.weights import MAX_GRAPH_NAMES, MAX_PROTOBUF_DEPTH, MAX_TENSOR_RANK
from weighbridge.core.values import frozen
from weighbridge.formats.protobuf import Document, Field, Message, OddityKind

MODEL: Final = "ModelProto"
TENSOR: Final = "TensorProto"

_TEXTS: Final = frozenset({"producer_name", "producer_version", "domain"})
_EXTERNAL: Final = 1
"""TensorProto.DataLocation."""
_STRING: Final = 8
_COMPLEX: Final = frozenset({14, 15})
_BITS: Final = {
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),
    **dict.fromkeys((4, 5, 10, 16), 16),
    **dict.fromkeys((1, 6, 12), 32),
    **dict.fromkeys((7, 11, 13, 14), 64),
    15: 128,
    **dict.fromkeys((21, 22, 23), 4),
    **dict.fromkeys((25, 26), 2),
}
"""Bits of an element by TensorProto.DataType; strings have none."""
_ITEM_BYTES: Final = {"float_data": 4, "double_data": 8}
_VARINTS: Final = frozenset({"int32_data", "int64_data", "uint64_data"})
_COUNTED_BYTES: Final = 16 * 1024 * 1024
"""Packed varints up to this size are counted; counting more would be reading a tensor."""
_NOT_LAST: Final = bytes(range(0x80, 0x100))
"""Bytes of a varint that another one follows."""
_MAX_BYTES: Final = 2**63 - 1
_MAX_ENTRIES: Final = 64
_MAX_ATTRIBUTES: Final = 16
_SHORT: Final = 1024


@frozen
class OnnxOperator:
    """
    An operator that the model uses, where it is used first.

    Attributes:
        domain: Its domain; empty for ONNX's own.
        name: Its type.
        overload: Distinguishes functions of one name.
        node: The node's name.
        where: The function that the node is in; empty for the graph.
        offset: Where the node lies in the file.
        texts: Names and values of the node's attributes that are short texts.
    """

    domain: str
    name: str
    overload: str
    node: str
    where: str
    offset: int
    texts: tuple[tuple[str, str], ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """What a function would have to be called to define it."""
        return (self.domain, self.name, self.overload)


@frozen
class OnnxTensor:
    """
    A tensor whose bytes lie elsewhere, or whose geometry does not hold.

    Attributes:
        name: Its name.
        offset: Where it lies in the file.
        external: Keys and values that say where its bytes are; None where they are in the file.
        expected: Bytes that its shape and type demand; None where they demand no number.
        problem: What does not hold about it; None when it holds.
    """

    name: str
    offset: int
    external: tuple[tuple[str, str], ...] | None
    expected: int | None
    problem: str | None


class OnnxReader:
    """
    Reads a model once.

    Attributes:
        operators: Each operator once; complete when `tensors` or `tensor` is exhausted.
        functions: Domain, name and overload of the model's own functions.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._operators: dict[tuple[str, str, str], OnnxOperator] = {}
        self.functions: set[tuple[str, str, str]] = set()

    @property
    def operators(self) -> tuple[OnnxOperator, ...]:
        """What was found so far."""
        return tuple(self._operators.values())

    def tensors(self) -> Iterator[OnnxTensor]:
        """
        Walk the whole model; yield the tensors that there is something to say of.

        Raises:
            MalformedContentError: No protobuf reader would take it.
            LimitExceededError: Too many fields, names or subgraphs.
        """
        for field in self._document.root(MODEL).fields():
            match field.name:
                case "graph":
                    yield from self._graph(field.message, where="", depth=1)
                case "functions":
                    yield from self._function(field.message)
                case "training_info":
                    yield from self._training(field.message)
                case name if name in _TEXTS:
                    self._check_text(field)
                case _:
                    _validate(field)

    def tensor(self) -> Iterator[OnnxTensor]:
        """Walk a file that is a single tensor; yield it if there is something to say of it."""
        root = self._document.root(TENSOR)
        yield from _examine_tensor(root, offset=0)

    def _check_text(self, field: Field) -> None:
        """Note control characters: another format's message could pass for such a text."""
        if any(ord(c) < ord(" ") and c not in "\t\r\n" for c in field.text()):
            self._document.note(OddityKind.CONTROL_CHARACTER, MODEL, field.name, field.at)

    def _training(self, message: Message) -> Iterator[OnnxTensor]:
        for field in message.fields():
            if field.name in ("initialization", "algorithm"):
                yield from self._graph(field.message, where="training", depth=2)
            else:
                _validate(field)

    def _function(self, message: Message) -> Iterator[OnnxTensor]:
        """Walk a model-local function, and keep what it is called."""
        names = {"domain": "", "name": "", "overload": ""}
        names |= {f.name: f.text() for f in message.fields() if f.name in names}
        _bound(len(self.functions))
        self.functions.add((_plain(names["domain"]), names["name"], names["overload"]))
        for field in message.fields():
            if field.name == "node":
                yield from self._node(field, where=names["name"], depth=2)
            elif field.name == "attribute_proto":
                yield from self._attribute(field.message, where=names["name"], depth=2)
            elif field.name not in names:
                _validate(field)

    def _graph(self, message: Message, *, where: str, depth: int) -> Iterator[OnnxTensor]:
        if depth > MAX_PROTOBUF_DEPTH:
            raise LimitExceededError("graphs within graphs", where="ONNX model")
        for field in message.fields():
            match field.name:
                case "node":
                    yield from self._node(field, where=where, depth=depth)
                case "initializer":
                    yield from _examine_tensor(field.message, offset=field.at)
                case "sparse_initializer":
                    yield from _examine_sparse(field.message)
                case _:
                    _validate(field)

    def _node(self, node: Field, *, where: str, depth: int) -> Iterator[OnnxTensor]:
        """Walk a node: keep its operator, go into its attributes."""
        names = {"domain": "", "op_type": "", "overload": "", "name": ""}
        for field in node.message.fields():
            if field.name in names:
                names[field.name] = field.text()
            elif field.name == "attribute":
                yield from self._attribute(field.message, where=where, depth=depth)
            else:
                _validate(field)
        key = (_plain(names["domain"]), names["op_type"], names["overload"])
        if key not in self._operators:
            _bound(len(self._operators))
            self._operators[key] = OnnxOperator(
                domain=key[0],
                name=key[1],
                overload=key[2],
                node=names["name"],
                where=where,
                offset=node.at,
                texts=_texts(node.message) if key[0] else (),
            )

    def _attribute(self, message: Message, *, where: str, depth: int) -> Iterator[OnnxTensor]:
        for field in message.fields(runs=False):
            match field.name:
                case "g" | "graphs":
                    yield from self._graph(field.message, where=where, depth=depth + 3)
                case "t" | "tensors":
                    yield from _examine_tensor(field.message, offset=field.at)
                case "sparse_tensor" | "sparse_tensors":
                    yield from _examine_sparse(field.message)
                case _:
                    _validate(field)


def _plain(domain: str) -> str:
    """Return *domain*, the two names of ONNX's own as one."""
    return "" if domain == "ai.onnx" else domain


def _bound(count: int) -> None:
    """Hold names kept in memory to their limit."""
    if count >= MAX_GRAPH_NAMES:
        raise LimitExceededError("too many names", where="ONNX model")


def _validate(field: Field) -> None:
    """Walk a field that says nothing to us."""
    if field.kind is not None and field.kind.message:
        field.message.validate()


def _texts(node: Message) -> tuple[tuple[str, str], ...]:
    """Return the short texts among the attributes of *node*, for people to read."""
    found: list[tuple[str, str]] = []
    for field in node.fields():
        if field.name == "attribute" and len(found) < _MAX_ATTRIBUTES:
            fields = field.message.fields(runs=False)
            parts = {f.name: f for f in fields if f.name in ("name", "s")}
            if "s" in parts and "name" in parts and parts["s"].size <= _SHORT:
                value = parts["s"].data().decode("utf-8", "backslashreplace")
                found.append((parts["name"].text(), value))
    return tuple(found)


def _examine_sparse(message: Message) -> Iterator[OnnxTensor]:
    """Yield what there is to say of the two tensors of a sparse one."""
    for field in message.fields():
        if field.name in ("values", "indices"):
            yield from _examine_tensor(field.message, offset=field.at)
        elif field.name == "dims" and any(n < 0 for n in field.numbers(MAX_TENSOR_RANK)):
            problem = "a negative dimension"
            yield OnnxTensor(
                name="", offset=field.at, external=None, expected=None, problem=problem
            )


@dataclass(slots=True, kw_only=True)
class _Parts:
    """What a tensor's fields say."""

    name: str
    dims: list[int]
    kind: int
    location: int
    external: list[tuple[str, str]]
    raw: int | None
    items: dict[str, int | None]

    def add_dims(self, field: Field) -> None:
        """Add the dimensions in *field*."""
        self.dims.extend(field.numbers(MAX_TENSOR_RANK))
        if len(self.dims) > MAX_TENSOR_RANK:
            raise LimitExceededError("too many dimensions", where="ONNX tensor")

    def add_external(self, field: Field) -> None:
        """Add the pair in *field*."""
        if len(self.external) >= _MAX_ENTRIES:
            raise LimitExceededError("too many external entries", where="ONNX tensor")
        self.external.append(_entry(field.message))


def _examine_tensor(message: Message, *, offset: int) -> Iterator[OnnxTensor]:
    """Yield the tensor if its bytes lie elsewhere, or if its geometry does not hold."""
    parts = _parts(message)
    problem, expected = _geometry(parts)
    external = tuple(parts.external) if parts.external or parts.location == _EXTERNAL else None
    if external is None and problem is None:
        problem = _fill(parts, expected)
    if external is not None or problem is not None:
        yield OnnxTensor(
            name=parts.name, offset=offset, external=external, expected=expected, problem=problem
        )


def _parts(message: Message) -> _Parts:
    """Read a tensor's fields, its bytes excepted."""
    parts = _Parts(name="", dims=[], kind=0, location=0, external=[], raw=None, items={})
    for field in message.fields():
        match field.name:
            case "dims":
                parts.add_dims(field)
            case "data_type":
                parts.kind = field.value
            case "data_location":
                parts.location = field.value
            case "name":
                parts.name = field.text()
            case "raw_data":
                parts.raw = field.size
            case "external_data":
                parts.add_external(field)
            case name if name.endswith("_data"):
                _count(parts.items, field)
            case _:
                _validate(field)
    return parts


def _entry(message: Message) -> tuple[str, str]:
    """Read a pair of texts."""
    pair = {"key": "", "value": ""}
    pair |= {field.name: field.text() for field in message.fields() if field.name in pair}
    return pair["key"], pair["value"]


def _count(items: dict[str, int | None], field: Field) -> None:
    """Add the number of values in *field*, a typed field of a tensor; None: not counted."""
    known = items.get(field.name, 0)
    more: int | None = 1
    if field.name in _ITEM_BYTES:
        more = field.size // _ITEM_BYTES[field.name]
    elif field.name in _VARINTS and field.document.is_packed(field):
        more = None
        if field.size <= _COUNTED_BYTES:
            more = len(field.data(_COUNTED_BYTES).translate(None, _NOT_LAST))
    items[field.name] = None if known is None or more is None else known + more


def _geometry(parts: _Parts) -> tuple[str | None, int | None]:
    """Return what is wrong with a tensor's shape and type, and the bytes that they demand."""
    if any(n < 0 for n in parts.dims):
        return f"a negative dimension in {_shape(parts)}", None
    if parts.kind == _STRING:
        return None, None
    bits = _BITS.get(parts.kind)
    if bits is None:
        return f"the type {parts.kind}, which the format does not have", None
    expected = -(-math.prod(parts.dims) * bits // 8)
    if expected > _MAX_BYTES:
        return f"the shape {_shape(parts)}, which no memory holds", None
    return None, expected


def _fill(parts: _Parts, expected: int | None) -> str | None:
    """Return what is wrong with how much a tensor holds, in whichever field it does."""
    used = [name for name, count in parts.items.items() if count != 0]
    if parts.raw is not None:
        used.append("raw_data")
    if len(used) > 1:
        return f"values in more than one field: {', '.join(sorted(used))}"
    count = math.prod(parts.dims)
    if parts.raw is not None:
        found: int | None = parts.raw
        wanted = expected
    else:
        found = parts.items.get(used[0]) if used else 0
        wanted = _wanted(parts, count)
    if found is None or wanted is None or found == wanted:
        return None
    unit = "bytes" if parts.raw is not None else "values"
    return f"the shape {_shape(parts)} demands {wanted} {unit}, there are {found}"


def _wanted(parts: _Parts, count: int) -> int:
    """Return how many values the typed field of a tensor of *count* elements has."""
    bits = _BITS.get(parts.kind, 8)
    if bits < 8:  # noqa: PLR2004  several elements in a value
        return -(-count * bits // 8)
    return count * (2 if parts.kind in _COMPLEX else 1)


def _shape(parts: _Parts) -> str:
    """Return a tensor's shape as text."""
    return "x".join(str(n) for n in parts.dims) or "of a scalar"
