"""Frameworks under `weighbridge exec`: what is signed loads, its unsigned twin and evil do not."""

import importlib
import importlib.util
import os
import pickle
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from support.framework_models import has, make_onnx, make_others
from support.guarding import Outcome, Workplace, run_guarded
from support.markers import Call, leave_mark
from support.signed_model import make_signed_model

NEEDED = ("joblib", "sklearn.linear_model", "onnx", "numpy")
PRESENT = all(importlib.util.find_spec(name.partition(".")[0]) for name in NEEDED)
joblib, sklearn, onnx, np = (
    [importlib.import_module(name) for name in NEEDED] if PRESENT else [cast("Any", None)] * 4
)
pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not PRESENT, reason="needs several frameworks: make test-frameworks"),
]

FORMATS = (
    *("joblib", "pickle", "gzip", "zlib", "onnx", "hdf5", "keras-v3", "xgboost", "text", "npy"),
    *("gguf", "raw-tensors", "catboost", "skops"),
)

LOADS = """
import importlib.util
import io
import pickle
import sys
import joblib
import numpy as np

def has(name):
    return importlib.util.find_spec(name) is not None

def session(path):
    import onnxruntime
    found = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return found.run(None, {"x": np.zeros(400, "f4")})[0][:2].tolist()

def operators(path):
    import onnxruntime
    onnxruntime.SessionOptions().register_custom_ops_library(str(path))

def provider(path):
    import onnxruntime
    onnxruntime.register_execution_provider_library("some", str(path))

def h5(path):
    import h5py
    with h5py.File(path) as file:
        return file["x"][:].tolist()

def keras_model(path):
    import keras
    return keras.saving.load_model(path).predict(np.ones((1, 2)), verbose=0).tolist()

def xgboost_model(path):
    import xgboost
    return xgboost.Booster(model_file=path).num_boosted_rounds()

def lightgbm_model(path):
    import lightgbm
    return lightgbm.Booster(model_file=path).num_trees()

def catboost_model(path):
    import catboost
    return catboost.CatBoostClassifier().load_model(path).tree_count_

def skops_model(path):
    import skops.io
    return skops.io.load(path).predict([[2.0]]).tolist()

def frame(path):
    import pandas
    return pandas.read_pickle(path).to_numpy().tolist()

def gguf_model(path):
    import gguf
    return [tensor.name for tensor in gguf.GGUFReader(path).tensors]

def dilled(path):
    import dill
    with open(path, "rb") as file:
        return dill.load(file)

def cloudpickled(path):
    import cloudpickle
    with open(path, "rb") as file:
        return cloudpickle.load(file)

WAYS = {
    "lr.joblib": joblib.load,
    "packed.joblib": joblib.load,
    "lr.pkl": joblib.load,
    "mapped.joblib": lambda path: joblib.load(path, mmap_mode="r").tolist(),
    "in.onnx": session,
    "out.onnx": session,
    "x.h5": h5,
    "k.keras": keras_model,
    "k.h5": keras_model,
    "x.ubj": xgboost_model,
    "l.txt": lightgbm_model,
    "c.cbm": catboost_model,
    "lr.skops": skops_model,
    "frame.pkl": frame,
    "frame.pkl.gz": frame,
    "plain.dill": dilled,
    "plain.pkl": cloudpickled,
    "m.gguf": gguf_model,
}
for name, load in WAYS.items():
    if (MODEL / name).exists():
        attempt(f"good {name}", load, str(MODEL / name))
        attempt(f"unsigned {name}", load, str(BAD / f"unsigned-{name}"))
attempt("good joblib in memory", lambda: joblib.load(
    io.BytesIO((MODEL / "lr.joblib").read_bytes())).predict([[2.0]]).tolist())
evil = bytes.fromhex((PLACE / "evil.hex").read_text())
for name in ("evil.joblib", "evil.pkl", "evil-packed.joblib", "evil", "evil.pkl.gz"):
    path = str(BAD / name)
    attempt(f"{name} joblib.load", joblib.load, path)
    attempt(f"{name} joblib.load mapped", lambda: joblib.load(path, mmap_mode="r"))
    attempt(f"{name} numpy.load", lambda: np.load(path, allow_pickle=True))
    for package, load in (("pandas", frame), ("dill", dilled), ("cloudpickle", cloudpickled)):
        if has(package):
            attempt(f"{name} {package}", load, path)
attempt("evil joblib in memory", lambda: joblib.load(io.BytesIO(evil)))
if has("dill"):
    import dill
    attempt("evil dill.loads", lambda: dill.loads(evil))
if has("cloudpickle"):
    import cloudpickle
    attempt("evil cloudpickle.loads", lambda: cloudpickle.loads(evil))
if has("onnxruntime"):
    for function in (operators, provider):
        attempt(f"unsigned {function.__name__}", function, BAD / "code" / "own.so")
attempt("good joblib workers", lambda: joblib.Parallel(n_jobs=2)(
    joblib.delayed(abs)(number) for number in (-1, -2)))
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return signed models, their unsigned twins, and pickles that would leave a mark."""
    place = tmp_path_factory.mktemp("guard_frameworks")
    made = place / "made"
    made.mkdir()
    model = sklearn.LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    joblib.dump(model, made / "lr.joblib")
    joblib.dump(model, made / "packed.joblib", compress=3)
    joblib.dump(np.arange(6.0), made / "mapped.joblib")
    (made / "lr.pkl").write_bytes(pickle.dumps(model))
    if has("skops"):
        import skops.io  # noqa: PLC0415

        skops.io.dump(model, made / "lr.skops")
    for name in ("plain.dill", "plain.pkl"):
        package = "dill" if name.endswith("dill") else "cloudpickle"
        if has(package):
            (made / name).write_bytes(pickle.dumps({"a": [1, 2]}))
    make_onnx(made)
    make_others(made)
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    signed = make_signed_model(place, files, formats=FORMATS)
    bad = place / "bad"
    bad.mkdir()
    for name, data in files.items():
        (bad / f"unsigned-{name}").write_bytes(data)
    (bad / "code").mkdir()
    (bad / "code" / "tokenizer_config.json").touch()
    (bad / "code" / "own.so").touch()
    evil = {"x": Call(leave_mark, place / "marker")}
    joblib.dump(evil, bad / "evil.joblib")
    joblib.dump(evil, bad / "evil-packed.joblib", compress=3)
    joblib.dump(evil, bad / "evil.pkl.gz", compress=("gzip", 3))
    for name in ("evil.pkl", "evil"):
        (bad / name).write_bytes(pickle.dumps(evil))
    (place / "evil.hex").write_text(pickle.dumps(evil).hex())
    return Workplace(place=place, signed=signed)


