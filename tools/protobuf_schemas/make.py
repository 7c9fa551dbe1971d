"""
Make the schemas in `src/weighbridge/formats/protobuf/` from the formats' own descriptors.

weighbridge never imports the libraries that have them. Run this in an environment of its own
with onnx, tensorflow-cpu, coremltools and paddlepaddle installed:
`python tools/protobuf_schemas/make.py`. Last made with onnx 1.23.2, tensorflow 2.21.0,
coremltools 9.0 and paddlepaddle 3.3.1.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import Descriptor

FOLDER: Final = Path(__file__).parents[2] / "src/weighbridge/formats/protobuf"

SOURCES: Final = {
    "onnx": [("onnx.onnx_ml_pb2", "ModelProto"), ("onnx.onnx_ml_pb2", "TensorProto")],
    "tensorflow": [
        ("tensorflow.core.protobuf.saved_model_pb2", "SavedModel"),
        ("tensorflow.core.protobuf.meta_graph_pb2", "MetaGraphDef"),
        ("tensorflow.core.framework.graph_pb2", "GraphDef"),
        ("tensorflow.core.protobuf.fingerprint_pb2", "FingerprintDef"),
        ("tensorflow.core.protobuf.tensor_bundle_pb2", "BundleHeaderProto"),
        ("tensorflow.core.protobuf.tensor_bundle_pb2", "BundleEntryProto"),
    ],
    "coreml": [("coremltools.proto.Model_pb2", "Model")],
    "paddle": [("paddle.base.proto.framework_pb2", "ProgramDesc")],
}

KINDS: Final = {
    1: "fixed64",  # double
    2: "fixed32",  # float
    3: "varint",  # int64
    4: "varint",  # uint64
    5: "varint",  # int32
    6: "fixed64",
    7: "fixed32",
    8: "varint",  # bool
    9: "string",
    12: "bytes",
    13: "varint",  # uint32
    14: "varint",  # enum
    15: "fixed32",  # sfixed32
    16: "fixed64",  # sfixed64
    17: "varint",  # sint32
    18: "varint",  # sint64
}

MESSAGE: Final = 11
REPEATED: Final = 3

KERAS: Final = {
    "SavedMetadata": {1: ["nodes", "KerasObject", 1, ""]},
    "KerasObject": {
        2: ["node_id", "varint", 0, ""],
        3: ["node_path", "string", 0, ""],
        4: ["identifier", "string", 0, ""],
        5: ["metadata", "string", 0, ""],
        6: ["version", "VersionDef", 0, ""],
    },
}
"""keras/protobuf/saved_metadata.proto, which no package's descriptors hold any more."""


PREFIXES: Final = (
    "CoreML.Specification.",
    "google.protobuf.",
    "onnx.",
    "paddle.framework.proto.",
    "sentencepiece.",
    "tensorflow.",
)


def short_name(descriptor: Descriptor) -> str:
    """Return the name of a message without the package that most of its format have."""
    name: str = descriptor.full_name
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def add(descriptor: Descriptor, table: dict[str, Any]) -> None:
    """Add *descriptor* and every message that it can hold to *table*."""
    name = short_name(descriptor)
    if name in table:
        return
    table[name] = {}
    for field in sorted(descriptor.fields, key=lambda f: f.number):
        kind = KINDS.get(field.type)
        if kind is None:
            assert field.type == MESSAGE, field.full_name
            kind = short_name(field.message_type)
            add(field.message_type, table)
        oneof = field.containing_oneof
        # A lone optional field of proto3 is a group of its own making.
        group = oneof.name if oneof is not None and len(oneof.fields) > 1 else ""
        repeated = getattr(field, "is_repeated", None)
        if repeated is None:
            repeated = field.label == REPEATED
        table[name][field.number] = [field.name, kind, int(repeated), group]


def write(name: str, table: dict[str, Any]) -> None:
    """Write one schema."""
    lines = [
        f" {json.dumps(key)}: {json.dumps(fields, separators=(',', ':'))}"
        for key, fields in sorted(table.items())
    ]
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


CAFFE: Final[dict[str, Any]] = {
    "NetParameter": {1: ["name", "string", 0, ""], 100: ["layer", "LayerParameter", 1, ""]},
    "LayerParameter": {
        1: ["name", "string", 0, ""],
        2: ["type", "string", 0, ""],
        130: ["python_param", "PythonParameter", 0, ""],
    },
    "PythonParameter": {1: ["module", "string", 0, ""], 2: ["layer", "string", 0, ""]},
}
"""As much of caffe.proto as is looked at; no package has its descriptors."""


def main() -> None:
    """Write every schema, or those that are named."""
    wanted = sys.argv[1:] or SOURCES
    if "caffe" in wanted or not sys.argv[1:]:
        write("caffe", CAFFE)
    for name, roots in SOURCES.items():
        if name not in wanted:
            continue
        table: dict[str, Any] = {}
        for module, message in roots:
            add(getattr(importlib.import_module(module), message).DESCRIPTOR, table)
        if name == "tensorflow":
            table.update(KERAS)
        write(name, table)


if __name__ == "__main__":
    main()
