"""ONNX models that reach for files, operators and libraries."""

from collections.abc import Iterator
from typing import Any, Final

from benchmarks.scan.models.parts import framework
from benchmarks.scan.samples import Sample, single

ONNX: Final = "onnx"


def onnx_files() -> Iterator[Sample]:
    """Yield ONNX models."""
    onnx = framework("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto

    def model(
        nodes: list[Any],
        *,
        initializers: tuple[Any, ...] = (),
        domains: tuple[str, ...] = ("",),
        functions: tuple[Any, ...] = (),
    ) -> bytes:
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", kinds.FLOAT, [1])],
            [helper.make_tensor_value_info("y", kinds.FLOAT, [1])],
            list(initializers),
        )
        made = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(d, 17 if not d else 1) for d in domains],
            functions=list(functions),
        )
        return bytes(made.SerializeToString())

    good = model([helper.make_node("Relu", ["x"], ["y"])])

    def external(location: str, **extra: str) -> bytes:
        tensor = helper.make_tensor("w", kinds.FLOAT, [1], [1.0])
        tensor.ClearField("float_data")
        tensor.data_location = kinds.EXTERNAL
        for key, value in {"location": location, **extra}.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        return model([helper.make_node("Add", ["x", "w"], ["y"])], initializers=(tensor,))

    for label, location in (
        ("parent", "../../../etc/passwd"),
        ("absolute", "/etc/passwd"),
        ("backslash", "..\\..\\secret"),
        ("drive", "C:\\secret"),
        ("inside", "a/../../b"),
        ("device", "/dev/zero"),
        ("url", "file:///etc/passwd"),
        ("empty", ""),
        ("nul", "weights.bin\0/../x"),
        ("proc", "/proc/self/environ"),
    ):
        yield Sample(
            id=f"onnx-external-{label}",
            group=ONNX,
            files={"model.onnx": external(location)},
            twin={
                "model.onnx": external("model.onnx.data", length="4"),
                "model.onnx.data": b"\0\0\x80\x3f",
            },
            references=("CVE-2022-25882", "CVE-2024-27318", "CVE-2026-34445"),
        )
    yield Sample(
        id="onnx-external-offset",
        group=ONNX,
        files={
            "model.onnx": external("weights.bin", offset="-8", length="99999999"),
            "weights.bin": b"1234",
        },
    )
    yield Sample(
        id="onnx-external-missing", group=ONNX, files={"model.onnx": external("weights.bin")}
    )
    custom = helper.make_node("Evil", ["x"], ["y"], domain="evil.domain")
    python = helper.make_node("PythonOp", ["x"], ["y"], domain="ai.onnx.contrib")
    torch_op = helper.make_node("PyOp", ["x"], ["y"], domain="com.microsoft")
    yield single(
        "onnx-custom", ONNX, "model.onnx", model([custom], domains=("", "evil.domain")), twin=good
    )
    yield single(
        "onnx-python",
        ONNX,
        "model.onnx",
        model([python], domains=("", "ai.onnx.contrib")),
        twin=good,
    )
    yield single(
        "onnx-pyop", ONNX, "model.onnx", model([torch_op], domains=("", "com.microsoft")), twin=good
    )
    for label, node in (("custom", custom), ("python", python)):
        branch = helper.make_graph(
            [node], "b", [], [helper.make_tensor_value_info("y", kinds.FLOAT, [1])]
        )
        condition = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
        yield single(
            f"onnx-if-{label}",
            ONNX,
            "model.onnx",
            model([condition], domains=("", node.domain)),
            twin=good,
        )
        loop = helper.make_node("Loop", ["", "", "x"], ["y"], body=branch)
        yield single(
            f"onnx-loop-{label}",
            ONNX,
            "model.onnx",
            model([loop], domains=("", node.domain)),
            twin=good,
        )
        function = helper.make_function(
            "local",
            "F",
            ["x"],
            ["y"],
            [node],
            [helper.make_opsetid("", 17), helper.make_opsetid(node.domain, 1)],
        )
        yield single(
            f"onnx-function-{label}",
            ONNX,
            "model.onnx",
            model(
                [helper.make_node("F", ["x"], ["y"], domain="local")],
                domains=("", "local"),
                functions=(function,),
            ),
            twin=good,
        )
    huge = helper.make_tensor("w", kinds.FLOAT, [1], [1.0])
    huge.dims[0] = 1 << 62
    yield single(
        "onnx-overflow",
        ONNX,
        "model.onnx",
        model([helper.make_node("Add", ["x", "w"], ["y"])], initializers=(huge,)),
        twin=good,
    )
    negative = helper.make_tensor("w", kinds.FLOAT, [1], [1.0])
    negative.dims[0] = -1
    yield single(
        "onnx-negative",
        ONNX,
        "model.onnx",
        model([helper.make_node("Add", ["x", "w"], ["y"])], initializers=(negative,)),
        twin=good,
    )
    yield single("onnx-truncated", ONNX, "model.onnx", good[: len(good) - 5])
    yield single(
        "onnx-trailing-pickle", ONNX, "model.onnx", good + b"\x80\x02cos\nsystem\nX\x01\0\0\0xR."
    )
