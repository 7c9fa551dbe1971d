"""Keras models in JSON documents are told from what only looks like one."""

from typing import Any

import pytest

from support.keras import function, layer, sequential
from weighbridge.scan.keras.configuration import models_in
from weighbridge.scan.keras.names import (
    harmful_among,
    is_keras_module,
    is_listed_class,
    is_listed_function,
    is_listed_tensor_function,
    load_names,
)


@pytest.mark.parametrize(
    "document",
    [
        sequential(),
        {"class_name": "Sequential", "config": []},
        {"class_name": "Lambda", "config": {}},
        {"class_name": "TFSMLayer", "config": {}},
        function("os", "system"),
        {"class_name": "Popen", "module": "subprocess", "config": {}},
        {"class_name": "Mine", "registered_name": "own>Mine", "config": {}},
    ],
)
def test_models(document: Any) -> None:
    """A description of a known class, or one with a module, is a model."""
    assert list(models_in(document)) == [document]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        [sequential()],
        {"class_name": "Sequential"},
        {"class_name": ["Sequential"], "config": {}},
        {"class_name": "SomethingElse", "config": {}},
        {"config": sequential()},
    ],
)
def test_no_models(document: Any) -> None:
    """Other documents, and other programs' objects, are none."""
    assert list(models_in(document)) == []


def test_converted_models() -> None:
    """A model is found where converters keep it, however they nest it."""
    model: Any = sequential(layer("Lambda"))
    holders: list[Any] = [
        {"modelTopology": model},
        {"modelTopology": {"model_config": model, "keras_version": "2.15.0"}},
        {"model_config": model},
    ]
    for holder in holders:
        assert list(models_in(holder)) == [model]


def test_lists_hold_nothing_that_reaches_out() -> None:
    """The lists have many names, and none of those that fetch, open, write, import or run."""
    names = load_names()
    assert len(names.classes) > 500
    for word in ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "TFOpLambda"):
        assert not is_listed_class(word)
    bad = ("load", "save", "file", "open", "write", "import", "exec", "py_func", "deserial", "run_")
    for name in (*names.functions, *names.tensorflow):
        assert not any(part in name.rpartition(".")[2] for part in bad), name


@pytest.mark.parametrize(
    ("module", "name", "listed"),
    [
        ("builtins", "relu", True),
        ("builtins", "eval", False),
        ("keras.activations", "relu", True),
        ("keras.src.ops.numpy", "add", True),
        ("tensorflow.python.keras.activations", "relu", True),
        ("keras", "relu", False),
        ("kerass.activations", "relu", False),
        ("keras.utils", "relu", False),
        ("keras.utils", "get_file", False),
    ],
)
def test_functions(module: str, name: str, listed: bool) -> None:
    """A function counts by its module and its name."""
    assert is_listed_function(module, name) is listed


def test_modules() -> None:
    """Packages count whole, and never by how their name begins."""
    assert is_keras_module("keras")
    assert is_keras_module("tensorflow.keras.layers")
    assert not is_keras_module("tensorflow.kerasx")
    assert not is_keras_module("tensorflow")
    assert not is_keras_module("keras_evil.layers")


def test_tensor_functions() -> None:
    """Functions of TensorFlow count by their public name, that of version 1 included."""
    assert is_listed_tensor_function("nn.relu")
    assert is_listed_tensor_function("compat.v1.nn.relu")
    assert not is_listed_tensor_function("io.read_file")
    assert not is_listed_tensor_function("relu")


def test_harmful_names() -> None:
    """Of the names in code, modules that reach out and functions that run code are harmful."""
    found = dict(harmful_among(("x", "os", "eval", "shape", "<lambda>", "print")))
    assert set(found) == {"os", "eval"}