@pytest.fixture(scope="module")
def loads(workplace: Workplace) -> Outcome:
    """Return what became of every way to load."""
    support = os.pathsep.join([os.fspath(Path(__file__).parents[1]), *sys.path])
    outcome = run_guarded(workplace, LOADS, environment={"PYTHONPATH": support})
    assert outcome.results, outcome.err
    return outcome


def those(outcome: Outcome, kind: str) -> dict[str, str]:
    """Return the attempts of one kind."""
    found = {name: said for name, said in outcome.results.items() if name.startswith(kind)}
    assert found
    return found


def test_signed_models_load(loads: Outcome) -> None:
    """Each framework that is installed loads the signed model, and its own workers work."""
    found = those(loads, "good ")
    assert {name: said for name, said in found.items() if not said.startswith("loaded: ")} == {}
    assert found["good out.onnx"] == "loaded: [0.0, 1.0]"


def test_unsigned_twins_are_denied(loads: Outcome) -> None:
    """Each framework is denied the same bytes without a signature."""
    found = those(loads, "unsigned ")
    assert {name: said for name, said in found.items() if not said.startswith("denied: ")} == {}


def test_nothing_of_evil_runs(loads: Outcome, workplace: Workplace) -> None:
    """No loader runs what an evil pickle calls, under any name, compressed or in memory."""
    found = those(loads, "evil")
    assert [name for name, said in found.items() if said.startswith("loaded: ")] == []
    assert not workplace.marker.exists()
