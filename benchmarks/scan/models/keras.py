"""Models of Keras, with layers that run or fetch something."""

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.scan.models.hdf5 import as_hdf5, hdf5_files
from benchmarks.scan.models.parts import KERAS, framework, lambda_config, layer_of, marshalled
from benchmarks.scan.models.tensorflow import saved_models
from benchmarks.scan.samples import Sample, single

_DATE: Final = (1980, 1, 1, 0, 0, 0)

_LOW: Final = {
    "lambda-string": "Keras looks the name up among the program's own functions, imports nothing and refuses the layer",
}
"""Layers that are reported and harm nobody."""


def keras_files() -> Iterator[Sample]:
    """Yield models of Keras in both of its formats, and SavedModels."""
    keras = framework("keras")
    place = Path(tempfile.mkdtemp())
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(place / "m.keras")
    model.save(place / "m.h5")
    with zipfile.ZipFile(place / "m.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    good, good_h5 = (place / "m.keras").read_bytes(), (place / "m.h5").read_bytes()
    shutil.rmtree(place)
    config = json.loads(members["config.json"])

    def packed(
        changed: object, *, extra: dict[str, bytes] | None = None, text: str | None = None
    ) -> bytes:
        data = {**members, "config.json": (text or json.dumps(changed)).encode(), **(extra or {})}
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as out:
            for name, content in data.items():
                out.writestr(zipfile.ZipInfo(name, _DATE), content)
        return stream.getvalue()

    def with_layer(layer: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = json.loads(json.dumps(config))
        changed["config"]["layers"].append(layer)
        return changed

    layers: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        "lambda": (lambda_config(marshalled()), ("CVE-2024-3660", "CVE-2025-9905")),
        "lambda-named": (lambda_config({"class_name": "function", "config": "os.system", "module": "os", "registered_name": "system"}), ("CVE-2025-1550",)),
        "lambda-string": (lambda_config("os.system"), ()),
        "module": (layer_of("os", "system", command="x"), ("CVE-2025-1550",)),
        "subprocess": (layer_of("subprocess", "Popen", args=["true"]), ("CVE-2025-1550",)),
        "get-file": (layer_of("keras.utils", "get_file", fname="x", origin="http://127.0.0.1:9/x"), ("CVE-2025-8747",)),
        "unsafe": (layer_of("keras.config", "enable_unsafe_deserialization"), ("CVE-2025-9906",)),
        "lookup-file": (layer_of("keras.layers", "StringLookup", vocabulary="/etc/passwd"), ("CVE-2025-12058",)),
        "lookup-remote": (layer_of("keras.layers", "StringLookup", vocabulary="http://127.0.0.1:9/x"), ("CVE-2025-12058",)),
        "torch-wrapper": (layer_of("keras.layers", "TorchModuleWrapper", module="gASVAAAA"), ("CVE-2025-49655",)),
        "tfsm": (layer_of("keras.layers", "TFSMLayer", filepath="http://127.0.0.1:9/x", call_endpoint="serve"), ("CVE-2026-1462",)),
        "flax": (layer_of("keras.layers", "FlaxLayer", module="x"), ()),
        "jax": (layer_of("keras.layers", "JaxLayer", call_fn="x"), ()),
        "foreign-module": (layer_of("evil.layers", "Dense", units=1), ()),
        "registered": ({**layer_of("builtins", "eval"), "registered_name": "evil>eval"}, ()),
        "initializer": (layer_of("keras.layers", "Dense", units=1, kernel_initializer={"module": "os", "class_name": "system", "config": {}, "registered_name": None}), ("CVE-2025-1550",)),
        "nested": (layer_of("keras.layers", "TimeDistributed", layer=lambda_config(marshalled())), ()),
        "wrapper": (layer_of("keras.layers", "Bidirectional", layer=layer_of("os", "system")), ()),
    }  # fmt: skip
    for label, (layer, references) in layers.items():
        yield single(
            f"keras-{label}",
            KERAS,
            "model.keras",
            packed(with_layer(layer)),
            loaders=("keras",) if label == "lambda" else (),
            twin=good,
            references=references,
            low=_LOW.get(label, ""),
        )
        yield single(
            f"keras-json-{label}",
            KERAS,
            "model.json",
            json.dumps(with_layer(layer)).encode(),
            references=references,
            low=_LOW.get(label, ""),
        )
        yield single(
            f"keras-h5-{label}",
            KERAS,
            "model.h5",
            as_hdf5(good_h5, json.dumps(with_layer(layer))),
            twin=good_h5,
            references=references,
            low=_LOW.get(label, ""),
        )
    yield single(
        "keras-config-json",
        KERAS,
        "config.json",
        json.dumps(with_layer(lambda_config(marshalled()))).encode(),
        twin=json.dumps(config).encode(),
    )
    text = json.dumps(config)
    yield single(
        "keras-duplicate-key",
        KERAS,
        "model.keras",
        packed({}, text=text[:-1] + ', "module": "os"}'),
    )
    yield single(
        "keras-bom",
        KERAS,
        "model.keras",
        packed({}, text="\ufeff" + json.dumps(with_layer(layers["lambda"][0]))),
    )
    escaped = json.dumps(with_layer(layers["lambda"][0])).replace('"Lambda"', '"\\u004cambda"')
    yield single("keras-escape", KERAS, "model.keras", packed({}, text=escaped))
    yield single(
        "keras-old-lambda",
        KERAS,
        "model.h5",
        as_hdf5(
            good_h5,
            json.dumps(
                with_layer(
                    {
                        "class_name": "Lambda",
                        "config": {
                            "name": "x",
                            "function": [marshalled()["config"]["code"], None, None],
                            "function_type": "lambda",
                            "module": "x",
                        },
                    }
                )
            ),
        ),
    )
    yield single("keras-no-config", KERAS, "model.keras", packed({}, text="not json"))
    yield single(
        "keras-pickle-member",
        KERAS,
        "model.keras",
        packed(config, extra={"assets/vocabulary.pkl": b"cos\nsystem\n(S'x'\ntR."}),
    )
    yield single(
        "keras-python-member",
        KERAS,
        "model.keras",
        packed(config, extra={"hook.py": b"import os\nos.system('x')\n"}),
    )
    yield single(
        "keras-assets-escape", KERAS, "model.keras", packed(config, extra={"../../assets/x": b"x"})
    )
    yield single(
        "keras-compile-loss",
        KERAS,
        "model.keras",
        packed(
            {
                **config,
                "compile_config": {
                    "loss": {
                        "module": "os",
                        "class_name": "system",
                        "config": "x",
                        "registered_name": None,
                    }
                },
            }
        ),
    )
    yield from hdf5_files(good_h5)
    yield from saved_models()
