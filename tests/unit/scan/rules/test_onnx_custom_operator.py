"""Rule `onnx-custom-operator`."""

import pytest

from support.protobuf import field, graph, graph_attribute, message, model, node, text_attribute
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "onnx-custom-operator"


def test_vector() -> None:
    """An operator that calls Python is found, the same model with a standard one is not."""
    assert_vector_holds(RULE)


def findings(data: bytes) -> list[Finding]:
    """Return what is found in *data*."""
    return findings_of(RULE, examined(data, format=FileFormat.ONNX))


@pytest.mark.parametrize(
    ("domain", "op", "severity"),
    [
        ("", "Relu", None),
        ("ai.onnx", "Relu", None),
        ("ai.onnx.ml", "TreeEnsembleClassifier", None),
        ("com.microsoft", "MultiHeadAttention", None),
        ("ai.onnx.preview.training", "Adam", None),
        ("", "NoSuchOperator", Severity.MEDIUM),
        ("com.microsoft", "EPContext", Severity.HIGH),
        ("com.microsoft", "PythonOp", Severity.CRITICAL),
        ("ai.onnx.contrib", "PyCustomOp", Severity.CRITICAL),
        ("pyopmulti_1", "PyOp", Severity.CRITICAL),
        ("org.pytorch.aten", "ATen", Severity.MEDIUM),
        ("my.domain", "Relu", Severity.MEDIUM),
    ],
)
def test_domains(domain: str, op: str, severity: Severity | None) -> None:
    """Operators of the standard and of its runtime pass, all others are found."""
    assert [f.severity for f in findings(model(node(op, domain=domain)))] == (
        [severity] if severity else []
    )


def test_attributes_that_name_python() -> None:
    """An operator that names a module and a class is one that calls Python."""
    attributes = text_attribute("module", "os") + text_attribute("class_name", "system")
    (found,) = findings(model(node("Any", domain="mine", attributes=attributes)))
    assert found.severity is Severity.CRITICAL
    assert "module='os'" in found.evidence[0]


@pytest.mark.parametrize("op", ["If", "Loop", "Scan"])
def test_subgraphs(op: str) -> None:
    """Operators in the bodies of control flow are found, bodies within bodies included."""
    inner = graph(node("PyOp", domain="x"))
    outer = graph(node("If", attributes=graph_attribute("then_branch", inner)))
    assert findings(model(node(op, attributes=graph_attribute("body", outer))))
    clean = graph(node("If", attributes=graph_attribute("then_branch", graph(node("Abs")))))
    assert not findings(model(node(op, attributes=graph_attribute("body", clean))))


def function(name: str, domain: str, *nodes: bytes) -> bytes:
    """Return the field of a model that holds a function."""
    return field(25, field(1, name) + b"".join(field(7, n) for n in nodes) + field(10, domain))


def test_functions() -> None:
    """A function of the model is no foreign operator, what it calls may be one."""
    call = node("Mine", domain="local")
    assert not findings(model(call, extra=function("Mine", "local", node("Abs"))))
    assert findings(model(call, extra=function("Other", "local", node("Abs"))))
    assert findings(model(call, extra=function("Mine", "local", node("Evil", domain="x"))))


def test_training_information() -> None:
    """Graphs for training are looked at, too."""
    training = field(20, message((1, graph(node("PyOp", domain="x")))))
    assert findings(model(node("Abs"), extra=training))


def test_found_before_a_message_breaks() -> None:
    """What was read before the bytes end in the middle of a field is reported."""
    data = model(node("PyOp", domain="x"))
    assert findings(data + b"\x32\x7f")
