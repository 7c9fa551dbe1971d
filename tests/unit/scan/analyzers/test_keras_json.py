"""Keras models in JSON files of their own, which `model_from_json` and converters read."""

import json
from typing import Any

import pytest

from support.keras import layer, sequential
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

_RULE = "keras-lambda-layer"


def _rules(document: Any) -> set[str]:
    data = json.dumps(document).encode()
    return rules_of(examined(data, format=FileFormat.JSON, path="model.json"))


def test_architecture() -> None:
    """Code in a model's architecture is found, a model of layers that compute is clean."""
    assert _rules(sequential(layer("Lambda"))) == {_RULE}
    assert _rules(sequential(layer("Dense"))) == set()


@pytest.mark.parametrize("where", ["first", "last"])
def test_large_architecture(where: str) -> None:
    """Code is found in a document that is too large to be read at once, wherever it stands."""
    many = [layer("Dense", {"name": "x" * 60, "index": n}) for n in range(4000)]
    evil = layer(
        "TimeDistributed", {"layer": layer("Lambda", {"function": ["4w" + "A" * 300_000]})}
    )
    layers = [evil, *many] if where == "first" else [*many, evil]
    assert _rules(sequential(*layers)) == {_RULE}


def test_converted_model() -> None:
    """Code is found in what TensorFlow.js keeps."""
    assert _rules({"modelTopology": {"model_config": sequential(layer("Lambda"))}}) == {_RULE}


def test_other_documents() -> None:
    """A `class_name` of another program is none of Keras."""
    assert _rules({"class_name": "Lambdas", "config": {}}) == set()
