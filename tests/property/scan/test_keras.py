"""Whatever a Keras configuration says, its examination ends with findings or gaps."""

import json
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from support.keras import archive, layer, sequential
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

_KEYS: Final = st.sampled_from(
    [
        "class_name",
        "config",
        "module",
        "registered_name",
        "function",
        "function_type",
        "output_shape",
        "mask",
        "code",
        "value",
        "arguments",
        "vocabulary",
        "layers",
        "spec_name",
        "fn_module",
        "items",
    ]
)
_WORDS: Final = st.sampled_from(
    [
        "Lambda",
        "__lambda__",
        "function",
        "TFOpLambda",
        "TFSMLayer",
        "StringLookup",
        "Dense",
        "__typespec__",
        "os",
        "system",
        "keras.layers",
        "builtins",
        "lambda",
        "raw",
        "4wEAAAAA",
        "/etc/x",
        "file://x",
    ]
)
_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_KEYS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def _rules(configuration: Any) -> set[str]:
    return rules_of(examined(archive(configuration), format=FileFormat.KERAS_V3))


@settings(max_examples=200)
@given(document=_VALUES)
def test_any_configuration(document: Any) -> None:
    """No configuration makes the examination fail."""
    assert "scan-crashed" not in _rules(document)


@settings(max_examples=200)
@given(path=st.lists(_KEYS | st.integers(0, 3), max_size=8), beside=_VALUES)
def test_a_lambda_layer_is_found_anywhere(path: list[Any], beside: Any) -> None:
    """A Lambda layer is found at whatever path it stands, and whatever stands beside it."""
    inner: Any = layer("Lambda")
    for step in reversed(path):
        inner = {step: inner} if isinstance(step, str) else [beside] * step + [inner]
    assert "keras-lambda-layer" in _rules(sequential(inner))


@given(text=st.text('{}[]"\\,: x1', max_size=30), encoding=st.sampled_from(["utf-8", "utf-16"]))
def test_any_text(text: str, encoding: str) -> None:
    """No text that is nearly JSON makes the examination fail."""
    assert "scan-crashed" not in _rules(text.encode(encoding))


@given(keys=st.permutations(["Dense", "Lambda", "Conv2D"]))
def test_every_one_of_several_values_counts(keys: list[str]) -> None:
    """Of one key that occurs three times, each value is examined."""
    classes = ", ".join(f'"class_name": {json.dumps(key)}' for key in keys)
    text = (
        f'{{"class_name": "Sequential", "config": {{"layers": [{{{classes}, "config": {{}}}}]}}}}'
    )
    assert {"keras-lambda-layer", "keras-config-ambiguous"} <= _rules(text.encode())
