"""Rule `keras-lambda-layer`."""

import base64
import marshal
from types import CodeType
from typing import Any

import pytest

from support.keras import examined_model, function, layer, sequential
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "keras-lambda-layer"


def _code(source: str) -> str:
    made = compile(source, "<model>", "eval")
    inner = next(each for each in made.co_consts if isinstance(each, CodeType))
    return base64.b64encode(marshal.dumps(inner)).decode()


_DOUBLE = _code("lambda x: x * 2")


def test_vector() -> None:
    """Code that runs a command is found, a reference to a pure function is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    "config",
    [
        {"function": {"class_name": "__lambda__", "config": {"code": _DOUBLE}}},
        {"function": {"class_name": "__lambda__", "config": {"value": _DOUBLE}}},
        {"function": [_DOUBLE, None, None], "function_type": "lambda"},
        {"function": _DOUBLE},
        {"function": ["not base64, which Keras 2 takes", None, None], "function_type": "lambda"},
        {"function": function("keras.activations", "relu"), "mask": [_DOUBLE, None, None]},
        {"output_shape": {"class_name": "__lambda__", "config": _DOUBLE}},
        {"function": "lambda x: eval('1')"},
        {"function": "exec(x)", "function_type": "function"},
        {},
    ],
)
def test_found(config: dict[str, Any]) -> None:
    """Code is found in each form and place that Keras 2 and 3 take it from, and is high."""
    found = findings_of(RULE, examined_model(layer("Lambda", config)))
    assert [f.severity for f in found] == [Severity.HIGH]


@pytest.mark.parametrize(
    "nested",
    [
        lambda inner: layer("TimeDistributed", {"layer": inner}),
        lambda inner: layer("Bidirectional", {"layer": layer("RNN", {"cell": inner})}),
        lambda inner: sequential(sequential(inner)),
        lambda inner: layer("Dense", {"kernel_initializer": {"anything": [[{"x": inner}]]}}),
    ],
)
def test_nested(nested: Any) -> None:
    """Code is found in wrappers, in submodels and wherever else it stands."""
    inner = layer("Lambda", {"function": [_DOUBLE, None, None]}, module=None)
    assert findings_of(RULE, examined_model(nested(inner)))


@pytest.mark.parametrize(
    "config",
    [
        {"dropout_fn": [_DOUBLE, None, None], "dropout_fn_type": "lambda"},
        {"residual_fn": ["no base64", None, None], "residual_fn_type": "lambda"},
        {"anything": _DOUBLE},
        {"anything": {"deeper": [_DOUBLE]}},
    ],
)
def test_other_layers(config: dict[str, Any]) -> None:
    """Code is found in wrappers of recurrent cells, and by its form wherever else it stands."""
    document = layer("RNN", {"cell": layer("ResidualWrapper", config)})
    assert len(findings_of(RULE, examined_model(document))) == 1


def test_text_is_no_code() -> None:
    """Long names and base64 of something else are not found."""
    config = {"name": "4" + "w" * 80, "data": base64.b64encode(b"\xe3" * 80).decode(), "x": [""]}
    assert examined_model(layer("Dense", config)) == ()


def test_compile_configuration() -> None:
    """Code is found in what a model is compiled with."""
    loss = {"class_name": "__lambda__", "config": {"value": _DOUBLE}}
    assert findings_of(RULE, examined_model(compile_config={"loss": loss}))


def test_names() -> None:
    """The names in the code are shown, and a harmful one makes the finding critical."""
    code = _code("lambda x: __import__('subprocess').run('touch marker') or eval(x)")
    (finding,) = findings_of(RULE, examined_model(layer("Lambda", {"function": [code]})))
    assert finding.severity is Severity.CRITICAL
    assert "subprocess" in finding.message + finding.evidence[1]
    assert "touch marker" in finding.evidence[1]


@pytest.mark.parametrize(
    "config",
    [
        {"function": function("keras.ops", "relu")},
        {"function": function("builtins", "tanh")},
        {"function": function("keras.activations", "relu"), "output_shape": [None, 3]},
    ],
)
def test_not_found(config: dict[str, Any]) -> None:
    """A Lambda layer that refers to a function of Keras has no finding."""
    assert examined_model(layer("Lambda", config)) == ()


def test_architecture_in_yaml() -> None:
    """A Lambda layer in an architecture that Keras wrote as YAML is found, another is not."""
    text = "class_name: Sequential\nconfig:\n  layers:\n  - class_name: {}\n"
    for name, count in (("Lambda", 1), ("'Lambda'", 1), ("LambdaCallback", 0), ("Dense", 0)):
        found = examined(text.format(name).encode(), format=FileFormat.YAML, path="model.yaml")
        assert len(findings_of(RULE, found)) == count
