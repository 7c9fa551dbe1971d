"""TensorFlow under `weighbridge exec`: what is signed loads, its unsigned twin does not."""

import importlib
import importlib.util
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from support.guarding import Outcome, Workplace, run_guarded
from support.signed_model import make_signed_model

tf: Any = importlib.import_module("tensorflow") if importlib.util.find_spec("tensorflow") else None
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(tf is None, reason="needs TensorFlow: make test-heavy"),
]

FORMATS = (
    *("savedmodel", "tf-checkpoint", "tf-fingerprint", "raw-tensors", "tflite", "keras-v3"),
    *("text", "empty"),
)

LOADS = """
import warnings
warnings.simplefilter("ignore")
import tensorflow as tf

class Scaled(tf.Module):
    def __init__(self):
        self.factor = tf.Variable(0.0)

def scaled(path):
    module = tf.saved_model.load(path)
    return float(module.scale(tf.constant(3.0)))

def restored(prefix):
    module = Scaled()
    tf.train.Checkpoint(model=module).restore(prefix).expect_partial()
    return float(module.factor)

def restored_late(prefix):
    holder = tf.Module()
    point = tf.train.Checkpoint(model=holder)
    point.restore(prefix)
    holder.factor = tf.Variable(0.0)  # read from the files now
    return float(holder.factor)

def lite(**given):
    interpreter = tf.lite.Interpreter(**given)
    interpreter.allocate_tensors()
    return len(interpreter.get_input_details())

def version_1(path):
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        tf.compat.v1.saved_model.load(session, ["serve"], path)
        return len(session.graph.get_operations()) > 0

for kind, place in (("good", MODEL), ("unsigned", BAD)):
    path = str(place / "saved")
    attempt(f"{kind} saved_model.load", scaled, path)
    attempt(f"{kind} saved_model.load by keyword",
            lambda: float(tf.saved_model.load(export_dir=path).factor))
    attempt(f"{kind} keras layer", lambda: float(tf.keras.layers.TFSMLayer(
        path, call_endpoint="serving_default")(tf.constant(3.0))["output_0"]))
    attempt(f"{kind} version 1", version_1, path)
    attempt(f"{kind} Checkpoint.restore", restored, str(place / "points" / "step-1"))
    attempt(f"{kind} restored late", restored_late, str(place / "points" / "step-1"))
    attempt(f"{kind} load_checkpoint", lambda: sorted(tf.train.load_checkpoint(
        str(place / "points" / "step-1")).get_variable_to_shape_map())[-1])
    attempt(f"{kind} list_variables", lambda: len(tf.train.list_variables(
        str(place / "points" / "step-1"))) > 0)
    attempt(f"{kind} GFile", lambda: len(
        tf.io.gfile.GFile(str(place / "saved" / "saved_model.pb"), "rb").read()) > 0)
    attempt(f"{kind} lite", lambda: lite(model_path=str(place / "lite.tflite")))
    attempt(f"{kind} keras", lambda: tf.keras.models.load_model(place / "k.keras").count_params())
attempt("good lite in memory", lambda: lite(
    model_content=(MODEL / "lite.tflite").read_bytes()))
evil = bytearray((MODEL / "lite.tflite").read_bytes())
evil[:4] = (1 << 30).to_bytes(4, "little")
attempt("evil lite in memory", lambda: lite(model_content=bytes(evil)))
attempt("evil graph", lambda: tf.saved_model.load(str(PLACE / "evil")))
attempt("good file of the program's own", lambda: (
    tf.io.gfile.GFile(str(PLACE / "own.txt"), "w").write("x"),
    tf.io.gfile.GFile(str(PLACE / "own.txt")).read()))
"""


def save_models(made: Path, mark: Path) -> None:
    """Write a SavedModel, a checkpoint, a Keras and a Lite model; and a graph that writes *mark*."""

    class Scaled(tf.Module):  # type: ignore[misc]  # no types here
        def __init__(self) -> None:
            self.factor = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])  # type: ignore[untyped-decorator]
        def scale(self, value: Any) -> Any:
            """Return *value* times the factor."""
            return value * self.factor

    class Writing(tf.Module):  # type: ignore[misc]  # no types here
        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])  # type: ignore[untyped-decorator]
        def scale(self, value: Any) -> Any:
            """Write a file."""
            tf.io.write_file(str(mark), "here")
            return value

    module = Scaled()
    tf.saved_model.save(module, str(made / "saved"), signatures=module.scale)
    tf.saved_model.save(Writing(), str(made.parent / "evil"))
    tf.train.Checkpoint(model=module).write(str(made / "points" / "step-1"))
    keras = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras, about NumPy 2
        keras.save(made / "k.keras")
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.scale.get_concrete_function()], module
    )
    (made / "lite.tflite").write_bytes(converter.convert())


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return signed models of TensorFlow, their unsigned twins, and a graph that writes a file."""
    place = tmp_path_factory.mktemp("guard_tensorflow")
    made = place / "made"
    (made / "points").mkdir(parents=True)
    save_models(made, place / "marker")
    files = {
        path.relative_to(made).as_posix(): path.read_bytes()
        for path in made.rglob("*")
        if path.is_file()
    }
    signed = make_signed_model(place, files, formats=FORMATS)
    shutil.copytree(made, place / "bad")
    return Workplace(place=place, signed=signed)


@pytest.fixture(scope="module")
def loads(workplace: Workplace) -> Outcome:
    """Return what became of every way to load."""
    outcome = run_guarded(
        workplace,
        LOADS,
        environment={
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "WEIGHBRIDGE_STORE": os.fspath(workplace.place / "store"),
        },
    )
    assert outcome.results, outcome.err
    return outcome


def those(outcome: Outcome, kind: str) -> dict[str, str]:
    """Return what became of the attempts of one kind, where it is not as expected."""
    wanted = "loaded: " if kind == "good" else "denied: "
    found = {name: said for name, said in outcome.results.items() if name.startswith(f"{kind} ")}
    assert found
    return {name: said for name, said in found.items() if not said.startswith(wanted)}


def test_signed_models_load(loads: Outcome) -> None:
    """SavedModels, checkpoints, also later, Lite and Keras models give what is in them."""
    assert those(loads, "good") == {}
    assert loads.results["good saved_model.load"] == "loaded: 6.0"
    assert loads.results["good Checkpoint.restore"] == "loaded: 2.0"
    assert loads.results["good restored late"] == "loaded: 2.0"


def test_unsigned_twins_are_denied(loads: Outcome) -> None:
    """The same files without a signature load in no way."""
    assert those(loads, "unsigned") == {}


def test_nothing_of_evil_runs(loads: Outcome, workplace: Workplace) -> None:
    """A graph that writes a file is not loaded, and bytes that are no model are not parsed."""
    assert those(loads, "evil") == {}
    assert not workplace.marker.exists()


def test_what_was_shown_is_removed_by_the_next(loads: Outcome, workplace: Workplace) -> None:
    """Directories that a process showed for good are gone when another one makes its own."""
    store = workplace.place / "store"
    assert list(store.glob("*/points"))
    before = set(store.iterdir())
    again = run_guarded(
        workplace,
        """
import tensorflow as tf
attempt("again", lambda: tf.train.list_variables(str(MODEL / "points" / "step-1")))
""",
        environment={"WEIGHBRIDGE_STORE": os.fspath(store), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert again.results["again"].startswith("loaded"), again.err
    left = {path for path in before if any(path.glob("*"))} & set(store.iterdir())
    assert not left
    assert loads.results
