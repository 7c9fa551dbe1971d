"""
A model for each loader, and an evil one beside it: other numbers in files of the same names.

The model's file lies in a directory that an attacker can exchange, beside a file that is large
enough for sealed memory. What is made of the evil one differs in what `use` returns.
"""

import importlib.util
import os
import pickle
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from support.arrays import npy, npz
from support.gguf import Tensor, build_gguf
from support.llama_models import make_llama
from support.protobuf import external, field, graph, message, node
from support.protobuf import tensor as onnx_tensor
from support.signed_model import safetensors_file
from support.torch_files import checkpoint, state, vector
from weighbridge.core.limits.loading import HELD_INLINE_BYTES
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.pipeline.load import Hold

Files = dict[str, bytes]

LARGE = bytes(range(256)) * (HELD_INLINE_BYTES // 256 + 1)
ROWS = np.random.default_rng(0).normal(size=(40, 3))
JOBLIB = Path(__file__).parents[1] / "vectors" / "load" / "arrays.joblib"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raced:
    """
    One loader's model.

    Attributes:
        name: The loader's.
        build: Returns the files of a model whose numbers hang on the given one.
        use: Returns what the loader makes of an artifact, in a form that can be compared.
        packages: What has to be installed.
        formats: Of the files, for the policy.
        hold: Where the bytes are.
        claimed: Whether the publisher claims digests of parts, and the rule takes them.
    """

    name: str
    build: Callable[[int], Files]
    use: Callable[[VerifiedArtifact], object]
    packages: tuple[str, ...] = ()
    formats: tuple[str, ...]
    hold: Hold = "memory"
    claimed: bool = False

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [name for name in self.packages if importlib.util.find_spec(name) is None]

    def files(self, number: int) -> Files:
        """Return the files of one of its models, with others beside them."""
        return {
            "config.json": b'{"number": %d}\n' % number,
            "sub/large.npy": npy(np.frombuffer(LARGE, "u1") + np.uint8(number)),
            **{f"sub/{path}": data for path, data in self.build(number).items()},
        }


def _tensors(*files: str) -> Callable[[VerifiedArtifact], object]:
    def use(artifact: VerifiedArtifact) -> object:
        found = artifact.tensors("numpy", files=files)
        return {name: array.tolist() for name, array in found.items()}

    return use


def _torch_tensors(artifact: VerifiedArtifact) -> object:
    found = artifact.tensors("torch", files=["sub/m.pt"])
    return {name: tensor.tolist() for name, tensor in found.items()}


def _safetensors(number: int) -> Files:
    return {"m.safetensors": safetensors_file(table=[float(number)] * (HELD_INLINE_BYTES // 2))}


def _torch(number: int) -> Files:
    values = np.full(8, number, "f4").tobytes()
    return {"m.pt": checkpoint(state(w=vector("0", 8)), {"0": values})}


def _numpy(number: int) -> Files:
    return {
        "m.npz": npz({"values": np.full(9, number)}, compressed=True),
        "m.npy": npy(np.full(9, number)),
    }


def _gguf(number: int) -> Files:
    values = np.full(8, number, "f4").tobytes()
    return {"m.gguf": build_gguf(tensors=[Tensor(name="values")], data=values)}


def _pickle(number: int) -> Files:
    return {"m.pkl": pickle.dumps(OrderedDict(number=number, array=np.full(50, number)))}


def _joblib(number: int) -> Files:
    # The floats 0 to 5; 5.0 is found once, and becomes another number.
    data, five = JOBLIB.read_bytes(), np.float32(5).tobytes()
    return {"m.joblib": data.replace(five, np.float32(number).tobytes(), 1)}


def _use_joblib(artifact: VerifiedArtifact) -> object:
    loaded: Any = artifact.as_("joblib")
    return {key: np.asarray(value).tolist() for key, value in loaded.items()}


def _use_pickle(artifact: VerifiedArtifact) -> object:
    loaded: Any = artifact.as_("pickle")
    return loaded["number"], loaded["array"].tolist()


def _labels(number: int) -> np.ndarray[Any, Any]:
    return (ROWS[:, number % 3] > 0).astype(int)


def _estimator(number: int) -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  optional

    return LogisticRegression().fit(ROWS, _labels(number))


def _sklearn(number: int) -> Files:
    return {"m.pkl": pickle.dumps(_estimator(number))}


def _use_sklearn(artifact: VerifiedArtifact) -> object:
    loaded: Any = artifact.as_("sklearn")
    return loaded.predict_proba(ROWS).tolist()


def _skops(number: int) -> Files:
    import skops.io  # noqa: PLC0415  optional

    return {"m.skops": skops.io.dumps(_estimator(number))}


def _use_skops(artifact: VerifiedArtifact) -> object:
    loaded: Any = artifact.as_("skops")
    return loaded.predict_proba(ROWS).tolist()


def _described(name: str) -> bytes:
    shape = field(2, field(1, message((1, 2))))
    return message((1, name)) + field(2, field(1, field(1, 1) + shape))


def make_adder(weights: bytes) -> bytes:
    """Return an ONNX model that adds two numbers to two; *weights* is what their tensor ends with."""
    adding = field(1, "x") + field(1, "w") + field(2, "y") + node("Add", name="y")
    inner = graph(adding, tensors=(onnx_tensor(2, extra=weights),))
    inner += field(11, _described("x")) + field(12, _described("y"))
    return message((1, 8), (2, "test")) + field(7, inner) + field(8, field(2, 17))


def _onnx(number: int) -> Files:
    model = make_adder(external(location="m.bin"))
    return {"m.onnx": model, "m.bin": np.full(2, number, "f4").tobytes()}


def _use_onnx(artifact: VerifiedArtifact) -> object:
    session: Any = artifact.as_("onnxruntime")
    return session.run(None, {"x": np.zeros(2, "f4")})[0].tolist()


def _xgboost(number: int) -> Files:
    import xgboost  # noqa: PLC0415  optional

    data = xgboost.DMatrix(ROWS, _labels(number))
    made = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 3)
    return {"m.ubj": bytes(made.save_raw(raw_format="ubj"))}


def _use_xgboost(artifact: VerifiedArtifact) -> object:
    import xgboost  # noqa: PLC0415  optional

    loaded = artifact.as_("xgboost")
    loaded.set_param({"nthread": 1})
    return loaded.predict(xgboost.DMatrix(ROWS, nthread=1)).tolist()


def _lightgbm(number: int) -> Files:
    import lightgbm  # noqa: PLC0415  optional

    data = lightgbm.Dataset(ROWS, _labels(number))
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 2}
    return {"m.txt": lightgbm.train(settings, data, 3).model_to_string().encode()}


def _use_lightgbm(artifact: VerifiedArtifact) -> object:
    loaded: Any = artifact.as_("lightgbm")
    return loaded.predict(ROWS, num_threads=1).tolist()


def _catboost(number: int) -> Files:
    import catboost  # noqa: PLC0415  optional

    settings = {"iterations": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    made = catboost.CatBoost(settings).fit(ROWS, _labels(number))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "m.cbm")
        made.save_model(str(place))
        return {"m.cbm": place.read_bytes()}


def _use_catboost(artifact: VerifiedArtifact) -> object:
    loaded: Any = artifact.as_("catboost")
    return loaded.predict(ROWS, thread_count=1).tolist()


def _llama(number: int) -> Files:
    return {"m.gguf": make_llama(number)}


def _use_llama(artifact: VerifiedArtifact) -> object:
    settings = {"logits_all": True, "n_threads": 1, "n_ctx": 32}
    loaded: Any = artifact.as_("llama", settings=settings)
    loaded.eval([1, 100, 101])
    return loaded.scores[:3].tolist()


def _tensorflow(number: int) -> Files:
    import tensorflow as tf  # noqa: PLC0415  optional

    module = tf.Module()
    module.weights = tf.Variable([float(number)])
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder)
        root = Path(folder)
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }


