"""Unmodified programs of scikit-learn, ONNX Runtime, Keras and others: the same behind walls."""

import importlib
import importlib.util
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from support.framework_models import make_onnx, make_others
from support.users import users
from support.walled_programs import Workplace, assert_same, workplace

NEEDED = ("joblib", "sklearn.ensemble", "onnx", "numpy")
PRESENT = all(importlib.util.find_spec(name.partition(".")[0]) for name in NEEDED)
joblib, ensemble, _onnx, np = (
    [importlib.import_module(name) for name in NEEDED] if PRESENT else [cast("Any", None)] * 4
)
pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not PRESENT, reason="needs several frameworks: make test-frameworks"),
]

_DIGEST = """
import hashlib, os, pickle, sys
import numpy as np
model = sys.argv[1]
def said(name, *arrays):
    data = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    print(name, hashlib.sha256(data).hexdigest(), flush=True)
rows = np.random.default_rng(0).normal(size=(200, 5))
"""

PROGRAMS = {
    "scikit-learn": """
import joblib
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
forest = joblib.load(f"{model}/forest.joblib")
said("forest", forest.predict_proba(rows), forest.set_params(n_jobs=1).predict_proba(rows))
with open(f"{model}/line.pkl", "rb") as file:
    said("pickle", pickle.load(file).coef_)
said("mapped", joblib.load(f"{model}/rows.joblib", mmap_mode="r"))
said("npy", np.load(f"{model}/rows.npy", mmap_mode="r"))
said("trained", cross_val_score(LogisticRegression(), rows, rows.sum(1) > 0, n_jobs=2))
shared = joblib.Parallel(n_jobs=2, max_nbytes=100)(joblib.delayed(np.sum)(rows) for _ in "ab")
said("workers", np.array(shared))
""",
    "onnxruntime": """
import onnxruntime
for name in ("in.onnx", "out.onnx"):
    session = onnxruntime.InferenceSession(
        f"{model}/{name}", providers=["CPUExecutionProvider"])
    said(name, session.run(None, {"x": np.ones(400, "f4")})[0])
""",
    "keras": """
import keras, h5py
for name in ("k.keras", "k.h5"):
    said(name, keras.saving.load_model(f"{model}/{name}").predict(np.ones((1, 2)), verbose=0))
with h5py.File(f"{model}/x.h5") as file:
    said("h5py", file["x"][:])
""",
    "boosters": """
import lightgbm, xgboost
found = xgboost.Booster(model_file=f"{model}/x.ubj")
said("xgboost", found.predict(xgboost.DMatrix(rows[:, :3])))
said("lightgbm", lightgbm.Booster(model_file=f"{model}/l.txt").predict(rows[:, :3]))
""",
    "other readers": """
import gguf, pandas
said("pandas", pandas.read_pickle(f"{model}/frame.pkl.gz").to_numpy())
said("gguf", *(tensor.data for tensor in gguf.GGUFReader(f"{model}/m.gguf").tensors))
""",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Return a model of many formats."""
    made = tmp_path_factory.mktemp("made")
    rows = np.random.default_rng(0).normal(size=(200, 5))
    forest = ensemble.RandomForestClassifier(20, n_jobs=2, random_state=0)
    joblib.dump(forest.fit(rows, rows.sum(1) > 0), made / "forest.joblib")
    line = importlib.import_module("sklearn.linear_model").LogisticRegression()
    (made / "line.pkl").write_bytes(pickle.dumps(line.fit(rows, rows.sum(1) > 0)))
    joblib.dump(rows, made / "rows.joblib")
    np.save(made / "rows.npy", rows)
    make_onnx(made)
    make_others(made)
    files = {path.name: path.read_bytes() for path in Path(made).iterdir()}
    with workplace(files, KERAS_BACKEND="jax") as found:
        yield found


@pytest.mark.parametrize("user", users("cryptography", "blake3", "joblib"), ids=str)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_says_the_same(
    place: Workplace, serving_engine: str, user: str | None, name: str
) -> None:
    """What a framework computes from a model behind walls is what it computes without, bit by bit."""
    assert_same(place, _DIGEST + PROGRAMS[name], user, serving_engine)
