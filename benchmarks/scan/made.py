"""
Makes what frameworks save: `python -m benchmarks.scan.made FOLDER`, in an environment with them.

Every estimator of scikit-learn, every module and optimizer of PyTorch, what pandas, NumPy and SciPy
have, and boosters, each saved in the ways that there are. Nothing of it is harmful, so whatever is
blocked of it is a false alarm.
"""

import collections
import datetime as dt
import decimal
import fractions
import functools
import importlib
import pickle
import random
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np
import pandas as pd
import scipy.interpolate
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.spatial
import scipy.stats
import torch

Made = Iterator[tuple[str, Any]]

_PROTOCOLS: Final = (2, 3, 4, 5)
_ERRORS: Final = (Exception,)
"""Whatever a framework raises for arguments that do not suit it; another is tried then."""


def objects_of_sklearn() -> Made:
    """Yield every estimator, fitted to something that it takes."""
    from sklearn.utils import all_estimators  # noqa: PLC0415  each framework in its place

    for name, kind in all_estimators():
        for keywords in _keywords():
            with suppress(*_ERRORS):
                estimator = kind(**keywords)
                if _fits(estimator):
                    yield name, estimator
                    break


def _keywords() -> Iterator[dict[str, Any]]:
    """Yield arguments, one set of which each estimator takes."""
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415  as above
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415  as above
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415  as above

    linear, scaler = LogisticRegression(), StandardScaler()
    yield {}
    yield {"estimator": linear}
    yield {"estimators": [("a", linear), ("b", DecisionTreeClassifier())]}
    yield {"estimator": linear, "param_grid": {"C": [0.1, 1]}}
    yield {"estimator": linear, "param_distributions": {"C": [0.1, 1]}, "n_iter": 2}
    yield {"transformers": [("s", scaler, [0, 1])]}
    yield {"transformer_list": [("s", scaler)]}
    yield {"steps": [("s", scaler), ("m", linear)]}
    yield {"estimators": [("a", Ridge()), ("b", Ridge(2))]}
    yield {"dictionary": np.eye(6)}
    yield {"estimator": Ridge()}
    yield {"n_components": 2}


@functools.cache
def _data() -> tuple[tuple[Any, ...], ...]:
    """Return what estimators are fitted to, by turns."""
    from sklearn.datasets import make_classification, make_regression  # noqa: PLC0415  as above

    rows, classes = make_classification(60, 6, random_state=0)
    points, numbers = make_regression(60, 6, random_state=0)
    positive = np.abs(numbers) + 0.1
    return (
        (rows, classes),
        (np.abs(rows), classes),
        (points, positive),
        (rows[:, 0], positive),
        (rows, np.c_[classes, 1 - classes]),
        (points, np.c_[positive, positive]),
        (rows @ rows.T,),
        (["one two three", "two three four"] * 10,),
        ([{"a": 1}, {"b": 2}],),
        (["x", "y", "x"],),
        ([["x"], ["y"]],),
    )


def _fits(estimator: Any) -> bool:
    """Fit *estimator* to the first data that it takes."""
    for given in _data():
        with suppress(*_ERRORS):
            estimator.fit(*given)
            return True
    return False


def objects_of_boosters() -> Made:
    """Yield models of XGBoost, LightGBM and CatBoost, and their boosters."""
    rows, classes = _data()[0]
    for module, names in (
        ("xgboost", "XGBClassifier XGBRegressor XGBRFClassifier"),
        ("lightgbm", "LGBMClassifier LGBMRegressor"),
        ("catboost", "CatBoostClassifier CatBoostRegressor"),
    ):
        for name in names.split():
            quiet = {"catboost": {"verbose": 0, "allow_writing_files": False}}.get(module, {})
            model = getattr(importlib.import_module(module), name)(n_estimators=3, **quiet)
            yield name, model.fit(rows, classes)


