"""
Models in ONNX Runtime's own format (onnxruntime/core/flatbuffers/schema/ort.fbs).

A flatbuffer that says of a graph what ONNX says, after the runtime has rewritten it: so the same
operators are looked for. There are no functions, and no tensors in files that the model names.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_GRAPH_NAMES, MAX_PROTOBUF_DEPTH
from weighbridge.formats.flatbuffers import Flatbuffer, Table
from weighbridge.formats.onnx import OnnxOperator

MAGIC: Final = b"ORTM"
MAGIC_AT: Final = 4

# Fields of the tables, by their order in ort.fbs.
_SESSION_MODEL: Final = 1
_MODEL_GRAPH: Final = 7
_GRAPH_NODES: Final = 2
_NODE_NAME, _NODE_DOMAIN, _NODE_TYPE, _NODE_ATTRIBUTES = 0, 2, 5, 10
_NAME, _TEXT, _GRAPH, _GRAPHS = 0, 5, 7, 12
_DEFAULT: Final = "ai.onnx"
_SHORT: Final = 256
_MAX_TEXTS: Final = 8


def read_operators(buffer: Flatbuffer) -> Iterator[OnnxOperator]:
    """
    Yield every operator of the model once, subgraphs included.

    Raises:
        MalformedContentError: Something lies outside the file.
        LimitExceededError: Too many tables, operators or subgraphs within subgraphs.
    """
    model = buffer.root().table(_SESSION_MODEL)
    graph = model.table(_MODEL_GRAPH) if model is not None else None
    if graph is None:
        raise MalformedContentError("there is no model", where="ORT model", expected="a graph")
    seen: set[tuple[str, str, tuple[tuple[str, str], ...]]] = set()
    levels = [graph.tables(_GRAPH_NODES)]
    while levels:
        node = next(levels[-1], None)
        if node is None:
            levels.pop()
            continue
        operator, inner = _read_node(node)
        key = (operator.domain, operator.name, operator.texts)
        if key not in seen:
            seen.add(key)
            if len(seen) > MAX_GRAPH_NAMES:
                raise LimitExceededError("too many operators", where="ORT model")
            yield operator
        levels.extend(each.tables(_GRAPH_NODES) for each in inner)
        if len(levels) > MAX_PROTOBUF_DEPTH:
            raise LimitExceededError("graphs within graphs", where="ORT model")


def _read_node(node: Table) -> tuple[OnnxOperator, list[Table]]:
    """Return a node's operator, and the graphs among its attributes."""
    texts: list[tuple[str, str]] = []
    inner: list[Table] = []
    for attribute in node.tables(_NODE_ATTRIBUTES):
        value = attribute.vector(_TEXT, width=1)
        if value is not None and 0 < value.length <= _SHORT and len(texts) < _MAX_TEXTS:
            texts.append((attribute.text(_NAME), attribute.text(_TEXT)))
        graph = attribute.table(_GRAPH)
        if graph is not None:
            inner.append(graph)
        inner.extend(attribute.tables(_GRAPHS))
        if len(inner) > MAX_PROTOBUF_DEPTH:
            raise LimitExceededError("too many graphs in one node", where="ORT model")
    domain = node.text(_NODE_DOMAIN)
    operator = OnnxOperator(
        domain="" if domain == _DEFAULT else domain,
        name=node.text(_NODE_TYPE),
        overload="",
        node=node.text(_NODE_NAME),
        where="",
        offset=node.at,
        texts=tuple(texts),
    )
    return operator, inner
