"""Rule `onnx-tensor-shape`."""

import struct

import pytest

from support.protobuf import field, message, model, node, tensor, varint
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat

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
