"""Rule `tensorflow-text-operator`, and the gaps about graphs as text."""

import pytest

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RULE = "tensorflow-text-operator"


def test_vector() -> None:
    """A graph as text that reads a file is found, one that computes is not."""
    assert_vector_holds(RULE)


def rules(text: str) -> set[str]:
    """Return what the scan says of *text*."""
    return rules_of(examined(text.encode(), format=FileFormat.PROTOBUF_TEXT))


@pytest.mark.parametrize(
    "text",
    [
        'op: "ReadFile"',
        "op: 'ReadFile'",
        'op: "Read" "File"',
        "op: \"Read\" # and so on\n 'File'",
        'op: "\\122eadFile"',
        'op: "\\x52eadFile"',
        'op: "\\u0052eadFile"',
        'op # the operator\n : "ReadFile"',
        'node<op:"ReadFile">',
    ],
)
def test_spellings(text: str) -> None:
    """The operator is found in each way to write it."""
    assert rules(text) == {RULE}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('op: "MatMul"', set()),
        ('op: "Mat" "Mul" op: "StatefulPartitionedCall"', set()),
        ('op: "matmul"', {"scan-unsupported"}),
        ('op: "SaveV2"', {"scan-unsupported"}),
        ('op: "XlaCallModule"', {"scan-unsupported"}),
        ('op: "MatMul" op: "SomebodysOwn"', {"scan-unsupported"}),
        ('nodes { user_object { identifier: "_tf_keras_layer" } }', {"scan-unsupported"}),
        ('nodes { user_object { identifier: "trackable" } }', set()),
        ('item { id: 1 name: "ReadFile" }', set()),
        ('# op: "ReadFile"\nname: "x"', set()),
        ('layer { type: "Python" }', {"caffe-python-layer"}),
        ('layer { type: "ReLU" }', set()),
        (
            'platform: "onnxruntime_onnx"\nmax_batch_size: 8\ninput [ { dims: [ -1, 3.5e1 ] } ]',
            set(),
        ),
        ('op: "ReadFile', {"scan-malformed"}),
        ("op: @", {"scan-malformed"}),
    ],
)
def test_others(text: str, expected: set[str]) -> None:
    """Text whose operators all compute passes; any other graph, and no text, is a gap."""
    assert rules(text) == expected
