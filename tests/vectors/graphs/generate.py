"""
Make models with the real frameworks: harmless ones, and ones that reach out.

Nothing is run that the harmful ones would do: saving a graph does not run it. The test
environment has none of the frameworks. Run this in an environment of its own, with
tensorflow-cpu, tf_keras, onnx, skl2onnx and coremltools: `python tests/vectors/graphs/generate.py`.
Last made with tensorflow 2.21.0, tf_keras 2.21.0, onnx 1.23.2, skl2onnx 1.20.0, coremltools 9.0.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import coremltools
import numpy as np
import onnx
import tensorflow as tf
import tf_keras
from coremltools.converters.mil import Builder
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

FOLDER: Final = Path(__file__).parent
MARKER: Final = "/tmp/weighbridge-marker"
VOCABULARY: Final = "a\nb\nc\n"


def keep(source: Path, target: str) -> None:
    """Copy the directory *source* to *target*, without anything that is not a model's."""
    shutil.rmtree(FOLDER / target, ignore_errors=True)
    shutil.copytree(source, FOLDER / target)


def save_tables(folder: Path) -> None:
    """Save a SavedModel with a variable, a vocabulary and two signatures."""
    (folder / "vocabulary.txt").write_text(VOCABULARY, "utf-8")

    model = tf.Module()
    model.weight = tf.Variable(tf.zeros([2, 2]))
    kind = tf.lookup.TextFileIndex
    source = tf.lookup.TextFileInitializer(
        str(folder / "vocabulary.txt"), tf.string, kind.WHOLE_LINE, tf.int64, kind.LINE_NUMBER
    )
    model.table = tf.lookup.StaticHashTable(source, -1)
    texts = [tf.TensorSpec([None], tf.string)]
    model.look = tf.function(model.table.lookup, input_signature=texts)
    tf.saved_model.save(model, str(folder / "tables"), signatures={"look": model.look})
    keep(folder / "tables", "tables")


def save_version_1(folder: Path) -> None:
    """Save a SavedModel, a checkpoint and a frozen graph as TensorFlow 1 does."""
    v1 = tf.compat.v1
    graph = tf.Graph()
    with graph.as_default(), v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None, 2], "x")
        weight = v1.get_variable("w", [2, 2], use_resource=False)
        y = tf.matmul(x, weight, name="y")
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder / "version-1"))
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map={"serving_default": signature}
        )
        builder.save()
        v1.train.Saver().save(session, str(folder / "version-1/checkpoint/model.ckpt"))
        (folder / "version-1/checkpoint/checkpoint").unlink()
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
        (folder / "version-1/frozen.pb").write_bytes(frozen.SerializeToString())
    keep(folder / "version-1", "version-1")


def save_keras(folder: Path) -> None:
    """Save what Keras 2 rebuilds layers from: without code, and with it."""
    layers = tf_keras.layers
    for name, layer in (("dense", layers.Dense(2)), ("lambda", layers.Lambda(lambda x: x))):
        model = tf_keras.Sequential([layers.Input((2,)), layer])
        model.save(str(folder / name), save_format="tf")
        target = FOLDER / f"keras-{name}"
        target.mkdir(exist_ok=True)
        shutil.copy(folder / name / "keras_metadata.pb", target)


def save_harmful(folder: Path) -> None:
    """Save SavedModels that write, read and print."""
    one = [tf.TensorSpec([], tf.float32)]

    def write(x: Any) -> Any:
        tf.io.write_file(MARKER, "x")
        return x

    def show(x: Any) -> Any:
        tf.print("x", output_stream=f"file://{MARKER}")
        return x

    def store(x: Any) -> Any:
        tf.raw_ops.SaveV2(prefix=MARKER, tensor_names=["x"], shape_and_slices=[""], tensors=[x])
        return x

    def read(x: Any) -> Any:
        return {"x": x, "y": tf.io.read_file(MARKER)}

    def call(x: Any) -> Any:
        return tf.numpy_function(lambda each: each, [x], tf.float32)

    functions: dict[str, Callable[[Any], Any]] = {
        "write": write, "print": show, "save": store, "read": read, "python": call,
    }  # fmt: skip
    for name, function in functions.items():
        module = tf.Module()
        module.f = tf.function(function, input_signature=one)
        tf.saved_model.save(module, str(folder / name), signatures={"serving_default": module.f})
        target = FOLDER / f"harmful-{name}"
        target.mkdir(exist_ok=True)
        shutil.copy(folder / name / "saved_model.pb", target)


def save_tflite() -> None:
    """Convert two functions: one that computes, one with an operator of TensorFlow that reads."""
    for name, kind, function in (
        ("computes", tf.float32, lambda x: tf.nn.relu(x) + 1.0),
        ("reads", tf.string, tf.io.read_file),
    ):
        module = tf.Module()
        module.f = tf.function(function, input_signature=[tf.TensorSpec([], kind)])
        concrete = module.f.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS,
            tf.lite.OpsSet.SELECT_TF_OPS,
        ]
        (FOLDER / f"{name}.tflite").write_bytes(converter.convert())


def save_onnx() -> None:
    """Convert a classifier, and save a model with its tensor in another file."""
    x = np.random.default_rng(0).random((20, 3), dtype=np.float32)
    classifier = LogisticRegression().fit(x, (x[:, 0] > 0.5).astype(int))
    onnx.save(to_onnx(classifier, x[:1]), FOLDER / "classifier.onnx")
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", kind, [1, 4])],
        [onnx.helper.make_tensor_value_info("y", kind, [1, 4])],
        [onnx.numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")],
    )
    target = FOLDER / "external"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    onnx.save_model(
        onnx.helper.make_model(graph),
        target / "model.onnx",
        save_as_external_data=True,
        location="model.onnx_data",
        size_threshold=0,
    )


def save_coreml(folder: Path) -> None:
    """Build a network, one with a custom layer, and a program with weights in a file."""
    array = datatypes.Array(3)
    for name in ("network", "custom"):
        builder = NeuralNetworkBuilder([("x", array)], [("y", array)])
        if name == "custom":
            params = coremltools.proto.NeuralNetwork_pb2.CustomLayerParams()
            params.className = "Loader"
            builder.add_custom("c", ["x"], ["y"], params)
        else:
            builder.add_activation("r", "RELU", "x", "y")
        (FOLDER / f"{name}.mlmodel").write_bytes(builder.spec.SerializeToString())

    def linear(x: Any) -> Any:
        return Builder.linear(x=x, weight=np.ones((32, 32), np.float32))

    program = Builder.program(input_specs=[Builder.TensorSpec(shape=(1, 32))])(linear)
    model = coremltools.convert(program, convert_to="mlprogram", skip_model_load=True)
    model.save(str(folder / "program.mlpackage"))
    keep(folder / "program.mlpackage", "program.mlpackage")


def main() -> None:
    """Make everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_tables(folder)
        save_version_1(folder)
        save_keras(folder)
        save_harmful(folder)
        save_coreml(folder)
    save_tflite()
    save_onnx()


if __name__ == "__main__":
    main()
