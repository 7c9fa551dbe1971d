"""Properties of the readers of ONNX, TensorFlow, TFLite, Core ML and checkpoint indexes."""

import contextlib
from collections.abc import Callable
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from support.protobuf import (
    external,
    field,
    graph,
    graph_attribute,
    model,
    node,
    saved_model,
    tensor,
    tf_calls,
    tf_const,
    tf_function,
    tf_graph,
    tf_node,
    tf_signature,
)
from support.tflite import code, flex_options, operator, tflite
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.coreml import names_in
from weighbridge.formats.flatbuffers import Flatbuffer
from weighbridge.formats.onnx import OnnxReader
from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.formats.protobuf.text import read_texts
from weighbridge.formats.tensor_bundle import read_index
from weighbridge.formats.tensorflow import bodies, read_meta_graph
from weighbridge.formats.tflite import TfliteReader


def read_onnx(data: bytes) -> None:
    """Read *data* as a model and as a tensor."""
    for single in (False, True):
        reader = OnnxReader(Document(BytesSource(data), schema=load_schema("onnx")))
        with contextlib.suppress(MalformedContentError, LimitExceededError):
            list(reader.tensor() if single else reader.tensors())


def read_tensorflow(data: bytes) -> None:
    """Read *data* as a SavedModel, as a meta graph and as a graph."""
    document = Document(BytesSource(data), schema=load_schema("tensorflow"))
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        for each in document.root("SavedModel").fields():
            if each.name == "meta_graphs":
                read_meta_graph(each.message)
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        read_meta_graph(document.root("MetaGraphDef"))
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        for body in bodies(document.root("GraphDef")):
            for each_node in body.nodes():
                each_node.called()
                each_node.strings()
                each_node.text("output_stream")


def read_tflite(data: bytes) -> None:
    """Read *data* as a TFLite model."""
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        TfliteReader(Flatbuffer(BytesSource(data))).read()


def read_coreml(data: bytes) -> None:
    """Read *data* as a Core ML model."""
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        list(names_in(Document(BytesSource(data), schema=load_schema("coreml"))))


def read_bundle(data: bytes) -> None:
    """Read *data* as an index."""
    footer = data[:40].ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
    for each in (data, data + footer):
        with contextlib.suppress(MalformedContentError, LimitExceededError):
            list(read_index(BytesSource(each), schema=load_schema("tensorflow")))


def read_text(data: bytes) -> None:
    """Read *data* as the text form."""
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        list(read_texts(data.decode("latin-1")))


READERS: Final[tuple[Callable[[bytes], None], ...]] = (
    read_onnx,
    read_tensorflow,
    read_tflite,
    read_coreml,
    read_bundle,
    read_text,
)
SEEDS: Final = (
    model(
        node("If", attributes=graph_attribute("then_branch", graph(node("PyOp", domain="x")))),
        tensors=(tensor(2, 2, extra=external(location="w")), tensor(2, raw=bytes(8))),
    ),
    saved_model(
        tf_graph(
            tf_const("c", "/tmp/x"),
            tf_node("PartitionedCall", "c:0", name="p", attributes=tf_calls("f", "g")),
            functions=(tf_function("g", tf_node("ReadFile", "a"), arguments=("a",)),),
        ),
        tf_signature("serving_default", "p:0"),
    ),
    tflite(
        code(32, "FlexErf"),
        operators=(operator(options=flex_options("Erf", tf_node("Erf"))),),
    ),
    field(1, 4) + field(500, field(1, field(500, field(10, "Loader")))),
    b'node { op: "Read" "\\x46ile" # text\n }',
)


@given(data=st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    """Any bytes at all are read, malformed or too much; nothing else happens."""
    for read in READERS:
        read(data)


@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 2000),
)
def test_mutations(seed: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    """A model with some bytes changed and its end cut is read, malformed or too much."""
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    for read in READERS:
        read(bytes(data[: cut % (len(data) + 1)] if cut % 2 else data))
