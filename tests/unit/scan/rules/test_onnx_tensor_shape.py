"""Rule `onnx-tensor-shape`."""

import struct

import pytest

from support.protobuf import external, field, graph, message, model, node, tensor, varint
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "onnx-tensor-shape"


def test_vector() -> None:
    """A tensor smaller than its shape is found, one that fills it is not."""
    assert_vector_holds(RULE)


def found(data: bytes) -> bool:
    """Tell whether the rule finds something in a model with the tensor *data*."""
    in_graph = examined(model(node("Abs"), tensors=(data,)), format=FileFormat.ONNX)
    alone = examined(data, format=FileFormat.ONNX_TENSOR)
    attribute = field(5, message((1, "value"), (5, data)))
    in_node = examined(model(node("Constant", attributes=attribute)), format=FileFormat.ONNX)
    results = {bool(findings_of(RULE, evidence)) for evidence in (in_graph, alone, in_node)}
    assert len(results) == 1
    return results.pop()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (tensor(2, 3, raw=bytes(24)), False),
        (tensor(2, 3, raw=bytes(23)), True),
        (tensor(2, 3, raw=bytes(25)), True),
        (tensor(raw=bytes(4)), False),
        (tensor(0, raw=b""), False),
        (tensor(0), False),
        (tensor(2), True),
        (tensor(-1, raw=b""), True),
        (tensor(2**62, 2**62, raw=b""), True),
        (tensor(2**32, 2**32, raw=b""), True),
        (tensor(2, raw=bytes(8), kind=99), True),
        (tensor(3, raw=bytes(2), kind=22), False),
        (tensor(3, raw=bytes(3), kind=22), True),
        (tensor(2, extra=field(4, struct.pack("<2f", 1, 2))), False),
        (tensor(2, extra=field(4, struct.pack("<3f", 1, 2, 3))), True),
        (tensor(2, kind=7, extra=field(7, varint(300) + varint(1))), False),
        (tensor(2, kind=7, extra=field(7, varint(300))), True),
        (tensor(1, kind=7, extra=field(7, 300)), False),
        (tensor(2, kind=8, extra=field(6, "a") + field(6, "b")), False),
        (tensor(2, kind=8, extra=field(6, "a")), True),
        (tensor(1, raw=bytes(4), extra=field(4, bytes(4))), True),
        (tensor(1, kind=15, extra=field(10, bytes(16))), False),
    ],
)
def test_geometry(data: bytes, expected: bool) -> None:
    """A tensor that holds what its shape demands passes wherever it is, any other is found."""
    assert found(data) == expected


def test_sparse_tensors() -> None:
    """Both tensors of a sparse one are looked at, and its own shape."""
    good = field(1, tensor(1, raw=bytes(4))) + field(2, tensor(1, kind=7, raw=bytes(8)))
    shape = field(3, 4) + field(3, 4)
    bad_values = field(1, tensor(2, raw=bytes(4))) + field(2, tensor(1, kind=7, raw=bytes(8)))

    def findings(sparse: bytes) -> list[Finding]:
        held = field(7, graph(node("Abs")) + field(15, sparse)) + field(1, 8)
        attribute = field(5, message((1, "value"), (22, sparse)))
        data = model(node("Constant", attributes=attribute))
        in_node = findings_of(RULE, examined(data, format=FileFormat.ONNX))
        in_graph = findings_of(RULE, examined(held, format=FileFormat.ONNX))
        assert bool(in_node) == bool(in_graph)
        return in_graph

    assert not findings(good + shape)
    assert findings(bad_values + shape)
    assert findings(good + field(3, -4))


def test_long_packed_values_are_not_counted() -> None:
    """Values that would take reading megabytes to count are left to the runtime."""
    data = tensor(1, kind=7, extra=field(7, bytes(20_000_000)))
    assert not findings_of(RULE, examined(data, format=FileFormat.ONNX_TENSOR))


@pytest.mark.parametrize(
    "data",
    [
        tensor(*range(100), raw=b""),
        tensor(1, raw=bytes(4), extra=external(**{f"k{i}": "v" for i in range(100)})),
    ],
)
def test_limits(data: bytes) -> None:
    """More dimensions or places than any tensor has are a limit."""
    assert "scan-limit" in rules_of(examined(data, format=FileFormat.ONNX_TENSOR))
