"""What layers of Keras are made of, and the frameworks that save them."""

import base64
import importlib
import marshal
import os
from typing import Any, Final

from benchmarks.scan.samples import PYTHON

KERAS: Final = "keras and tensorflow"


def framework(name: str) -> Any:
    """Return a framework, made quiet."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return importlib.import_module(name)


def lambda_config(code: object) -> dict[str, Any]:
    """Return the configuration of a Lambda layer."""
    return {
        "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
        "config": {"name": "lambda", "trainable": True, "dtype": "float32", "function": code, "arguments": {}},
    }  # fmt: skip


def marshalled() -> dict[str, Any]:
    """Return a Python function as Keras writes it; calling it touches the marker."""
    code = compile(f"lambda x: [{PYTHON}, x][1]", "x", "eval").co_consts[0]
    data = base64.b64encode(marshal.dumps(code)).decode()
    return {"class_name": "__lambda__", "config": {"code": data, "defaults": None, "closure": None}}


def layer_of(module: str, name: str, /, **config: Any) -> dict[str, Any]:
    """Return the configuration of a layer that is called *name*."""
    return {
        "module": module,
        "class_name": name,
        "config": {"name": "x", **config},
        "registered_name": None,
    }