def objects_of_python() -> Made:
    """Yield what Python and NumPy have."""
    yield "containers", {"a": [1, (2.5, None)], "b": {3}, "c": frozenset("x"), "d": b"e", "f": 1j}
    yield (
        "collections",
        [collections.OrderedDict(a=1), collections.Counter("ab"), collections.deque([1], 2)],
    )
    yield "defaults", collections.defaultdict(list, a=[1])
    yield "times", [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.timedelta(3)]
    yield (
        "numbers",
        [decimal.Decimal("1.2"), fractions.Fraction(1, 2), 10**50, slice(1, 2), range(3)],
    )
    yield "others", [uuid.UUID(int=1), Path("a"), random.Random(3), bytearray(b"x"), ...]
    yield "partial", functools.partial(np.mean, axis=0)
    rng = np.random.default_rng(0)
    yield "array", rng.random((3, 4))
    yield "fortran", np.asfortranarray(rng.random((30, 40)))
    yield "fields", np.zeros(4, dtype=[("a", "f4"), ("b", "U10"), ("c", "M8[ns]")])
    yield "objects", np.array([1, "a", None, {"x": [1]}], dtype=object)
    yield "masked", np.ma.array([1, 2, 3], mask=[False, True, False])
    yield (
        "scalars",
        [np.float32(1), np.bool_(1), np.complex64(1j), np.str_("x"), np.datetime64("2020")],
    )
    yield "generators", [rng, np.random.RandomState(3), np.random.Generator(np.random.Philox(3))]
    yield "polynomials", [np.poly1d([1, 2]), np.polynomial.Polynomial([1, 2])]
    yield "type", np.dtype("f8")
    yield "text type", np.array(["a", "bb"], dtype=np.dtypes.StringDType())


def objects_of_scipy() -> Made:
    """Yield sparse matrices, interpolations, distributions and trees."""
    square = scipy.sparse.random(5, 5, 0.3)
    for kind in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil"):
        yield f"{kind}_matrix", square.asformat(kind)
        yield f"{kind}_array", getattr(scipy.sparse, f"{kind}_array")(square)
    points, line = np.random.default_rng(0).random((9, 2)), np.arange(9.0)
    interpolate = scipy.interpolate
    yield "interp1d", interpolate.interp1d(line, line)
    yield "CubicSpline", interpolate.CubicSpline(line, line)
    yield "BSpline", interpolate.make_interp_spline(line, line)
    yield "UnivariateSpline", interpolate.UnivariateSpline(line, line)
    yield "RBFInterpolator", interpolate.RBFInterpolator(points, line)
    yield "RegularGridInterpolator", interpolate.RegularGridInterpolator((line, line), np.eye(9))
    yield "LinearNDInterpolator", interpolate.LinearNDInterpolator(points, line)
    yield "norm", scipy.stats.norm(1, 2)
    yield "gaussian_kde", scipy.stats.gaussian_kde(line)
    yield "ecdf", scipy.stats.ecdf(line)
    yield "linregress", scipy.stats.linregress(line, line)
    yield "Rotation", scipy.spatial.transform.Rotation.from_euler("x", 1)
    yield "Delaunay", scipy.spatial.Delaunay(points)
    yield "cKDTree", scipy.spatial.cKDTree(points)
    yield "KDTree", scipy.spatial.KDTree(points)
    yield "lti", scipy.signal.lti([1], [1, 2])
    yield "minimize", scipy.optimize.minimize(lambda x: (x**2).sum(), [1.0, 2.0])


