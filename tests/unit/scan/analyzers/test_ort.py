"""Models in ONNX Runtime's own format have the operators of ONNX, in every graph."""

from pathlib import Path

import pytest

from support.scanning import examined, rules_of
from support.tflite import Fields, One, Tables, flatbuffer
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Severity
from weighbridge.formats.flatbuffers import Flatbuffer
from weighbridge.formats.ort import read_operators
from weighbridge.formats.sniff import sniff

MODEL = Path(__file__).parents[3].joinpath("vectors", "ort", "model.ort").read_bytes()


def scanned(data: bytes) -> set[str]:
    """Return what the scan says of *data*."""
    return rules_of(examined(data, format=F.ORT, path="model.ort"))


def model(*nodes: Fields) -> bytes:
    """Return a model of these nodes."""
    graph: Fields = {2: Tables(nodes)}
    return flatbuffer({1: One({7: One(graph)})}, identifier=b"ORTM")


def nested(levels: int) -> Fields:
    """Return a node with a graph within a graph, the innermost with an operator of Python."""
    node: Fields = {0: "n", 5: "PyOp"}
    for _ in range(levels):
        node = {0: "n", 5: "If", 10: Tables(({0: "then_branch", 7: One({2: Tables((node,))})},))}
    return node


def test_a_real_model() -> None:
    """What the runtime wrote is told and clean, and the operators are those of all its graphs."""
    assert sniff(BytesSource(MODEL), name="model").format is F.ORT
    assert scanned(MODEL) == set()
    operators = {each.name for each in read_operators(Flatbuffer(BytesSource(MODEL)))}
    assert operators == {"MatMul", "If", "Sin", "Cos"}


@pytest.mark.parametrize("name", [b"Sin", b"MatMul"])
def test_an_operator_that_nobody_knows(name: bytes) -> None:
    """An unknown operator is found in the graph and in a branch."""
    other = name[:-1] + b"x"
    changed = MODEL.replace(b"\x03\0\0\0Sin" if name == b"Sin" else name, other)
    if name == b"Sin":
        changed = MODEL.replace(b"\x03\0\0\0Sin", b"\x03\0\0\0" + other)
    assert changed != MODEL
    assert "onnx-custom-operator" in scanned(changed)


@pytest.mark.parametrize(
    ("node", "severity"),
    [
        ({5: "Relu"}, None),
        ({5: "Relu", 2: "ai.onnx"}, None),
        ({5: "Gelu", 2: "com.microsoft"}, None),
        ({5: "PyOp", 2: "ai.onnx.contrib"}, Severity.CRITICAL),
        ({5: "EPContext", 2: "com.microsoft"}, Severity.HIGH),
        ({5: "X", 2: "mine"}, Severity.MEDIUM),
        (nested(3), Severity.CRITICAL),
    ],
)
def test_operators(node: Fields, severity: Severity | None) -> None:
    """Each operator is judged as in a model of ONNX, however deep it stands."""
    found = examined(model(node), format=F.ORT, path="model.ort")
    assert [e.severity for e in found if isinstance(e, Finding)] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (MODEL[:40], Code.SCAN_MALFORMED),
        (model(nested(101)), Code.SCAN_LIMIT),
    ],
)
def test_gaps(data: bytes, code: Code) -> None:
    """What lies outside the file, or too deep, is a gap."""
    assert str(code) in scanned(data)
