"""Estimators of scikit-learn: those that were saved, with the predictions that they made."""

import importlib.util
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.holding import admit
from support.markers import Call
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError

if importlib.util.find_spec("sklearn") and importlib.util.find_spec("joblib"):
    import joblib
    from sklearn.base import BaseEstimator
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import (
        GradientBoostingRegressor,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import SVC
else:
    joblib = None

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(joblib is None, reason="needs scikit-learn: make test-frameworks"),
]

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)

MODELS: dict[str, Callable[[], Any]] = {
    "linear": lambda: make_pipeline(LogisticRegression()),
    "pipeline": lambda: make_pipeline(StandardScaler(), SVC()),
    "forest": lambda: RandomForestClassifier(5, random_state=0),
    "boosted": lambda: GradientBoostingRegressor(n_estimators=5, random_state=0),
    "histogram": lambda: HistGradientBoostingClassifier(max_iter=5),
    "neighbours": lambda: KNeighborsClassifier(algorithm="kd_tree"),
    "columns": lambda: make_pipeline(
        ColumnTransformer(
            [("n", StandardScaler(), [0, 1]), ("c", OneHotEncoder(handle_unknown="ignore"), [2])]
        ),
        LogisticRegression(),
    ),
}


def saved(model: object, how: str) -> bytes:
    """Return *model* as a file of the form *how*."""
    file = io.BytesIO()
    if how.startswith("pickle"):
        pickle.dump(model, file, protocol=int(how[-1]))
    elif how == "joblib":
        joblib.dump(model, file)
    else:
        joblib.dump(model, file, compress=(how, 3))
    return file.getvalue()


@pytest.mark.parametrize("how", ["pickle2", "pickle4", "pickle5", "joblib", "zlib", "lzma"])
@pytest.mark.parametrize("name", MODELS)
def test_same_predictions(name: str, how: str) -> None:
    """The loaded estimator predicts exactly what the saved one does."""
    model = MODELS[name]().fit(X, Y)
    loaded = admit({"model.bin": saved(model, how)}).as_("sklearn")
    assert type(loaded) is type(model)
    assert np.array_equal(loaded.predict(X), model.predict(X))


def test_labels_of_text() -> None:
    """Classes that are text, which joblib saves as a pickle within the pickle, are those."""
    model = LogisticRegression().fit(X, np.array(["no", "yes"], dtype=object)[Y])
    loaded = admit({"m.joblib": saved(model, "joblib")}).as_("sklearn")
    assert list(loaded.predict(X)) == list(model.predict(X))


@pytest.mark.parametrize("how", ["pickle4", "joblib", "zlib"])
def test_nothing_of_a_hostile_twin_runs(how: str, tmp_path: Path) -> None:
    """An estimator that carries a call is refused before anything of it runs; without it, not."""
    marker = tmp_path / "ran"
    model = LogisticRegression().fit(X, Y)
    assert isinstance(admit({"m": saved(model, how)}).as_("sklearn"), BaseEstimator)
    model.extra_ = Call(Path.touch, marker)
    hostile = saved(model, how)
    with pytest.raises(ArtifactRefusedError) as caught:
        admit({"m": hostile}).as_("sklearn")
    assert caught.value.code is Code.LOAD_REFUSED
    assert not marker.exists()
    joblib.load(io.BytesIO(hostile))
    assert marker.exists(), "the payload is one that works"


def test_other_objects_are_no_estimators() -> None:
    """What is no estimator is refused as one, and loads as what it is."""
    artifact = admit({"m.pkl": pickle.dumps([1, 2])})
    assert artifact.as_("pickle") == [1, 2]
    with pytest.raises(ArtifactRefusedError) as caught:
        artifact.as_("sklearn")
    assert caught.value.code is Code.LOAD_FORMAT
