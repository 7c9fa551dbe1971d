"""Rule `keras-foreign-object`."""

from typing import Any

import pytest

from support.keras import examined_configuration, examined_model, function, layer
from support.rule_vectors import assert_vector_holds, findings_of
from weighbridge.core.evidence import Severity

RULE = "keras-foreign-object"


def test_vector() -> None:
    """A function of os is found, one of Keras is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("document", "severity"),
    [
        (layer("Dense", {}, module="subprocess"), Severity.CRITICAL),
        (layer("Popen", {"args": "touch marker"}, module="subprocess"), Severity.CRITICAL),
        (layer("Evil", {}, module="some.package"), Severity.HIGH),
        (layer("Evil", {}, module="kerasx.layers"), Severity.HIGH),
        (layer("Evil", {}, module="tensorflow.python.kerasx"), Severity.HIGH),
        (layer("Dense", {"kernel_initializer": function("builtins", "exec")}), Severity.CRITICAL),
        (layer("Dense", {"activation": function("some.package", "run")}), Severity.HIGH),
        (layer("Lambda", {"function": "system", "module": "os"}), Severity.CRITICAL),
        (layer("Lambda", {"function": "relu", "output_shape_module": "os"}), Severity.CRITICAL),
        (layer("Dense", {"fn_module": "pty"}), Severity.CRITICAL),
        (
            {
                "class_name": "__typespec__",
                "spec_name": "Popen",
                "module": "subprocess",
                "config": [],
            },
            Severity.CRITICAL,
        ),
    ],
)
def test_found(document: dict[str, Any], severity: Severity) -> None:
    """Each way to name a class, a function or a module of another package is found."""
    found = findings_of(RULE, examined_model(document))
    assert [f.severity for f in found] == [severity]


@pytest.mark.parametrize("key", ["build_config", "compile_config", "inner_config"])
def test_other_places(key: str) -> None:
    """A foreign class is found beside the configuration as in it."""
    beside: dict[str, Any] = {key: {"optimizer": layer("X", module="evil")}}
    evidence = examined_model({**layer("Dense"), **beside})
    assert findings_of(RULE, evidence)


def test_root() -> None:
    """A foreign class is found where the whole model should be."""
    document = layer("Popen", {"args": ["true"]}, module="subprocess")
    assert findings_of(RULE, examined_configuration(document))


@pytest.mark.parametrize(
    "document",
    [
        layer("Dense", {}, module="tf_keras.src.layers.core.dense"),
        layer("Dense", {}, module="tensorflow.python.keras.layers"),
        layer("Dense", {"activation": function("builtins", "my_own")}),
        layer("Dense", {"activation": function(None, "relu")}),
        layer("Mine", {}, module="__main__"),
        layer("Dense", {"module": "a word"}),
        {
            "class_name": "__typespec__",
            "spec_name": "TensorSpec",
            "module": "tensorflow.python.framework.tensor_spec",
            "config": [[None, 3], "float32", "x"],
        },
    ],
)
def test_not_found(document: dict[str, Any]) -> None:
    """Classes of Keras and of the program itself are none of another package."""
    assert not findings_of(RULE, examined_model(document))
