"""What Keras rebuilds the layers of a SavedModel from."""

import json

import pytest

from support.protobuf import field, message, saved_model, tf_function, tf_graph, tf_node
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.formats.sniff import sniff

CODE = {"class_name": "__tuple__", "items": ["4wEAAAA=", None, None]}
LAMBDA = {"class_name": "Lambda", "config": {"function": CODE, "function_type": "lambda"}}
DENSE = {"class_name": "Dense", "config": {"units": 2}}


def metadata_file(layer: object) -> bytes:
    """Return a `keras_metadata.pb`."""
    node = message((2, 1), (3, "root.layer-0"), (4, "_tf_keras_layer"), (5, json.dumps(layer)))
    return field(1, node)


def saved(layer: object, identifier: str = "_tf_keras_layer") -> bytes:
    """Return a SavedModel of the time before that file, with the same in it."""
    user = message((1, identifier), (3, json.dumps(layer)))
    graph = field(7, field(1, field(4, user)))
    return saved_model(tf_graph(tf_node("NoOp")), graph)


@pytest.mark.parametrize(("layer", "hit"), [(LAMBDA, True), (DENSE, False)])
def test_layers_in_both_places(layer: object, hit: bool) -> None:
    """A layer that is Python code is found in the metadata file and in the SavedModel."""
    beside = examined(metadata_file(layer), format=FileFormat.KERAS_METADATA)
    within = examined(saved(layer), format=FileFormat.SAVEDMODEL)
    assert ("keras-lambda-layer" in rules_of(beside)) == hit
    assert ("keras-lambda-layer" in rules_of(within)) == hit
    assert hit or (beside, within) == ((), ())


def test_other_objects_are_no_layers() -> None:
    """Metadata of an object that is none of Keras is not read as a layer."""
    assert not examined(saved(LAMBDA, "_generic_user_object"), format=FileFormat.SAVEDMODEL)


def test_sniffed() -> None:
    """The file is told from its content."""
    assert sniff(BytesSource(metadata_file(DENSE)), name="x").format is FileFormat.KERAS_METADATA


def test_fingerprint() -> None:
    """A fingerprint is told from its content and passes; one with more in it does not."""
    data = message((1, 2**63), (2, 1), (3, 1), (4, 1), (5, 1), (7, "uuid"))
    assert sniff(BytesSource(data), name="fingerprint.pb").format is FileFormat.TF_FINGERPRINT
    assert not examined(data, format=FileFormat.TF_FINGERPRINT)
    odd = examined(data + field(9, "x"), format=FileFormat.TF_FINGERPRINT)
    assert rules_of(odd) == {"protobuf-structure"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (saved_model(tf_graph(tf_node("NoOp"))), FileFormat.SAVEDMODEL),
        (saved_model(tf_graph(tf_node("NoOp")))[2:], FileFormat.SAVEDMODEL),
        (field(1, 1) + field(2, field(9, b"")), FileFormat.UNKNOWN),
        (field(2, tf_graph(tf_node("NoOp"))), FileFormat.TF_METAGRAPH),
        (field(2, tf_graph(functions=(tf_function("f"),))), FileFormat.TF_METAGRAPH),
        (tf_graph(tf_node("NoOp")), FileFormat.TF_GRAPH),
        (field(1, 4) + field(500, b""), FileFormat.COREML),
        (field(1, 4) + field(2, b""), FileFormat.UNKNOWN),
        (field(1, field(1, "n")), FileFormat.TOKENIZER),
        (field(1, 2) + field(2, 1) + field(9, bytes(8)), FileFormat.ONNX_TENSOR),
        (field(1, 2) + field(2, 99), FileFormat.UNKNOWN),
        (b"\0\0\0\0\x02\0\0\0".ljust(64, b"\0") + b"\xef\xbe\xad\xde", FileFormat.COREML_WEIGHTS),
        (b"\0\0\0\0\x02\0\0\0".ljust(64, b"\0") + b"\xef\xbe\xad\xdf", FileFormat.UNKNOWN),
    ],
)
def test_messages_are_told_apart(data: bytes, expected: FileFormat) -> None:
    """Each kind of message is told from its fields, whatever the file is called."""
    assert sniff(BytesSource(data), name="file").format is expected
