"""Rule `keras-custom-object`."""

from typing import Any

import pytest

from support.keras import examined_model, function, layer
from support.rule_vectors import assert_vector_holds, findings_of
from weighbridge.core.evidence import Severity

RULE = "keras-custom-object"


def test_vector() -> None:
    """A registered class is found, a class of Keras is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    "document",
    [
        layer("Mine", {}, module=None),
        layer("my>Mine", {}, module=None),
        layer("Mine", {}, module="__main__"),
        layer("LayerOfTheFuture", {}),
        layer("Dense", {"activation": function("builtins", "my_own")}),
        layer("Lambda", {"function": "my_own", "function_type": "function"}, module=None),
    ],
)
def test_found(document: dict[str, Any]) -> None:
    """What only the program can have is told, and low."""
    found = findings_of(RULE, examined_model(document))
    assert [f.severity for f in found] == [Severity.LOW]


def test_tools() -> None:
    """A class of Keras that is no part of a model is medium: it reads files, exports, calls back."""
    document = layer("H5IOStore", {"root_path": "x"}, module="keras.src.saving.saving_lib")
    (finding,) = findings_of(RULE, examined_model(document))
    assert finding.severity is Severity.MEDIUM
    document = layer("GemmaBackbone", module="keras_hub.src.models.gemma.gemma_backbone")
    (finding,) = findings_of(RULE, examined_model(document))
    assert finding.severity is Severity.LOW


@pytest.mark.parametrize(
    "document",
    [
        layer("Dense", {}, module=None),
        layer("Custom>Adam", {}, module=None),
        layer("Functional", {}, module="keras.src.models.functional"),
        layer("Dense", {"activation": function("builtins", "relu")}),
        layer("TFOpLambda", {"function": "nn.relu"}),
        layer("__tensor__", {"value": 1, "dtype": "int32"}, module=None),
    ],
)
def test_not_found(document: dict[str, Any]) -> None:
    """Classes and functions of Keras need nothing from the program."""
    assert examined_model(document) == ()
