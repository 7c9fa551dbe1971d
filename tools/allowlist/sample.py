"""
Makes what frameworks save: one small file for each object, in every way that people save it.

Runs inside an environment that has the frameworks, with any Python from 3.6 on:
`python sample.py FOLDER`. What is not installed, or fails, is left out and said at the end.
"""

import collections
import datetime
import inspect
import os
import pickle
import random
import signal
import sys
import warnings

SECONDS = 15
FAILED = []


class TooSlow(Exception):
    """A model that does not get ready."""


class Folder:
    """Where the samples go."""

    def __init__(self, path):
        self.path = path
        self.count = 0
        os.makedirs(path, exist_ok=True)

    def keep(self, topic, name, value, protocols=(2, 4), with_joblib=False, with_torch=False):
        """Write *value* in several ways; what cannot be pickled is left out."""
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        stem = os.path.join(self.path, topic + "." + safe)
        for protocol in protocols:
            attempt(stem, lambda p=protocol: self._pickle("{}.p{}.pkl".format(stem, p), value, p))
        if with_joblib:
            attempt(stem, lambda: self._joblib(stem + ".joblib", value))
        if with_torch:
            attempt(stem, lambda: self._torch(stem, value))

    def _pickle(self, path, value, protocol):
        data = pickle.dumps(value, protocol)
        with open(path, "wb") as stream:
            stream.write(data)
        self.count += 1

    def _joblib(self, path, value):
        import joblib

        joblib.dump(value, path)
        self.count += 1

    def _torch(self, stem, value):
        import torch

        torch.save(value, stem + ".pt")
        try:
            torch.save(value, stem + ".legacy.pt", _use_new_zipfile_serialization=False)
        except TypeError:
            pass  # versions that know one form only
        self.count += 2


def attempt(what, action):
    """Do *action* within its time; note what fails."""

    def stop(*_):
        raise TooSlow()

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        return action()
    except BaseException as error:  # frameworks raise anything
        FAILED.append("{}: {}: {}".format(what, type(error).__name__, str(error)[:100]))
        return None
    finally:
        signal.alarm(0)


def data():
    """Return features, classes and targets."""
    import numpy as np

    source = np.random.RandomState(0)
    x = source.rand(40, 4)
    y = (x[:, 0] + x[:, 1] > 1).astype(int)
    return x, y, x[:, 0] * 2 + x[:, 2]


def estimators(prefix, classes, out):
    """Fit and keep each class of *classes*, wherever data of one of three kinds fits it."""
    import numpy as np

    x, y, target = data()
    words = ["the cat sat", "a dog ran", "the dog sat", "a cat ran"] * 10
    frame = [{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}] * 20
    base = None
    try:
        from sklearn.linear_model import LogisticRegression

        base = LogisticRegression()
    except ImportError:
        pass
    for name, kind in classes:
        made = None
        for arguments in (
            {},
            {"estimator": base},
            {"base_estimator": base},
            {"estimators": [("a", base)]},
            {"transformers": [("a", "passthrough", [0])]},
            {"transformer_list": [("a", "passthrough")]},
            {"steps": [("a", base)]},
            {"dictionary": x[:3]},
            {"n_clusters": 2},
        ):
            try:
                made = kind(**arguments)
                break
            except BaseException:
                continue
        if made is None:
            FAILED.append(prefix + name + ": cannot be made")
            continue
        out.keep(prefix, name + ".unfitted", made, protocols=(2,))

        def fit(made=made):
            for inputs in (
                (x, y),
                (x, target),
                (x,),
                (np.abs(x), y),
                (x, np.stack([target, target], 1)),
                (y, y),
                (words,),
                (frame,),
                (x[:, :1], target),
                (y,),
                (words, y),
                (x.reshape(10, 4, 4),),
            ):
                try:
                    made.fit(*inputs)
                    return True
                except TooSlow:
                    raise
                except BaseException:
                    continue
            return False

        if attempt(prefix + name, fit):
            out.keep(prefix, name, made, protocols=(0, 2, 4), with_joblib=True)
        else:
            FAILED.append(prefix + name + ": cannot be fitted")