def objects_of_pandas() -> Made:
    """Yield tables, columns and indexes, of types of NumPy's, of pandas' own and of Arrow's."""
    dates = pd.to_datetime(["2020", "2021", "2022"])
    table = pd.DataFrame(
        {"a": [1, 2, 3], "b": ["x", "y", None], "c": dates, "d": pd.Categorical(["u", "v", "u"])}
    )
    yield "table", table
    yield "part", table[1:]
    yield "converted", table.convert_dtypes()
    yield "arrow", table.convert_dtypes(dtype_backend="pyarrow")
    yield "levels", table.set_index(["a", "b"])
    yield "columns", table.columns
    for kind in ("Int64", "Float32", "boolean", "string", "category", "int64[pyarrow]"):
        yield f"as {kind}", pd.Series([1, 0, None]).astype("Int64").astype(kind)
    yield "zone", pd.Series(dates).dt.tz_localize("Europe/Berlin")
    yield "periods", pd.period_range("2020", "2021", freq="M")
    yield "intervals", pd.interval_range(0, 5)
    yield "sparse", pd.Series(pd.arrays.SparseArray([0, 0, 1]))
    yield (
        "scalars",
        [pd.Timestamp("2020", tz="UTC"), pd.NaT, pd.NA, pd.Timedelta(1), pd.Interval(0, 1)],
    )
    yield "offsets", [pd.offsets.BDay(3), pd.offsets.MonthEnd(), pd.DateOffset(months=2)]


def objects_of_torch() -> Made:
    """Yield every module and optimizer that takes small numbers, and tensors of every type."""
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()
    )
    yield "network", network
    yield "state", network.state_dict()
    for name in dir(torch.nn):
        kind = getattr(torch.nn, name)
        if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
            continue
        for given in ((), (2,), (4, 2), (3, 2, 1), (8, 2, 1, 1, 16), (8, 2, 16), ((4, 4), 2)):
            with suppress(*_ERRORS):
                yield f"nn.{name}", kind(*given)
                break
    for name in dir(torch.optim):
        kind = getattr(torch.optim, name)
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer):
            with suppress(*_ERRORS):
                optimizer = kind(network.parameters(), lr=0.1)
                network(torch.rand(2, 3, 8, 8)).sum().backward()
                optimizer.step()
                state = {
                    "model": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "epoch": 3,
                }
                yield f"optim.{name}", state
    kinds = (
        "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 bool complex64 float8_e4m3fn"
    )
    yield "types", {kind: torch.zeros(3).to(getattr(torch, kind)) for kind in kinds.split()}
    yield "quantized", torch.quantize_per_tensor(torch.rand(3), 0.1, 0, torch.qint8)
    yield "sparse", [torch.eye(3).to_sparse(), torch.eye(3).to_sparse_csr()]
    yield (
        "others",
        [torch.nn.Parameter(torch.rand(2)), torch.rand(3)[1:], torch.Size([1]), torch.float32],
    )
    yield "random state", torch.get_rng_state()


def _pickles(made: Any, place: str) -> None:
    for protocol in _PROTOCOLS:
        with suppress(*_ERRORS):
            Path(f"{place}.{protocol}.pkl").write_bytes(pickle.dumps(made, protocol))
    # joblib leaves a file behind where it fails.
    with suppress(*_ERRORS):
        pickle.dumps(made)
        joblib.dump(made, f"{place}.joblib")
        joblib.dump(made, f"{place}.z.joblib", compress=3)


def _checkpoints(made: Any, place: str) -> None:
    with suppress(*_ERRORS):
        pickle.dumps(made)
        torch.save(made, f"{place}.pt")
        torch.save(made, f"{place}.old.pt", _use_new_zipfile_serialization=False)


Save = Callable[[Any, str], None]

FAMILIES: Final[dict[str, tuple[Callable[[], Made], Save]]] = {
    "scikit-learn": (objects_of_sklearn, _pickles),
    "XGBoost, LightGBM, CatBoost": (objects_of_boosters, _pickles),
    "Python, NumPy": (objects_of_python, _pickles),
    "SciPy": (objects_of_scipy, _pickles),
    "pandas": (objects_of_pandas, _pickles),
    "PyTorch": (objects_of_torch, _checkpoints),
}
"""What is made, by whom, and how it is saved."""


def main() -> int:
    """Make everything below the folder that the first argument names."""
    warnings.simplefilter("ignore")
    target = Path(sys.argv[1])
    for family, (objects, save) in FAMILIES.items():
        folder = target / family
        folder.mkdir(parents=True, exist_ok=True)
        for name, made in objects():
            save(made, str(folder / name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
