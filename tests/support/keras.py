"""Keras configurations and archives, as tests need them."""

import json
from typing import Any

from support.scanning import examined
from support.zips import zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap


def layer(
    name: str, config: Any = None, *, module: str | None = "keras.layers", **more: Any
) -> dict[str, Any]:
    """Return the configuration of a layer."""
    return {"module": module, "class_name": name, "config": config or {}, **more}


def function(module: str | None, name: str) -> dict[str, Any]:
    """Return a reference to a function."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def sequential(*layers: Any, **more: Any) -> dict[str, Any]:
    """Return the configuration of a model of *layers*."""
    config = {"name": "model", "layers": list(layers)}
    return {"module": "keras", "class_name": "Sequential", "config": config, **more}


def archive(configuration: Any) -> bytes:
    """Return the .keras file with *configuration*, a document or its very bytes."""
    data = configuration if isinstance(configuration, bytes) else json.dumps(configuration).encode()
    return zip_of({"metadata.json": b'{"keras_version": "3.9.0"}', "config.json": data})


def examined_model(*layers: Any, **more: Any) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a .keras file whose model has these *layers*."""
    return examined_configuration(sequential(*layers, **more))


def examined_configuration(configuration: Any) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a .keras file with *configuration*."""
    data = archive(configuration)
    return examined(data, format=FileFormat.KERAS_V3, path="model.keras")
