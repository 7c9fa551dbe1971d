"""Rule `caffe-python-layer`: layers in Python, in binary networks and in those as text."""

import pytest

from support.protobuf import field, message
from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding
from weighbridge.formats.sniff import sniff

RULE = "caffe-python-layer"
PARAMETER = field(130, message((1, "extra"), (2, "Layer")))


def test_vector() -> None:
    """A layer in Python is found, one of Caffe is not."""
    assert_vector_holds(RULE)


def network(*layers: bytes, old: bytes = b"") -> bytes:
    """Return a network."""
    return field(1, "net") + old + b"".join(field(100, each) for each in layers)


def layer(kind: str, more: bytes = b"") -> bytes:
    """Return a layer."""
    return message((1, "a"), (2, kind), (3, "data"), (4, "out")) + more


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (network(layer("ReLU")), set()),
        (network(layer("ReLU"), layer("Python", PARAMETER)), {RULE}),
        (network(layer("ReLU", PARAMETER + field(2, "Python"))), {RULE}),
        (network(layer("ReLU", PARAMETER)), set()),
        (network(old=field(2, message((2, "data"), (3, "out"), (4, "a"), (5, 18)))), set()),
        (network(layer("Python", PARAMETER)) + b"\xa2\x06\x7f", {RULE, str(Code.SCAN_MALFORMED)}),
    ],
)
def test_networks(data: bytes, expected: set[str]) -> None:
    """Layers are found by their type, wherever it stands; others pass."""
    assert rules_of(examined(data, format=F.CAFFE)) == expected
    if str(Code.SCAN_MALFORMED) not in expected:
        assert sniff(BytesSource(data), name="model").format is F.CAFFE


def test_the_class_is_named() -> None:
    """The evidence is the class that is imported."""
    (finding,) = examined(network(layer("Python", PARAMETER)), format=F.CAFFE)
    assert isinstance(finding, Finding)
    assert finding.evidence == ("extra.Layer",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('layer { type: "Python" python_param { module: "extra" } }', {RULE}),
        ('layer { type: "Py" "thon" }', {RULE}),
        ('layer { type: "ReLU" }', set()),
        ('layer { name: "Python" }', set()),
    ],
)
def test_text(text: str, expected: set[str]) -> None:
    """The text form says the same."""
    assert rules_of(examined(text.encode(), format=F.PROTOBUF_TEXT)) == expected
