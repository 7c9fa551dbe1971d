"""
What a Keras model may be made of: the names of `names.toml`, and what is no such part.

The list is made by introspecting released versions of keras and tf_keras
(`tools/keras/list_names.py`). A name that is not on it is reported; no pattern lets one pass.
"""

import builtins
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.scan.denylist import Effect, find_effect

KERAS_PACKAGES: Final = frozenset(
    {"keras", "keras_core", "keras_cv", "keras_hub", "keras_nlp", "tf_keras"}
)
"""Packages whose modules hold Keras' own classes."""

_KERAS_IN_TENSORFLOW: Final = (
    "tensorflow.keras",
    "tensorflow.python.keras",
    "tensorflow.python.ops.init_ops",
    "tensorflow.python.ops.init_ops_v2",
)
"""Modules of TensorFlow that are Keras, or hold initializers that Keras takes as its own."""

_LIBRARIES: Final = frozenset({"keras_cv", "keras_hub", "keras_nlp"})
_NO_PARTS: Final = frozenset(
    {"api", "engine", "keras", "keras_core", "python", "src", "tensorflow"}
) | {"tf_keras"}
_MODELLING: Final = frozenset(
    {
        "activations",
        "applications",
        "backend",
        "constraints",
        "dtype_policies",
        "feature_column",
        "initializers",
        "layers",
        "legacy",
        "losses",
        "metrics",
        "mixed_precision",
        "models",
        "ops",
        "optimizers",
        "quantizers",
        "regularizers",
    }
)
_SPECS: Final = frozenset(
    {"IndexedSlicesSpec", "RaggedTensorSpec", "SparseTensorSpec", "TensorSpec"}
)
_TENSORFLOW: Final = "tensorflow"

_RUNNING_BUILTINS: Final = frozenset({"__import__", "breakpoint", "compile", "eval", "exec"})

MARKERS: Final = frozenset(
    {
        "CompositeTensor",
        "DType",
        "Ellipsis",
        "InputSpec",
        "TensorShape",
        "Tokenizer",
        "TypeSpec",
        "__bytes__",
        "__complex__",
        "__ellipsis__",
        "__keras_tensor__",
        "__numpy__",
        "__passive_serialization__",
        "__slice__",
        "__tensor__",
        "__tuple__",
        "__typespec__",
    }
)
"""Class names that stand for a value (serialization_lib, json_utils)."""

UNSAFE_LAYERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ClassMethod": "calls a method of any TensorFlow class",
        "FlaxLayer": "calls functions that its configuration names",
        "InstanceMethod": "calls any method of what it gets",
        "JaxLayer": "calls functions that its configuration names",
        "KerasFileEditor": "opens a file that its configuration names",
        "ReloadedLayer": "loads and runs a SavedModel from a path",
        "TFSMLayer": "loads and runs a SavedModel from a path",
        "TensorFlowOpLayer": "runs a graph node of any TensorFlow operation",
        "TorchModuleWrapper": "unpickles a PyTorch module",
    }
)
"""Layers of Keras that do more than compute on what they get, and what they do."""


@frozen(kw_only=False)
class Names:
    """The lists of `names.toml`."""

    classes: frozenset[str]
    functions: frozenset[str]
    tensorflow: frozenset[str]


@cache
def load_names() -> Names:
    """Return the lists."""
    text = files("weighbridge.scan.keras").joinpath("names.toml").read_text("utf-8")
    lists = tomllib.loads(text)
    return Names(
        classes=frozenset(lists["classes"]),
        functions=frozenset(lists["functions"]),
        tensorflow=frozenset(lists["tensorflow"]),
    )


def is_keras_module(module: str) -> bool:
    """Tell whether *module* belongs to a package of Keras."""
    if module.partition(".")[0] in KERAS_PACKAGES:
        return True
    return any(module == each or module.startswith(f"{each}.") for each in _KERAS_IN_TENSORFLOW)


def is_part_of_models(module: str) -> bool:
    """Tell whether a module of Keras is one that has the parts of models, not tools around them."""
    parts = [part for part in module.split(".") if part not in _NO_PARTS]
    return not parts or parts[0] in _MODELLING or module.partition(".")[0] in _LIBRARIES


def is_listed_class(name: str) -> bool:
    """Tell whether *name* is a class of Keras whose instances only compute."""
    # Keras 2 registers its own optimizers under the package name that custom objects get.
    return name in MARKERS or name.removeprefix("Custom>") in load_names().classes


def is_listed_spec(module: str, name: str) -> bool:
    """Tell whether a class of TensorFlow only describes a tensor."""
    return module.partition(".")[0] == _TENSORFLOW and name in _SPECS


def is_listed_function(module: str, name: str) -> bool:
    """
    Tell whether a reference to a function leads to a pure one of Keras.

    The module `builtins` stands for all modules of Keras that have functions with names.
    """
    functions = load_names().functions
    if module == "builtins":
        spaces = ("activations", "constraints", "initializers", "losses", "metrics", "regularizers")
        return any(f"keras.{space}.{name}" in functions for space in spaces)
    if not is_keras_module(module):
        return False
    parts = [part for part in module.split(".") if part not in ("src", "python", "tensorflow")]
    while len(parts) > 1:
        if f"keras.{'.'.join(parts[1:])}.{name}" in functions:
            return True
        parts.pop()
    return False


def is_listed_tensor_function(name: str) -> bool:
    """Tell whether *name* is a TensorFlow function that only computes on tensors."""
    return name.removeprefix("compat.v1.") in load_names().tensorflow


def effect_of(module: str, name: str) -> Effect | None:
    """Return what `module.name` does where that is known to be harmful."""
    if module == "builtins" and not hasattr(builtins, name):
        return None
    return find_effect(module, name)


def harmful_among(found: tuple[str, ...]) -> tuple[tuple[str, Effect], ...]:
    """Return those of the names in code that are known to be harmful, and what they do."""
    harmful = []
    for name in found:
        effect = Effect.CODE if name in _RUNNING_BUILTINS else find_effect(name, "*")
        if effect is not None:
            harmful.append((name, effect))
    return tuple(harmful)
