"""Models of frameworks that are no part of the project, made by those that are installed."""

import importlib
import importlib.util
import os
import warnings
from pathlib import Path
from typing import Any, cast

PRESENT = all(importlib.util.find_spec(name) for name in ("onnx", "numpy"))
onnx, np = (
    [importlib.import_module(name) for name in ("onnx", "numpy")]
    if PRESENT
    else [cast("Any", None)] * 2
)


def has(name: str) -> bool:
    """Tell whether a framework is installed."""
    return importlib.util.find_spec(name) is not None


def make_onnx(place: Path) -> None:
    """Write a model with its weights in it, and the same with its weights in another file."""
    helper, kinds = onnx.helper, onnx.TensorProto
    weights = onnx.numpy_helper.from_array(np.arange(400, dtype="f4"), "w")
    vector = [helper.make_tensor_value_info(name, kinds.FLOAT, [400]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "g", vector[:1], vector[1:], [weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, place / "in.onnx")
    onnx.save_model(
        model,
        place / "out.onnx",
        save_as_external_data=True,
        location="out.onnx.data",
        size_threshold=0,
    )


def make_others(place: Path) -> None:
    """Write models of the frameworks that are installed."""
    features = np.arange(60.0).reshape(20, 3)
    labels = np.arange(20) % 2
    if has("h5py"):
        import h5py  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

        with h5py.File(place / "x.h5", "w") as file:
            file["x"] = np.arange(3)
    if has("xgboost"):
        import xgboost  # noqa: PLC0415

        booster = xgboost.XGBClassifier(n_estimators=2).fit(features, labels)
        booster.save_model(place / "x.ubj")
    if has("lightgbm"):
        import lightgbm  # noqa: PLC0415

        trained = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(features, labels)
        trained.booster_.save_model(place / "l.txt")
    if has("pandas"):
        import pandas as pd  # noqa: PLC0415

        for name in ("frame.pkl", "frame.pkl.gz"):
            pd.DataFrame({"a": [1, 2]}).to_pickle(place / name)
    if has("keras"):
        os.environ.setdefault("KERAS_BACKEND", "torch" if has("torch") else "jax")
        import keras  # noqa: PLC0415

        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the backend, about itself
            for name in ("k.keras", "k.h5"):
                model.save(place / name)
    if has("gguf"):
        import gguf  # noqa: PLC0415

        writer = gguf.GGUFWriter(place / "m.gguf", "llama")
        writer.add_tensor("w", np.arange(4, dtype="f4"))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
