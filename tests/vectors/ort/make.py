"""
Writes `model.ort`: `python make.py`, in an environment with onnx and onnxruntime 1.32.0.

A product and a branch whose two graphs have an operator each.
"""

import importlib
import tempfile
from pathlib import Path
from typing import Any

PLACE = Path(__file__).with_name("model.ort")


def main() -> None:
    """Have the runtime write the model in its own format."""
    onnx = importlib.import_module("onnx")
    runtime = importlib.import_module("onnxruntime")
    kinds, helper = onnx.TensorProto, onnx.helper

    def value(name: str, kind: Any = kinds.FLOAT, shape: tuple[int, ...] = (1, 4)) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    weights = helper.make_tensor("w", kinds.FLOAT, [4, 4], [0.5] * 16)
    graphs = {
        f"{word}_branch": helper.make_graph(
            [helper.make_node(op, ["y0"], [op], name=f"inner{op}")], word, [], [value(op)]
        )
        for word, op in (("then", "Sin"), ("else", "Cos"))
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y0"], name="product"),
        helper.make_node("If", ["c"], ["y"], name="branch", **graphs),
    ]
    inputs = [value("x"), value("c", kinds.BOOL, ())]
    graph = helper.make_graph(nodes, "g", inputs, [value("y")], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, f"{folder}/model.onnx")
        options = runtime.SessionOptions()
        options.optimized_model_filepath = str(PLACE)
        options.add_session_config_entry("session.save_model_format", "ORT")
        providers = ["CPUExecutionProvider"]
        runtime.InferenceSession(f"{folder}/model.onnx", options, providers=providers)


if __name__ == "__main__":
    main()