def _use_tensorflow(artifact: VerifiedArtifact) -> object:
    loaded: Any = artifact.as_("tensorflow")
    return loaded.weights.numpy().tolist()


def _keras(number: int) -> Files:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras  # noqa: PLC0415  optional

    layer = keras.layers.Dense(2, kernel_initializer=keras.initializers.Constant(number))
    model = keras.Sequential([keras.Input((3,)), layer])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "m.keras")
        model.save(place)
        return {"m.keras": place.read_bytes()}


def _use_keras(artifact: VerifiedArtifact) -> object:
    loaded: Any = artifact.as_("keras")
    return [np.asarray(weight).tolist() for weight in loaded.get_weights()]


BASIC = ("json", "npy")
MODELS = (
    Raced(
        name="safetensors",
        build=_safetensors,
        use=_tensors("sub/m.safetensors"),
        formats=(*BASIC, "safetensors"),
    ),
    Raced(name="torch", build=_torch, use=_tensors("sub/m.pt"), formats=(*BASIC, "torch-zip")),
    Raced(
        name="torch-tensors",
        build=_torch,
        use=_torch_tensors,
        packages=("torch",),
        formats=(*BASIC, "torch-zip"),
    ),
    Raced(
        name="numpy", build=_numpy, use=_tensors("sub/m.npz", "sub/m.npy"), formats=(*BASIC, "npz")
    ),
    Raced(name="gguf", build=_gguf, use=_tensors("sub/m.gguf"), formats=(*BASIC, "gguf")),
    Raced(name="pickle", build=_pickle, use=_use_pickle, formats=(*BASIC, "pickle")),
    Raced(name="joblib", build=_joblib, use=_use_joblib, formats=(*BASIC, "joblib")),
    Raced(
        name="sklearn",
        build=_sklearn,
        use=_use_sklearn,
        packages=("sklearn",),
        formats=(*BASIC, "pickle"),
    ),
    Raced(
        name="skops",
        build=_skops,
        use=_use_skops,
        packages=("skops", "sklearn"),
        formats=(*BASIC, "skops"),
    ),
    Raced(
        name="onnxruntime",
        build=_onnx,
        use=_use_onnx,
        packages=("onnxruntime",),
        formats=(*BASIC, "onnx", "raw-bytes"),
    ),
    Raced(
        name="xgboost",
        build=_xgboost,
        use=_use_xgboost,
        packages=("xgboost",),
        formats=(*BASIC, "xgboost"),
    ),
    Raced(
        name="lightgbm",
        build=_lightgbm,
        use=_use_lightgbm,
        packages=("lightgbm",),
        formats=(*BASIC, "text"),
    ),
    Raced(
        name="catboost",
        build=_catboost,
        use=_use_catboost,
        packages=("catboost",),
        formats=(*BASIC, "catboost"),
    ),
    Raced(
        name="keras",
        build=_keras,
        use=_use_keras,
        packages=("keras", "jax", "h5py"),
        formats=(*BASIC, "keras-v3"),
    ),
    Raced(
        name="llama",
        build=_llama,
        use=_use_llama,
        packages=("llama_cpp",),
        formats=(*BASIC, "gguf"),
    ),
    Raced(
        name="tensorflow",
        build=_tensorflow,
        use=_use_tensorflow,
        packages=("tensorflow",),
        formats=(
            *BASIC,
            "savedmodel",
            "tf-fingerprint",
            "tf-checkpoint",
            "raw-tensors",
            "raw-bytes",
        ),
    ),
)


def _held(hold: Hold, *, claimed: bool) -> Raced:
    return Raced(
        name=f"safetensors-{hold}" + ("-by-parts" if claimed else ""),
        build=_safetensors,
        use=_tensors("sub/m.safetensors"),
        formats=(*BASIC, "safetensors"),
        hold=hold,
        claimed=claimed,
    )


HELD = (
    _held("file", claimed=False),
    _held("file", claimed=True),
    _held("store", claimed=False),
    _held("store", claimed=True),
    _held("memory", claimed=True),
)
"""Where else the bytes can be, and by whose digests they are verified; each without a framework."""
