"""Real objects of scikit-learn, joblib, SciPy and pandas, opened apart: the arrays are the same."""

import importlib
import importlib.util
import io
import pickle
from typing import Any, cast

import numpy as np
import pytest

from support.compared import same_arrays
from support.handed_back import imported_for, opened
from weighbridge.core.artifact import FileFormat
from weighbridge.load.isolated.plain import Opaque

NEEDED = ("joblib", "pandas", "scipy.sparse", "sklearn.ensemble", "sklearn.svm")
PRESENT = all(importlib.util.find_spec(name.partition(".")[0]) for name in NEEDED)
joblib, pd, sparse, ensemble, svm = (
    [importlib.import_module(name) for name in NEEDED] if PRESENT else [cast("Any", None)] * 5
)
pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not PRESENT, reason="needs scikit-learn, joblib and pandas"),
]


def estimator() -> Any:
    """Return a small forest that was fitted."""
    rows = np.random.default_rng(0).normal(size=(60, 4))
    return ensemble.RandomForestClassifier(3, random_state=0).fit(rows, rows[:, 0] > 0)


def dumped(value: object, compress: int = 0) -> bytes:
    """Return *value* as joblib writes it."""
    file = io.BytesIO()
    joblib.dump(value, file, compress=compress)
    return file.getvalue()


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize(
    ("compress", "file_format"), [(0, FileFormat.JOBLIB), (3, FileFormat.ZLIB)]
)
def test_an_estimator_of_joblib(judged: bool, compress: int, file_format: FileFormat) -> None:
    """Every array of an estimator in a joblib file comes back bit for bit, its trees' too."""
    real = estimator()
    found = opened(dumped(real, compress), judged=judged, file_format=file_format).value
    assert same_arrays(real, found) == 10


@pytest.mark.parametrize("judged", [True, False])
def test_an_estimator_in_a_pickle(judged: bool) -> None:
    """Every array of an estimator in a pickle comes back, and its parameters are plain values."""
    rows = np.random.default_rng(0).normal(size=(60, 4))
    real = svm.SVC(C=2.0).fit(rows, rows[:, 0] > 0)
    found = opened(real, judged=judged).value
    assert same_arrays(real, found) > 8
    assert isinstance(found, Opaque)
    assert isinstance(found.state, dict)
    assert (found.name, found.state["C"]) == ("sklearn.svm._classes.SVC", 2.0)


def test_tables_and_sparse_arrays() -> None:
    """Columns of tables and parts of sparse matrices come back, whatever they are made of."""
    table = pd.DataFrame(
        {
            "number": [1.5, 2.5, 3.5],
            "text": ["x", None, "z"],
            "when": pd.date_range("2031", periods=3),
            "kind": pd.Categorical(["u", "v", "u"]),
            "some": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    matrix = sparse.csr_matrix(np.eye(3))
    found = opened({"table": table, "matrix": matrix}).value
    assert isinstance(found, dict)
    assert same_arrays(matrix, found["matrix"]) == 3
    arrays = [array.tolist() for array in _arrays(found["table"])]
    assert [[1.5, 2.5, 3.5]] in arrays
    assert ["u", "v"] in arrays
    assert [1, 1, 3] in arrays
    assert any(array.dtype.kind == "M" for array in _arrays(found["table"]))


def _arrays(value: object) -> list["np.ndarray[Any, Any]"]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, Opaque):
        return [array for _, part in value.parts() for array in _arrays(part)]
    if isinstance(value, dict):
        return [array for part in value.values() for array in _arrays(part)]
    if isinstance(value, list | tuple):
        return [array for part in value for array in _arrays(part)]
    return []


@pytest.mark.parametrize("mode", ["judged", "anything"])
def test_nothing_of_it_is_imported_here(mode: str) -> None:
    """The process that asks imports NumPy for the arrays, and none of the packages named."""
    data = pickle.dumps(estimator())
    names = ("numpy", "sklearn", "scipy", "joblib", "pandas")
    assert imported_for(data, mode, *names) == ["numpy"]