def sklearn(out):
    """Keep every estimator of scikit-learn, and combinations of them."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    try:
        from sklearn.utils import all_estimators
    except ImportError:
        from sklearn.utils.testing import all_estimators
    estimators("sklearn", all_estimators(), out)
    import numpy as np

    x, y, target = data()
    pipe = Pipeline(
        [
            ("log", FunctionTransformer(np.log1p)),
            ("scale", StandardScaler()),
            ("model", LogisticRegression()),
        ]
    ).fit(x, y)
    out.keep("sklearn", "pipeline", pipe, with_joblib=True)
    from sklearn.model_selection import (
        GridSearchCV,
        KFold,
        RandomizedSearchCV,
        ShuffleSplit,
        StratifiedKFold,
        TimeSeriesSplit,
    )

    for name, search in (
        (
            "grid",
            GridSearchCV(
                RandomForestClassifier(n_estimators=3), {"max_depth": [1, 2]}, cv=StratifiedKFold(3)
            ),
        ),
        (
            "random",
            RandomizedSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, n_iter=2, cv=KFold(3)),
        ),
    ):
        attempt(name, lambda s=search: s.fit(x, y))
        out.keep("sklearn", name, search, with_joblib=True)
    out.keep("sklearn", "splits", [KFold(), StratifiedKFold(), TimeSeriesSplit(), ShuffleSplit()])
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels

    for name in ("RBF", "Matern", "RationalQuadratic", "ExpSineSquared", "DotProduct"):
        kernel = getattr(kernels, name)() + kernels.WhiteKernel() * kernels.ConstantKernel()
        model = GaussianProcessRegressor(kernel)
        attempt(name, lambda m=model: m.fit(x, target))
        out.keep("sklearn", "gp-" + name, model, with_joblib=True)
    from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
    from sklearn.feature_selection import (
        SelectKBest,
        chi2,
        f_classif,
        f_regression,
        mutual_info_classif,
        mutual_info_regression,
    )

    for score in (chi2, f_classif, f_regression, mutual_info_classif, mutual_info_regression):
        out.keep("sklearn", "select-" + score.__name__, SelectKBest(score, k=2).fit(abs(x), y))
    for loss in ("squared_error", "absolute_error", "huber", "quantile", "ls", "lad"):
        model = ensemble.GradientBoostingRegressor(loss=loss, n_estimators=3)
        if attempt(loss, lambda m=model: m.fit(x, target)) is not None:
            out.keep("sklearn", "gbr-" + loss, model, with_joblib=True)
    for loss in ("deviance", "log_loss", "exponential"):
        model = ensemble.GradientBoostingClassifier(loss=loss, n_estimators=3)
        if attempt(loss, lambda m=model: m.fit(x, y)) is not None:
            out.keep("sklearn", "gbc-" + loss, model, with_joblib=True)
    for loss in ("squared_error", "absolute_error", "poisson", "quantile", "gamma"):

        def hist(loss=loss):
            try:
                from sklearn.experimental import enable_hist_gradient_boosting  # noqa: F401
            except ImportError:
                pass
            extra = {"quantile": 0.5} if loss == "quantile" else {}
            return ensemble.HistGradientBoostingRegressor(loss=loss, max_iter=3, **extra).fit(
                x, abs(target) + 0.1
            )

        model = attempt(loss, hist)
        if model is not None:
            out.keep("sklearn", "hist-" + loss, model, with_joblib=True)
    for loss in (
        "hinge",
        "log",
        "log_loss",
        "modified_huber",
        "squared_hinge",
        "perceptron",
        "squared_loss",
        "squared_error",
        "huber",
        "epsilon_insensitive",
    ):
        model = linear_model.SGDClassifier(loss=loss, max_iter=20)
        if attempt(loss, lambda m=model: m.fit(x, y)) is not None:
            out.keep("sklearn", "sgd-" + loss, model, with_joblib=True)
    for algorithm in ("ball_tree", "kd_tree", "brute"):
        for metric in (
            "euclidean",
            "manhattan",
            "chebyshev",
            "minkowski",
            "cosine",
            "hamming",
            "canberra",
            "braycurtis",
            "seuclidean",
        ):

            def near(a=algorithm, m=metric):
                extra = {"metric_params": {"V": x.var(axis=0)}} if m == "seuclidean" else {}
                return neighbors.KNeighborsClassifier(algorithm=a, metric=m, **extra).fit(x, y)

            model = attempt("knn", near)
            if model is not None:
                out.keep("sklearn", "knn-{}-{}".format(algorithm, metric), model, with_joblib=True)
    for solver in ("adam", "sgd", "lbfgs"):
        model = neural_network.MLPClassifier(
            (4,), solver=solver, max_iter=5, early_stopping=solver != "lbfgs"
        )
        attempt(solver, lambda m=model: m.fit(x, y))
        out.keep("sklearn", "mlp-" + solver, model, with_joblib=True)
    for criterion in ("gini", "entropy", "log_loss"):
        model = tree.DecisionTreeClassifier(criterion=criterion)
        if attempt(criterion, lambda m=model: m.fit(x, y)) is not None:
            out.keep("sklearn", "tree-" + criterion, model, with_joblib=True)
    from sklearn.metrics import (
        accuracy_score,
        f1_score,
        make_scorer,
        mean_squared_error,
        roc_auc_score,
    )

    out.keep(
        "sklearn",
        "scorers",
        [make_scorer(f) for f in (accuracy_score, f1_score, mean_squared_error, roc_auc_score)],
    )
    from sklearn.utils import Bunch

    out.keep("sklearn", "bunch", Bunch(a=x, names=["a"]))
    del naive_bayes, svm


def numpy(out):
    """Keep arrays, scalars, types and generators."""
    import numpy as np

    values = {
        "kinds": [
            np.zeros(3, k)
            for k in (
                "f2",
                "f4",
                "f8",
                "i1",
                "i8",
                "u2",
                "c8",
                "c16",
                "?",
                "S3",
                "U3",
                "M8[ns]",
                "m8[s]",
                "O",
            )
        ],
        "scalars": [
            np.dtype(k).type(1)
            for k in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u8", "c16", "?")
        ]
        + [np.datetime64("2020-01-01"), np.str_("a"), np.bytes_(b"a")],
        "records": np.zeros(2, [("a", "f4"), ("b", "U2"), ("c", "i4", (2,))]),
        "recarray": np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
        "record": np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)])[0],
        "masked": np.ma.array([1, 2], mask=[0, 1]),
        "masked-constant": np.ma.masked,
        "matrix": np.matrix([[1.0]]),
        "order": np.asfortranarray(np.ones((2, 3))),
        "empty": np.array(1.0),
        "types": [
            np.float32,
            np.int64,
            np.dtype("f4"),
            np.dtype([("a", "f8")]),
            np.object_,
            np.bool_,
        ],
        "functions": [
            np.log1p,
            np.expm1,
            np.sqrt,
            np.mean,
            np.argmax,
            np.squeeze,
            np.nanmean,
            np.sum,
        ],
        "random": np.random.RandomState(1),
        "poly": np.polynomial.Polynomial([1, 2]),
        "poly1d": np.poly1d([1, 2]),
        "polys": [
            getattr(np.polynomial, n)([1, 2])
            for n in ("Chebyshev", "Legendre", "Laguerre", "Hermite", "HermiteE")
        ],
        "char": np.char.array(["a", "b"]),
        "errors": [np.float64("nan"), np.inf],
    }
    if hasattr(np.random, "default_rng"):
        for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
            if hasattr(np.random, name):
                values["generator-" + name] = np.random.Generator(getattr(np.random, name)(1))
                values["bits-" + name] = getattr(np.random, name)(1)
        values["seeds"] = np.random.SeedSequence(3)
    if hasattr(np, "dtypes"):
        values["dtype-classes"] = [type(np.dtype("f4")), type(np.dtype("U3"))]
    for name, value in values.items():
        out.keep(
            "numpy",
            name,
            value,
            protocols=(0, 2, 4) + ((5,) if sys.version_info > (3, 8) else ()),
            with_joblib=True,
        )


def python(out):
    """Keep what is in the standard library."""
    import argparse
    import decimal
    import fractions
    import functools
    import ipaddress
    import logging
    import operator
    import pathlib
    import re
    import string
    import types
    import uuid

    values = {
        "collections": [
            collections.OrderedDict(a=1),
            collections.Counter("aab"),
            collections.deque([1], 3),
            collections.defaultdict(list, a=[1]),
            collections.ChainMap({1: 2}),
        ],
        "factories": [collections.defaultdict(k) for k in (int, float, str, set, dict, list)],
        "times": [
            datetime.datetime.now(),
            datetime.date.today(),
            datetime.time(1),
            datetime.timedelta(1),
            datetime.timezone.utc,
            datetime.datetime.now(datetime.timezone.utc),
        ],
        "numbers": [decimal.Decimal("1.5"), fractions.Fraction(1, 2), 1 + 2j, 1 << 80],
        "paths": [pathlib.PurePosixPath("a"), pathlib.Path("a/b"), pathlib.PureWindowsPath("a")],
        "bags": [argparse.Namespace(a=1), types.SimpleNamespace(a=1)],
        "sets": [{1}, frozenset([1]), bytearray(b"a"), b"a", slice(1, 2), range(3)],
        "uuid": uuid.uuid4(),
        "partial": functools.partial(int, base=2),
        "functions": [len, max, min, sum, abs, sorted, str.lower],
        "types": [int, float, str, list, dict, type(None), bool, object, tuple],
        "random": random.Random(1),
        "regex": re.compile("a+", re.IGNORECASE),
        "template": string.Template("a"),
        "operators": [operator.itemgetter(1), operator.attrgetter("a"), operator.add],
        "errors": [ValueError("a"), KeyError("a")],
        "enum": [re.IGNORECASE, __import__("http").HTTPStatus.OK],
        "addresses": ipaddress.ip_address("127.0.0.1"),
        "logger": logging.getLogger("a"),
        "ellipsis": [Ellipsis, NotImplemented],
    }
    for name, value in values.items():
        out.keep(
            "python",
            name,
            value,
            protocols=(0, 1, 2, 3, 4) + ((5,) if sys.version_info > (3, 8) else ()),
        )
    for name in ("zoneinfo",):
        zones = attempt(name, lambda: __import__("zoneinfo").ZoneInfo("UTC"))
        if zones is not None:
            out.keep("python", name, zones)
    for module, make in (
        (
            "pytz",
            lambda m: [
                m.utc,
                m.timezone("Europe/Berlin"),
                m.timezone("Europe/Berlin").localize(datetime.datetime.now()),
                m.FixedOffset(60),
            ],
        ),
        ("dateutil.tz", lambda m: [m.tzutc(), m.tzlocal(), m.tzoffset("a", 3600)]),
        ("dateutil.relativedelta", lambda m: m.relativedelta(days=1)),
    ):
        value = attempt(module, lambda n=module, f=make: f(__import__(n, fromlist=["x"])))
        if value is not None:
            out.keep("python", module, value)


def pandas(out):
    """Keep tables, indexes and arrays."""
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(
        {"a": [1, 2], "b": ["x", "y"], "c": [1.5, None], "d": pd.to_datetime(["2020", "2021"])}
    )
    makers = {
        "frame": lambda: frame,
        "series": lambda: frame.a,
        "categories": lambda: frame.b.astype("category"),
        "range": lambda: pd.RangeIndex(3),
        "multi": lambda: frame.set_index(["a", "b"]),
        "dates": lambda: pd.date_range("2020", periods=3),
        "zones": lambda: pd.date_range("2020", periods=3, tz="UTC"),
        "zones2": lambda: pd.date_range("2020", periods=3, tz="Europe/Berlin"),
        "periods": lambda: pd.period_range("2020", periods=3, freq="M"),
        "deltas": lambda: pd.timedelta_range("1D", periods=3),
        "intervals": lambda: pd.interval_range(0, 3),
        "cut": lambda: pd.cut(frame.a, 2),
        "interval": lambda: pd.Interval(0, 1),
        "stamps": lambda: [
            pd.Timestamp("2020"),
            pd.Timestamp("2020", tz="UTC"),
            pd.Timedelta(1),
            pd.NaT,
            pd.Period("2020-01"),
            pd.NA,
        ],
        "nullable": lambda: [
            frame.a.astype(k)
            for k in (
                "Int8",
                "Int16",
                "Int32",
                "Int64",
                "UInt8",
                "UInt16",
                "UInt32",
                "UInt64",
                "boolean",
                "string",
                "Float32",
                "Float64",
            )
        ],
        "sparse": lambda: pd.Series(pd.arrays.SparseArray([0, 1])),
        "int-index": lambda: pd.Index([1, 5]),
        "float-index": lambda: pd.Index([1.5]),
        "text-index": lambda: pd.Index(["a"]),
        "object": lambda: pd.Index([1, "a"]),
        "groupby": lambda: frame.groupby("a").mean(numeric_only=True),
        "offsets": lambda: [
            getattr(pd.offsets, n)()
            for n in (
                "Day",
                "Hour",
                "Minute",
                "Second",
                "Milli",
                "Micro",
                "Nano",
                "BusinessDay",
                "MonthEnd",
                "MonthBegin",
                "QuarterEnd",
                "QuarterBegin",
                "YearEnd",
                "YearBegin",
                "Week",
                "BMonthEnd",
            )
        ],
        "types": lambda: [
            pd.CategoricalDtype(["a"]),
            pd.DatetimeTZDtype(tz="UTC"),
            pd.PeriodDtype("M"),
            pd.IntervalDtype("f8"),
            pd.Int64Dtype(),
            pd.StringDtype(),
            pd.BooleanDtype(),
        ],
        "classes": lambda: [pd.DataFrame, pd.Series, pd.Index],
        "empty": lambda: pd.DataFrame(),
        "mixed": lambda: pd.DataFrame({"a": [1], "b": [True], "c": ["x"], "d": [np.float32(1)]}),
        "arrow": lambda: pd.Series(["a"], dtype="string[pyarrow]"),
    }
    for name, make in makers.items():
        value = attempt(name, make)
        if value is not None:
            out.keep(
                "pandas",
                name,
                value,
                protocols=(2, 4) + ((5,) if sys.version_info > (3, 8) else ()),
                with_joblib=True,
            )


def scipy(out):
    """Keep sparse matrices, splines, distributions and trees."""
    import numpy as np
    import scipy.interpolate as si
    import scipy.sparse as sp
    import scipy.spatial as ss
    import scipy.stats as st

    for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        for form in ("matrix", "array"):
            made = attempt(kind, lambda k=kind, f=form: getattr(sp, k + "_" + f)(np.eye(4)))
            if made is not None:
                out.keep("scipy", kind + form, made, protocols=(2, 4), with_joblib=True)
    x = np.linspace(0, 1, 10)
    makers = {
        "interp1d": lambda: si.interp1d(x, x),
        "interp1d-cubic": lambda: si.interp1d(x, x, "cubic"),
        "spline": lambda: si.UnivariateSpline(x, x),
        "bspline": lambda: si.make_interp_spline(x, x),
        "cubic": lambda: si.CubicSpline(x, x),
        "pchip": lambda: si.PchipInterpolator(x, x),
        "akima": lambda: si.Akima1DInterpolator(x, x),
        "ppoly": lambda: si.PPoly(np.ones((2, 2)), [0, 1, 2]),
        "rbf": lambda: si.RBFInterpolator(x[:, None], x),
        "grid": lambda: si.RegularGridInterpolator((x,), x),
        "linear": lambda: si.LinearNDInterpolator(np.random.rand(9, 2), np.arange(9)),
        "nearest": lambda: si.NearestNDInterpolator(np.random.rand(9, 2), np.arange(9)),
        "kdtree": lambda: ss.cKDTree(np.random.rand(9, 2)),
        "kdtree2": lambda: ss.KDTree(np.random.rand(9, 2)),
        "rotation": lambda: ss.transform.Rotation.identity(),
        "frozen": lambda: st.norm(0, 1),
        "frozen2": lambda: [
            st.uniform(0, 1),
            st.randint(1, 5),
            st.gamma(1),
            st.expon(),
            st.loguniform(1, 2),
        ],
        "kde": lambda: st.gaussian_kde(x),
        "distribution": lambda: [st.norm, st.uniform, st.beta],
        "result": lambda: st.ttest_1samp(x, 0),
        "linregress": lambda: st.linregress(x, x),
        "optimize": lambda: __import__("scipy.optimize", fromlist=["x"]).minimize(
            lambda v: v @ v, x[:2]
        ),
        "multivariate": lambda: st.multivariate_normal(np.zeros(2)),
        "special": lambda: [
            __import__("scipy.special", fromlist=["x"]).expit,
            __import__("scipy.special", fromlist=["x"]).logit,
        ],
        "hull": lambda: ss.ConvexHull(np.random.rand(9, 2)),
        "delaunay": lambda: ss.Delaunay(np.random.rand(9, 2)),
    }
    for name, make in makers.items():
        value = attempt("scipy " + name, make)
        if value is not None:
            out.keep("scipy", name, value, with_joblib=True)


def boosters(out):
    """Keep models of the gradient-boosting libraries."""
    x, y, target = data()

    def xgboost():
        import xgboost as xgb

        for name, model in (
            ("classifier", xgb.XGBClassifier(n_estimators=3)),
            ("regressor", xgb.XGBRegressor(n_estimators=3)),
            ("forest", xgb.XGBRFClassifier(n_estimators=3)),
        ):
            model.fit(x, y)
            out.keep("xgboost", name, model, with_joblib=True)
        booster = xgb.train({"max_depth": 2}, xgb.DMatrix(x, y), 3)
        out.keep("xgboost", "booster", booster, with_joblib=True)
        for booster in ("dart", "gblinear"):
            out.keep(
                "xgboost", booster, xgb.XGBClassifier(n_estimators=2, booster=booster).fit(x, y)
            )
        out.keep("xgboost", "ranker", xgb.XGBRanker(n_estimators=2).fit(x, y, group=[20, 20]))

    def lightgbm():
        import lightgbm as lgb

        for name, model in (
            ("classifier", lgb.LGBMClassifier(n_estimators=3)),
            ("regressor", lgb.LGBMRegressor(n_estimators=3)),
        ):
            model.fit(x, y)
            out.keep("lightgbm", name, model, with_joblib=True)
        out.keep("lightgbm", "booster", model.booster_, with_joblib=True)
        out.keep("lightgbm", "ranker", lgb.LGBMRanker(n_estimators=2).fit(x, y, group=[20, 20]))

    def catboost():
        import catboost as cb

        for name, model in (
            ("classifier", cb.CatBoostClassifier(iterations=3, verbose=0)),
            ("regressor", cb.CatBoostRegressor(iterations=3, verbose=0)),
            ("plain", cb.CatBoost({"iterations": 3, "verbose": 0})),
        ):
            model.set_params(allow_writing_files=False)
            model.fit(x, y)
            out.keep("catboost", name, model, with_joblib=True)

    for part in (xgboost, lightgbm, catboost):
        attempt(part.__name__, part)


def ecosystem(out):
    """Keep estimators of libraries that build on scikit-learn, and statistical models."""
    import numpy as np

    x, y, target = data()

    def of_package(name):
        package = __import__(name, fromlist=["x"])
        found = [
            (n, k) for n, k in vars(package).items() if inspect.isclass(k) and hasattr(k, "fit")
        ]
        estimators(name, found, out)

    for name in (
        "imblearn.over_sampling",
        "imblearn.under_sampling",
        "imblearn.ensemble",
        "imblearn.combine",
        "imblearn.pipeline",
        "category_encoders",
        "umap",
        "hdbscan",
    ):
        attempt(name, lambda n=name: of_package(n))

    def statsmodels():
        import statsmodels.api as sm
        from statsmodels.tsa.arima.model import ARIMA
        from statsmodels.tsa.holtwinters import ExponentialSmoothing

        for name, model in (
            ("ols", sm.OLS(target, x)),
            ("glm", sm.GLM(y, x, family=sm.families.Binomial())),
            ("logit", sm.Logit(y, sm.add_constant(x[:, 2:]))),
            ("poisson", sm.Poisson(y, x)),
            ("rlm", sm.RLM(target, x)),
            ("wls", sm.WLS(target, x)),
            ("arima", ARIMA(target, order=(1, 0, 0))),
            ("holt", ExponentialSmoothing(target + 1)),
            ("sarimax", sm.tsa.SARIMAX(target)),
        ):
            result = attempt(name, model.fit)
            if result is not None:
                out.keep("statsmodels", name, result, with_joblib=True)
        import pandas as pd
        import statsmodels.formula.api as smf

        out.keep(
            "statsmodels",
            "formula",
            smf.ols("a ~ b", pd.DataFrame({"a": target, "b": x[:, 0]})).fit(),
        )

    def gensim():
        from gensim import corpora
        from gensim import models as gm

        texts = [["cat", "dog", "tree"], ["dog", "sun"], ["cat", "sun", "moon"]] * 5
        words = corpora.Dictionary(texts)
        bags = [words.doc2bow(t) for t in texts]
        for name, make in (
            ("word2vec", lambda: gm.Word2Vec(texts, min_count=1)),
            ("fasttext", lambda: gm.FastText(texts, min_count=1, bucket=100)),
            ("lda", lambda: gm.LdaModel(bags, 2, words)),
            ("lsi", lambda: gm.LsiModel(bags, 2)),
            ("tfidf", lambda: gm.TfidfModel(bags)),
            ("dictionary", lambda: words),
            ("phrases", lambda: gm.Phrases(texts)),
            (
                "doc2vec",
                lambda: gm.Doc2Vec(
                    [gm.doc2vec.TaggedDocument(t, [i]) for i, t in enumerate(texts)], min_count=1
                ),
            ),
            ("hdp", lambda: gm.HdpModel(bags, words)),
            ("keyed", lambda: gm.Word2Vec(texts, min_count=1).wv),
        ):
            model = attempt(name, make)
            if model is not None:
                out.keep("gensim", name, model)

    def nltk():
        from nltk import NaiveBayesClassifier
        from nltk.probability import ConditionalFreqDist, FreqDist
        from nltk.stem import PorterStemmer, SnowballStemmer
        from nltk.tag import BigramTagger, DefaultTagger, UnigramTagger
        from nltk.tokenize import (
            PunktSentenceTokenizer,
            RegexpTokenizer,
            TreebankWordTokenizer,
            punkt,
        )
        from nltk.tree import Tree

        tagged = [[("cat", "N"), ("runs", "V")]]
        for name, make in (
            ("bayes", lambda: NaiveBayesClassifier.train([({"a": 1}, "x"), ({"a": 2}, "y")])),
            (
                "tagger",
                lambda: BigramTagger(
                    tagged, backoff=UnigramTagger(tagged, backoff=DefaultTagger("N"))
                ),
            ),
            ("punkt", lambda: PunktSentenceTokenizer("Dr. A went. He ate.")),
            ("freq", lambda: [FreqDist("aab"), ConditionalFreqDist([("a", 1)])]),
            ("stem", lambda: [PorterStemmer(), SnowballStemmer("english")]),
            ("tokenizers", lambda: [RegexpTokenizer("a"), TreebankWordTokenizer()]),
            ("tree", lambda: Tree.fromstring("(S (N a))")),
            ("trainer", lambda: punkt.PunktTrainer("a b.").get_params()),
        ):
            model = attempt(name, make)
            if model is not None:
                out.keep("nltk", name, model)

    def spacy():
        import spacy as sp

        blank = sp.blank("en")
        out.keep("spacy", "vocab", blank.vocab)
        out.keep("spacy", "doc", blank("a cat"))
        out.keep("spacy", "language", blank)

    for part in (statsmodels, gensim, nltk, spacy):
        attempt(part.__name__, part)
    del np


def torch(out):
    """Keep modules, optimizers, tensors and checkpoints."""
    import torch as t
    from torch import nn

    def tensors():
        x = t.arange(6.0).reshape(2, 3)
        values = {
            "tensor": x,
            "views": [x, x[0], x.t()],
            "parameter": nn.Parameter(x),
            "sparse": x.to_sparse(),
            "size": x.shape,
            "device": t.device("cpu"),
            "dtype": [t.float32, t.int64, t.bool],
            "grad": x.clone().requires_grad_(),
            "meta": {
                "state": {"w": x},
                "epoch": 3,
                "loss": 0.1,
                "args": __import__("argparse").Namespace(lr=0.1),
                "best": t.tensor(1.0),
            },
        }
        for name, make in (
            ("bf16", lambda: x.bfloat16()),
            ("half", lambda: x.half()),
            ("complex", lambda: x.to(t.complex64)),
            ("quant", lambda: t.quantize_per_tensor(x, 0.1, 0, t.qint8)),
            (
                "quant-channel",
                lambda: t.quantize_per_channel(
                    x, t.tensor([0.1, 0.2]), t.tensor([0, 0]), 0, t.qint8
                ),
            ),
            ("csr", lambda: x.to_sparse_csr()),
            ("meta-device", lambda: x.to("meta")),
            ("attribute", lambda: tagged(x)),
            ("float8", lambda: x.to(t.float8_e4m3fn)),
            ("storage", lambda: x.storage()),
            ("generator", lambda: t.Generator().get_state()),
            ("layout", lambda: [t.strided, t.contiguous_format]),
            ("nested", lambda: t.nested.nested_tensor([x, x])),
            ("neg", lambda: x.neg()),
            ("conj", lambda: x.to(t.complex64).conj()),
        ):
            value = attempt("tensor " + name, make)
            if value is not None:
                values[name] = value
        for name, value in values.items():
            out.keep("torch", "tensor-" + name, value, with_torch=True, with_joblib=True)

    def tagged(x):
        x = x.clone()
        x.note = "a"
        return x

    def modules():
        for name, kind in sorted(vars(nn).items()):
            if not (inspect.isclass(kind) and issubclass(kind, nn.Module)):
                continue
            made = make_module(t, nn, kind)
            if made is not None:
                out.keep("torch", "nn-" + name, made, protocols=(2,), with_torch=True)
        net = nn.Sequential(
            collections.OrderedDict(
                a=nn.Conv2d(1, 2, 3),
                b=nn.BatchNorm2d(2),
                c=nn.ReLU(),
                d=nn.Dropout(),
                e=nn.Flatten(),
            )
        )
        out.keep("torch", "network", net, with_torch=True, with_joblib=True)
        try:
            from torch.nn.utils import prune, spectral_norm, weight_norm

            layer = weight_norm(nn.Linear(2, 2))
            out.keep("torch", "weight-norm", layer, with_torch=True)
            out.keep("torch", "spectral-norm", spectral_norm(nn.Linear(2, 2)), with_torch=True)
            layer = nn.Linear(2, 2)
            prune.l1_unstructured(layer, "weight", 0.5)
            out.keep("torch", "pruned", layer, with_torch=True)
            from torch.nn.utils import parametrizations

            out.keep(
                "torch", "orthogonal", parametrizations.orthogonal(nn.Linear(2, 2)), with_torch=True
            )
        except ImportError:
            pass
        quantize = getattr(t, "quantization", None)
        if quantize is not None:
            dynamic = attempt(
                "dynamic",
                lambda: quantize.quantize_dynamic(
                    nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2), nn.GRU(2, 2)),
                    {nn.Linear, nn.LSTM, nn.GRU},
                ),
            )
            if dynamic is not None:
                out.keep("torch", "quantized-dynamic", dynamic, with_torch=True)

            def static(convert):
                model = nn.Sequential(
                    quantize.QuantStub(),
                    nn.Conv2d(1, 2, 3),
                    nn.BatchNorm2d(2),
                    nn.ReLU(),
                    quantize.DeQuantStub(),
                ).eval()
                model.qconfig = quantize.get_default_qconfig("fbgemm")
                model = quantize.fuse_modules(model, [["1", "2", "3"]])
                model = quantize.prepare(model)
                model(t.rand(1, 1, 5, 5))
                return quantize.convert(model) if convert else model

            for convert in (False, True):
                made = attempt("static", lambda c=convert: static(c))
                if made is not None:
                    out.keep("torch", "quantized-{}".format(convert), made, with_torch=True)

    def optimizers():
        from torch import optim

        for name, kind in sorted(vars(optim).items()):
            if (
                inspect.isclass(kind)
                and issubclass(kind, optim.Optimizer)
                and kind is not optim.Optimizer
            ):
                layer = nn.Linear(2, 2)
                made = attempt(name, lambda k=kind, p=layer: k(p.parameters(), lr=0.1))
                if made is None:
                    continue

                def step(layer=layer, made=made):
                    layer(t.rand(1, 2)).sum().backward()
                    made.step()

                attempt(name, step)
                out.keep(
                    "torch",
                    "optim-" + name,
                    {"object": made, "state": made.state_dict(), "model": layer.state_dict()},
                    protocols=(2,),
                    with_torch=True,
                )
        layer = nn.Linear(2, 2)
        base = optim.SGD(layer.parameters(), lr=0.1)
        from torch.optim import lr_scheduler as ls

        for name, arguments in (
            ("StepLR", (3,)),
            ("MultiStepLR", ([1],)),
            ("ExponentialLR", (0.9,)),
            ("CosineAnnealingLR", (3,)),
            ("ReduceLROnPlateau", ()),
            ("CyclicLR", (0.1, 0.2)),
            ("OneCycleLR", (0.1, 10)),
            ("CosineAnnealingWarmRestarts", (3,)),
            ("LinearLR", ()),
            ("ConstantLR", ()),
            ("PolynomialLR", ()),
        ):
            made = attempt(name, lambda n=name, a=arguments: getattr(ls, n)(base, *a))
            if made is not None:
                out.keep(
                    "torch",
                    "schedule-" + name,
                    {"object": made, "state": made.state_dict()},
                    protocols=(2,),
                    with_torch=True,
                )
        from torch import distributions as d

        for name, arguments in (
            ("Normal", (0.0, 1.0)),
            ("Categorical", (t.ones(3),)),
            ("Bernoulli", (t.tensor(0.5),)),
            ("Beta", (1.0, 1.0)),
            ("Gamma", (1.0, 1.0)),
            ("Uniform", (0.0, 1.0)),
            ("MultivariateNormal", (t.zeros(2), t.eye(2))),
            ("Dirichlet", (t.ones(2),)),
            ("Exponential", (1.0,)),
            ("Laplace", (0.0, 1.0)),
            ("StudentT", (1.0,)),
            ("LogNormal", (0.0, 1.0)),
        ):
            made = attempt(name, lambda n=name, a=arguments: getattr(d, n)(*a))
            if made is not None:
                out.keep("torch", "distribution-" + name, made, protocols=(2,), with_torch=True)
        data_tools = __import__("torch.utils.data", fromlist=["x"])
        out.keep(
            "torch",
            "datasets",
            [
                data_tools.TensorDataset(t.zeros(2)),
                data_tools.Subset(data_tools.TensorDataset(t.zeros(2)), [0]),
            ],
            with_torch=True,
        )

    for part in (tensors, modules, optimizers):
        part_name = part.__name__
        try:
            part()
        except BaseException as error:
            FAILED.append("torch {}: {!r}".format(part_name, error))


def make_module(t, nn, kind):
    """Return a module of *kind*, made with the first arguments that fit."""
    layer = lambda: nn.TransformerEncoderLayer(4, 2, 8)
    for arguments in (
        (),
        (4,),
        (4, 4),
        (4, 4, 3),
        (2, 3),
        (1, 4, 4),
        (4, 2),
        ([nn.Linear(2, 2)],),
        (layer, 2),
        (0.1, 0.2),
        (1, (2, 2)),
        (4, 9, [3]),
    ):
        try:
            arguments = tuple(a() if callable(a) else a for a in arguments)
            return kind(*arguments)
        except BaseException:
            continue
    return None


def torch_ecosystem(out):
    """Keep what training frameworks and model collections save."""
    import torch as t

    def torchvision():
        from torchvision import models, transforms

        for name in (
            "alexnet",
            "resnet18",
            "mobilenet_v2",
            "mobilenet_v3_small",
            "squeezenet1_1",
            "shufflenet_v2_x0_5",
            "mnasnet0_5",
            "efficientnet_b0",
            "regnet_y_400mf",
            "vit_b_32",
            "convnext_tiny",
            "swin_t",
            "densenet121",
            "googlenet",
            "inception_v3",
            "vgg11",
            "maxvit_t",
        ):

            def make(n=name):
                with t.device("meta") if hasattr(t, "get_default_device") else t.no_grad():
                    return getattr(models, n)()

            made = attempt(name, make)
            if made is not None:
                out.keep("torchvision", name, made, protocols=(), with_torch=True)
        out.keep(
            "torchvision",
            "transforms",
            transforms.Compose(
                [
                    transforms.Resize(3),
                    transforms.ToTensor(),
                    transforms.Normalize([0.5], [0.5]),
                    transforms.CenterCrop(3),
                    transforms.RandomHorizontalFlip(),
                ]
            ),
        )
        for group, names in (
            (
                "detection",
                (
                    "fasterrcnn_mobilenet_v3_large_320_fpn",
                    "retinanet_resnet50_fpn",
                    "ssdlite320_mobilenet_v3_large",
                ),
            ),
            ("segmentation", ("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")),
        ):
            for name in names:

                def build(g=group, n=name):
                    return getattr(getattr(models, g), n)(weights=None, weights_backbone=None)

                made = attempt(name, build)
                if made is not None:
                    for p in made.parameters():
                        p.data = t.zeros(1)
                    out.keep("torchvision", name, made, protocols=(), with_torch=True)

    def timm():
        import timm as tm

        for name in (
            "resnet18",
            "vit_tiny_patch16_224",
            "efficientnet_b0",
            "mobilenetv3_small_100",
            "convnext_atto",
            "swin_tiny_patch4_window7_224",
            "deit_tiny_patch16_224",
            "mixer_s32_224",
            "regnety_002",
            "eva02_tiny_patch14_224",
            "coatnet_0_rw_224",
            "maxvit_rmlp_pico_rw_256",
            "beit_base_patch16_224",
            "nfnet_f0",
            "levit_128s",
        ):

            def make(n=name):
                with t.device("meta") if hasattr(t, "get_default_device") else t.no_grad():
                    return tm.create_model(n)

            made = attempt(name, make)
            if made is not None:
                out.keep("timm", name, made, protocols=(), with_torch=True)

    def ultralytics():
        from ultralytics import YOLO
        from ultralytics.nn.tasks import yaml_model_load  # noqa: F401

        for name in (
            "yolov8n.yaml",
            "yolov8n-seg.yaml",
            "yolov8n-pose.yaml",
            "yolov8n-cls.yaml",
            "yolov8n-obb.yaml",
            "yolo11n.yaml",
            "yolov5n.yaml",
            "yolov9t.yaml",
            "yolov10n.yaml",
            "yolo12n.yaml",
            "rtdetr-l.yaml",
            "yolov3-tiny.yaml",
            "yolov6n.yaml",
            "yolov8s-worldv2.yaml",
        ):
            made = attempt(name, lambda n=name: YOLO(n).model)
            if made is not None:
                for p in made.parameters():
                    p.data = t.zeros(1)
                out.keep(
                    "ultralytics",
                    name,
                    {
                        "model": made,
                        "epoch": -1,
                        "train_args": {},
                        "date": datetime.datetime.now().isoformat(),
                    },
                    protocols=(),
                    with_torch=True,
                )

    def lightning(module):
        pl = __import__(module, fromlist=["x"])

        class Net(pl.LightningModule):
            def __init__(self, lr=0.1):
                super().__init__()
                self.save_hyperparameters()
                self.layer = t.nn.Linear(2, 2)

            def training_step(self, batch, _):
                return self.layer(batch[0]).sum()

            def configure_optimizers(self):
                best = t.optim.Adam(self.parameters())
                return [best], [t.optim.lr_scheduler.StepLR(best, 1)]

        loader = t.utils.data.DataLoader(t.utils.data.TensorDataset(t.rand(4, 2)))
        from importlib import import_module

        callbacks = import_module(module + ".callbacks")
        made = (
            [
                callbacks.ModelCheckpoint(dirpath=out.path),
                callbacks.EarlyStopping("loss", strict=False, check_on_train_epoch_end=False),
            ]
            if hasattr(callbacks, "EarlyStopping")
            else []
        )
        trainer = (
            pl.Trainer(max_epochs=1, logger=False, callbacks=made, enable_progress_bar=False)
            if module != "pytorch_lightning" or sys.version_info > (3, 8)
            else pl.Trainer(max_epochs=1, logger=False)
        )
        trainer.fit(Net(), loader)
        trainer.save_checkpoint(os.path.join(out.path, module + ".ckpt.pt"))
        out.count += 1
        from importlib import import_module as bring

        parsing = bring(module + ".utilities.parsing")
        out.keep("lightning", module + "-attributes", parsing.AttributeDict(a=1), with_torch=True)

    def omegaconf():
        from omegaconf import OmegaConf

        out.keep(
            "omegaconf",
            "config",
            OmegaConf.create({"a": 1, "b": [1, "x"], "c": {"d": 1.5, "e": None, "f": True}}),
            with_torch=True,
        )

    def transformers():
        import transformers as tr

        out.keep(
            "transformers",
            "arguments",
            attempt("arguments", lambda: tr.TrainingArguments("out")),
            with_torch=True,
        )
        for name, kind in sorted(
            tr.models.auto.configuration_auto.CONFIG_MAPPING.items()
            if hasattr(tr.models.auto, "configuration_auto")
            else ()
        ):
            if name in (
                "bert",
                "gpt2",
                "roberta",
                "t5",
                "distilbert",
                "llama",
                "vit",
                "whisper",
                "clip",
                "bart",
                "albert",
                "electra",
                "xlm-roberta",
                "mistral",
                "wav2vec2",
                "deberta-v2",
            ):
                made = attempt(name, kind)
                if made is not None:
                    out.keep("transformers", "config-" + name, made, with_torch=True)
        small = dict(
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
            vocab_size=20,
        )
        for name in (
            "BertForSequenceClassification",
            "DistilBertForSequenceClassification",
            "RobertaForTokenClassification",
            "GPT2LMHeadModel",
            "T5ForConditionalGeneration",
            "LlamaForCausalLM",
            "ViTForImageClassification",
            "AlbertModel",
            "ElectraModel",
            "WhisperModel",
            "CLIPModel",
            "BartModel",
            "MistralForCausalLM",
            "Qwen2ForCausalLM",
            "Wav2Vec2Model",
            "XLMRobertaModel",
            "DebertaV2Model",
        ):

            def make(n=name):
                kind = getattr(tr, n)
                with t.device("meta") if hasattr(t, "get_default_device") else t.no_grad():
                    return kind(
                        kind.config_class(
                            **(
                                small
                                if not n.startswith(
                                    ("GPT2", "T5", "Distil", "Bart", "Whisper", "CLIP")
                                )
                                else {}
                            )
                        )
                    )

            made = attempt(name, make)
            if made is not None:
                out.keep("transformers", name, made, protocols=(), with_torch=True)

        from transformers.trainer_utils import IntervalStrategy, SchedulerType

        out.keep("transformers", "enums", [IntervalStrategy.STEPS, SchedulerType.LINEAR])
        from tokenizers import Tokenizer
        from tokenizers import models as tm

        fast = tr.PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(tm.WordLevel({"a": 0, "[UNK]": 1}, "[UNK]"))
        )
        out.keep("transformers", "tokenizer", fast)
        out.keep("transformers", "encoding", fast(["a a"]))
        with open(os.path.join(out.path, "vocab.txt"), "w") as stream:
            stream.write("[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\na\n")
        out.keep(
            "transformers",
            "bert-tokenizer",
            attempt(
                "bert-tokenizer", lambda: tr.BertTokenizer(os.path.join(out.path, "vocab.txt"))
            ),
        )

    def tokenizers():
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

        tokenizer = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, "[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        out.keep("tokenizers", "tokenizer", tokenizer)
        out.keep(
            "tokenizers",
            "parts",
            [
                pre_tokenizers.ByteLevel(),
                normalizers.Lowercase(),
                decoders.ByteLevel(),
                processors.ByteLevel(),
                models.BPE({"a": 0}, []),
                tokenizer.encode("a"),
            ],
        )

    def sentence_transformers():
        import sentence_transformers as st
        from sentence_transformers.models import Dense, Normalize, Pooling

        out.keep(
            "sentence_transformers",
            "parts",
            [Pooling(4), Normalize(), Dense(4, 2)],
            with_torch=True,
        )
        del st

    def monai():
        from monai import networks, transforms

        out.keep("monai", "unet", networks.nets.UNet(2, 1, 2, (4, 8), (2,)), with_torch=True)
        for name in (
            "DenseNet121",
            "ResNet",
            "BasicUNet",
            "DynUNet",
            "SegResNet",
            "UNETR",
            "ViT",
            "AttentionUnet",
            "VNet",
            "FullyConnectedNet",
            "AutoEncoder",
        ):

            def make(n=name):
                kind = getattr(networks.nets, n)
                return kind(
                    **{
                        "DenseNet121": dict(spatial_dims=2, in_channels=1, out_channels=2),
                        "BasicUNet": dict(spatial_dims=2),
                        "SegResNet": dict(spatial_dims=2),
                        "AttentionUnet": dict(
                            spatial_dims=2,
                            in_channels=1,
                            out_channels=1,
                            channels=(4, 8),
                            strides=(2,),
                        ),
                        "VNet": {},
                        "ViT": dict(
                            in_channels=1,
                            img_size=(8, 8),
                            patch_size=(4, 4),
                            spatial_dims=2,
                            hidden_size=12,
                            mlp_dim=12,
                            num_layers=1,
                            num_heads=2,
                        ),
                    }[n]
                )

            made = attempt(name, make)
            if made is not None:
                for p in made.parameters():
                    p.data = t.zeros(1)
                out.keep("monai", name, made, protocols=(), with_torch=True)
        out.keep("monai", "transforms", transforms.Compose([transforms.ScaleIntensity()]))

    def torchaudio():
        import torchaudio as ta

        out.keep(
            "torchaudio",
            "transforms",
            [ta.transforms.MelSpectrogram(), ta.transforms.MFCC(), ta.transforms.Resample(8, 4)],
            with_torch=True,
        )
        out.keep(
            "torchaudio",
            "models",
            [
                ta.models.Wav2Letter(),
                ta.models.ConvTasNet(
                    enc_num_feats=8,
                    msk_num_feats=4,
                    msk_num_hidden_feats=4,
                    msk_num_layers=1,
                    msk_num_stacks=1,
                ),
            ],
            with_torch=True,
        )

    for part in (
        torchvision,
        timm,
        ultralytics,
        omegaconf,
        transformers,
        tokenizers,
        sentence_transformers,
        monai,
        torchaudio,
    ):
        try:
            part()
        except BaseException as error:
            FAILED.append("{}: {!r}".format(part.__name__, error))
    for module in ("lightning.pytorch", "pytorch_lightning"):
        attempt(module, lambda m=module: lightning(m))


PARTS = (python, numpy, scipy, pandas, sklearn, boosters, ecosystem, torch, torch_ecosystem)


def main():
    """Make the parts that are named, or all of them."""
    warnings.simplefilter("ignore")
    out = Folder(sys.argv[1])
    wanted = sys.argv[2:]
    for part in PARTS:
        if wanted and part.__name__ not in wanted:
            continue
        before = out.count
        try:
            part(out)
        except BaseException as error:
            FAILED.append("{}: {!r}".format(part.__name__, error))
        print(part.__name__, out.count - before, flush=True)
    with open(os.path.join(out.path, "FAILED"), "w") as stream:
        stream.write("\n".join(FAILED))


if __name__ == "__main__":
    main()
