"""
Makes the vectors of the rules for Keras: archives and attributes with configurations.

Run by hand (`python make.py`). What the
configurations would run is inert: it would touch a file called `marker`.
"""

import base64
import io
import json
import marshal
import zipfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RULES = FOLDER.parent / "rules"
DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}


def archive(configuration: bytes) -> bytes:
    """Return a .keras file with *configuration*."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, data in (
            ("metadata.json", b'{"keras_version": "3.9.0"}'),
            ("config.json", configuration),
        ):
            made.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def model(layer: Any) -> bytes:
    """Return the .keras file of a model with one *layer*."""
    return archive(json.dumps(configured(layer)).encode())


def configured(layer: Any) -> Any:
    """Return the configuration of a model with one *layer*."""
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}


def layer(
    name: str, config: Any, module: str | None = "keras.layers", registered: str | None = None
) -> Any:
    """Return the configuration of a layer."""
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def function(module: str, name: str) -> Any:
    """Return a reference to a function."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def code() -> str:
    """Return the marshalled code of a lambda that would touch a file, in base64."""
    made = compile("lambda x: __import__('os').system('touch marker')", "<model>", "eval")
    inner = next(each for each in made.co_consts if hasattr(each, "co_code"))
    return base64.b64encode(marshal.dumps(inner)).decode()


def main() -> None:
    """Write the vectors."""
    lambda_layer = layer(
        "Lambda", {"function": {"class_name": "__lambda__", "config": {"code": code()}}}
    )
    pure = layer("Lambda", {"function": function("keras.activations", "relu")})
    fetch = layer(
        "Lambda",
        {
            "function": function("keras.utils", "get_file"),
            "arguments": {"fname": "marker", "origin": "file:marker"},
        },
    )
    listed = json.dumps(configured(DENSE)).encode()
    twice = listed.replace(
        b'"class_name": "Dense"', b'"class_name": "Lambda", "class_name": "Dense"'
    )
    for rule, severity, references, description, bad, good in (
        ("keras-config-ambiguous", "medium", ["CVE-2025-1550"], "A layer with two classes, of which readers take one; the twin has one.", archive(twice), archive(listed)),
        ("keras-custom-object", "low", ["Keras serialization_lib.py"], "A layer that only the program can have registered; the twin's is Keras' own.", model(layer("Mine", {}, None, "own>Mine")), model(DENSE)),
        ("keras-file-reference", "high", ["CVE-2025-12058"], "A vocabulary that is a file of the machine; the twin's is a list.", model(layer("StringLookup", {"vocabulary": "/etc/hosts"})), model(layer("StringLookup", {"vocabulary": ["/etc/hosts"]}))),
        ("keras-foreign-object", "critical", ["CVE-2025-1550"], "A configuration that names a function of os; the twin names one of Keras.", model(layer("Activation", {"activation": function("os", "system")})), model(layer("Activation", {"activation": function("builtins", "relu")}))),
        ("keras-function", "critical", ["CVE-2025-8747", "CVE-2025-9906"], "A Lambda layer that downloads a file by a function of Keras; the twin's function computes.", model(fetch), model(pure)),
        ("keras-lambda-layer", "critical", ["CVE-2024-3660", "CVE-2025-9905"], "A Lambda layer with code that runs a command; the twin's Lambda layer refers to a function of Keras.", model(lambda_layer), model(pure)),
        ("keras-unsafe-layer", "critical", ["CVE-2025-49655", "CVE-2026-1462"], "A layer that unpickles a PyTorch module; the twin is a layer that computes.", model(layer("TorchModuleWrapper", {"module": "gAJOLg=="})), model(DENSE)),
    ):  # fmt: skip
        files = [
            [{"path": "model.keras", "format": "keras-v3", "hex": each.hex()}]
            for each in (bad, good)
        ]
        document = {
            "rule": rule,
            "description": description,
            "references": references,
            "finding": {"severity": severity, "files": files[0]},
            "twin": {"files": files[1]},
        }
        (RULES / f"{rule}.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
