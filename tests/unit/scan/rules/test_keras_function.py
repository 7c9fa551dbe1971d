"""Rule `keras-function`."""

from typing import Any

import pytest

from support.keras import examined_model, function, layer
from support.rule_vectors import assert_vector_holds, findings_of
from weighbridge.core.evidence import Severity

RULE = "keras-function"


def test_vector() -> None:
    """A function that downloads is found, one that computes is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("document", "severity"),
    [
        (function("keras.config", "enable_unsafe_deserialization"), Severity.CRITICAL),
        (function("keras.saving", "load_model"), Severity.CRITICAL),
        (function("tf_keras.src.utils.data_utils", "get_file"), Severity.CRITICAL),
        (function("keras.utils", "set_random_seed"), Severity.HIGH),
        (layer("get_file", {}, module="keras.utils"), Severity.CRITICAL),
        (layer("TFOpLambda", {"function": "io.write_file"}), Severity.CRITICAL),
        (layer("TFOpLambda", {"function": "compat.v1.py_function"}), Severity.CRITICAL),
        (layer("TFOpLambda", {"function": "raw_ops.WriteFile"}), Severity.CRITICAL),
        (layer("TFOpLambda", {"function": "import_graph_def"}), Severity.HIGH),
        (layer("SlicingOpLambda", {}), Severity.HIGH),
    ],
)
def test_found(document: dict[str, Any], severity: Severity) -> None:
    """Functions that reach out are critical, others that are not listed are high."""
    found = findings_of(RULE, examined_model(document))
    assert [f.severity for f in found] == [severity]


@pytest.mark.parametrize(
    "document",
    [
        function("keras.ops", "add"),
        function("keras.src.ops.nn", "relu"),
        function("keras.activations", "gelu"),
        function("builtins", "mean_squared_error"),
        layer("TFOpLambda", {"function": "nn.relu"}),
        layer("TFOpLambda", {"function": "compat.v1.nn.relu"}),
        layer("SlicingOpLambda", {"function": "__operators__.getitem"}),
        layer("ANewLayer", {}),
    ],
)
def test_not_found(document: dict[str, Any]) -> None:
    """Functions that only compute are not found, nor are classes."""
    assert not findings_of(RULE, examined_model(document))
