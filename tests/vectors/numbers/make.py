"""
Writes the files beside it: `python make.py PART`, each in an environment with the library.

`word2vec` takes gensim 4.4.0, `mxnet` takes mxnet 1.9.1, `paddle` takes paddlepaddle 3.3.1, and
`mnn` takes MNN 3.6.1 and onnx.
"""

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent


def word2vec() -> None:
    """Write word vectors."""
    models = importlib.import_module("gensim.models")
    sentences = [["a", "b", "c", "d"], ["b", "c", "e"], ["a", "e", "ü", "f"]] * 20
    model = models.Word2Vec(sentences, vector_size=20, min_count=1)
    model.wv.save_word2vec_format(str(FOLDER / "word2vec.bin"), binary=True)


def mxnet() -> None:
    """Write the parameters of a layer."""
    mx = importlib.import_module("mxnet")
    net = mx.gluon.nn.Dense(4, in_units=8)
    net.initialize()
    net.save_parameters(str(FOLDER / "mxnet.params"))


def paddle() -> None:
    """Write the parameters of a layer, for inference."""
    pd = importlib.import_module("paddle")
    with tempfile.TemporaryDirectory() as folder:
        spec = [pd.static.InputSpec([None, 8], "float32")]
        pd.jit.save(pd.nn.Linear(8, 4), f"{folder}/m", input_spec=spec)
        FOLDER.joinpath("m.pdiparams").write_bytes(Path(folder, "m.pdiparams").read_bytes())


def mnn() -> None:
    """Convert a product and a rectifier."""
    onnx = importlib.import_module("onnx")
    kinds, helper = onnx.TensorProto, onnx.helper
    weights = helper.make_tensor("w", kinds.FLOAT, [64, 64], [0.5] * 4096)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y0"]),
        helper.make_node("Relu", ["y0"], ["y"]),
    ]
    ends = [[helper.make_tensor_value_info(name, kinds.FLOAT, [1, 64])] for name in "xy"]
    graph = helper.make_graph(nodes, "g", *ends, [weights])
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(helper.make_model(graph, ir_version=8), f"{folder}/m.onnx")
        arguments = ["--modelFile", f"{folder}/m.onnx", "--MNNModel", str(FOLDER / "m.mnn")]
        command = ["mnnconvert", "-f", "ONNX", *arguments, "--bizCode", "x"]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    {"word2vec": word2vec, "mxnet": mxnet, "paddle": paddle, "mnn": mnn}[sys.argv[1]]()
