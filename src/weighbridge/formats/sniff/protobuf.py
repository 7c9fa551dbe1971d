"""
Tell the formats that are a bare protobuf message by which fields it has.

Protobuf has no magic number: the files of ONNX, TensorFlow, Core ML and SentencePiece are
recognised by every top-level field having a number and a wire type of their schema, up to the
end of the file, and by fields that they cannot lack.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.formats.sniff.window import OutOfReadsError, Window

VARINT: Final = 0
FIXED64: Final = 1
COUNTED: Final = 2
FIXED32: Final = 5

_MAX_FIELDS: Final = 256
_MAX_VARINT_BYTES: Final = 10
_MAX_IR_VERSION: Final = 1000

Field = tuple[int, int, int, int]
"""Number, wire type, value (of a varint), and where the content starts."""

_NO_FIELD: Final[Field] = (0, 0, 0, 0)
"""Stands for bytes that are no field of the schema."""

_ONNX: Final[Mapping[int, int]] = MappingProxyType(
    {
        1: VARINT,  # ir_version
        2: COUNTED,  # producer_name
        3: COUNTED,  # producer_version
        4: COUNTED,  # domain
        5: VARINT,  # model_version
        6: COUNTED,  # doc_string
        7: COUNTED,  # graph
        8: COUNTED,  # opset_import
        14: COUNTED,  # metadata_props
        20: COUNTED,  # training_info
        25: COUNTED,  # functions
        26: COUNTED,  # configuration
    }
)
_SAVEDMODEL: Final[Mapping[int, int]] = MappingProxyType({1: VARINT, 2: COUNTED})
_COREML: Final[Mapping[int, int]] = MappingProxyType(
    {1: VARINT, 2: COUNTED, 10: VARINT, **dict.fromkeys(range(200, 3001), COUNTED)}
)
_COREML_TYPES: Final = range(200, 3001)
"""The fields of a Core ML model that hold the model proper (Model.proto, `oneof Type`)."""
_METAGRAPH: Final[Mapping[int, int]] = MappingProxyType(dict.fromkeys(range(1, 8), COUNTED))
_GRAPH: Final[Mapping[int, int]] = MappingProxyType(
    {1: COUNTED, 2: COUNTED, 3: VARINT, 4: COUNTED, 5: COUNTED}
)
_NODE: Final[Mapping[int, int]] = MappingProxyType(dict.fromkeys(range(1, 8), COUNTED))
_LIBRARY: Final[Mapping[int, int]] = MappingProxyType(dict.fromkeys(range(1, 4), COUNTED))
_FUNCTION: Final[Mapping[int, int]] = MappingProxyType(dict.fromkeys(range(1, 9), COUNTED))
_KERAS: Final[Mapping[int, int]] = MappingProxyType({1: COUNTED})
_KERAS_OBJECT: Final[Mapping[int, int]] = MappingProxyType(
    {2: VARINT, 3: COUNTED, 4: COUNTED, 5: COUNTED, 6: COUNTED}
)
_PADDLE: Final[Mapping[int, int]] = MappingProxyType(dict.fromkeys((1, 4, 5), COUNTED))
_BLOCK: Final[Mapping[int, int]] = MappingProxyType(
    {1: VARINT, 2: VARINT, 3: COUNTED, 4: COUNTED, 5: VARINT}
)
_CAFFE: Final[Mapping[int, int]] = MappingProxyType(
    {**dict.fromkeys((1, 2, 3, 6, 8, 100), COUNTED), **dict.fromkeys((4, 5, 7), VARINT)}
)
_LAYER: Final[Mapping[int, int]] = MappingProxyType(
    {**dict.fromkeys((1, 2, 3, 4, 6, 7, 8, 9), COUNTED), 5: FIXED32, 10: VARINT, 11: VARINT}
    | dict.fromkeys(range(100, 200), COUNTED)
)
_OLD_LAYER: Final[Mapping[int, int]] = MappingProxyType(
    {**dict.fromkeys((2, 3, 4, 6), COUNTED), 5: VARINT, 7: FIXED32, 8: FIXED32, 35: FIXED32}
    | {1: COUNTED, 1001: COUNTED, 1002: VARINT, 32: COUNTED, 33: COUNTED}
    | dict.fromkeys((*range(9, 32), 34, *range(36, 60)), COUNTED)
)
_HUB_MODULE: Final[Mapping[int, int]] = MappingProxyType({1: VARINT, 2: COUNTED})
_HUB_NAME: Final = "tfhub_module.pb"
_HUB_FORMAT: Final = 3
_FINGERPRINT: Final[Mapping[int, int]] = MappingProxyType(
    {**dict.fromkeys(range(1, 6), VARINT), 6: COUNTED, 7: COUNTED}
)
_TENSOR: Final[Mapping[int, int]] = MappingProxyType(
    {1: VARINT, 2: VARINT, 14: VARINT, **dict.fromkeys((3, *range(4, 14), 16), COUNTED)}
)
_MAX_TENSOR_TYPE: Final = 64
_SENTENCEPIECE: Final[Mapping[int, int]] = MappingProxyType(dict.fromkeys(range(1, 6), COUNTED))
_PIECE: Final[Mapping[int, int]] = MappingProxyType({1: COUNTED, 2: FIXED32, 3: VARINT})


class _NotProtobufError(Exception):
    """The bytes are no such message."""


def find_protobuf(window: Window) -> FileFormat | None:
    """Return the format of a file that is a bare protobuf message."""
    first = window.head[0]
    if first & 7 not in (VARINT, COUNTED) or not 0 < first >> 3 < 16:  # noqa: PLR2004  one byte
        return None
    for file_format, fits in _TESTS:
        window.refill()
        if fits(window):
            return file_format
    return None


def _is_onnx(window: Window) -> bool:
    """Tell whether the file is an ONNX ModelProto (onnx.proto): it has a version and a graph."""
    seen: set[int] = set()
    for number, _, value, _ in _fields(window, 0, window.size, _ONNX):
        if number == 1 and not 0 < value < _MAX_IR_VERSION:
            return False
        seen.add(number)
        if number == 0:
            return False
    return 7 in seen and bool(seen & {1, 8})  # noqa: PLR2004  the graph


def _is_savedmodel(window: Window) -> bool:
    """
    Tell whether the file is a SavedModel (saved_model.proto): meta graphs, and a version.

    TensorFlow does not look at the version: without the usual one, each meta graph has to have a
    graph.
    """
    usual = False
    graphs: list[bool] = []
    for number, _, length, at in _fields(window, 0, window.size, _SAVEDMODEL):
        if number == 0:
            return False
        if number == 1:
            usual = length == 1  # the value
        elif number == 2:  # noqa: PLR2004  a meta graph
            if _numbers(window, at, at + length, _METAGRAPH) is None:
                return False
            graphs.append(_holds_meta_graph(window, at, at + length))
    return bool(graphs) and (usual or all(graphs))


def _is_coreml(window: Window) -> bool:
    """Tell whether the file is a Core ML model (Model.proto): a version and some model."""
    seen = _numbers(window, 0, window.size, _COREML)
    return seen is not None and 1 in seen and any(n in _COREML_TYPES for n in seen)


def _is_metagraph(window: Window) -> bool:
    """Tell whether the file is a MetaGraphDef (meta_graph.proto): it holds a graph."""
    return _holds_meta_graph(window, 0, window.size)


def _holds_meta_graph(window: Window, start: int, end: int) -> bool:
    """Tell whether there is a meta graph with a graph between *start* and *end*."""
    graphs = 0
    for number, _, length, at in _fields(window, start, end, _METAGRAPH):
        if number == 0:
            return False
        if number == 2:  # noqa: PLR2004  the graph
            if not _holds_graph(window, at, at + length):
                return False
            graphs += 1
    return graphs > 0


def _is_graph(window: Window) -> bool:
    """Tell whether the file is a GraphDef (graph.proto): nodes, or a library of functions."""
    return _holds_graph(window, 0, window.size)


def _holds_graph(window: Window, start: int, end: int) -> bool:
    """Tell whether there is a graph between *start* and *end*."""
    found = False
    for number, _, length, at in _fields(window, start, end, _GRAPH):
        if number == 0:
            return False
        if number == 1:
            seen = _numbers(window, at, at + length, _NODE)
            if seen is None or not seen >= {1, 2}:
                return False
            found = True
        elif number == 2:  # noqa: PLR2004  the library
            if not _holds_library(window, at, at + length):
                return False
            found = found or length > 0
    return found


def _holds_library(window: Window, start: int, end: int) -> bool:
    """Tell whether there is a function library between *start* and *end*."""
    for number, _, length, at in _fields(window, start, end, _LIBRARY):
        if number == 0:
            return False
        if number == 1 and _numbers(window, at, at + length, _FUNCTION) is None:
            return False
    return True


def _is_keras_metadata(window: Window) -> bool:
    """Tell whether the file is a Keras SavedMetadata (saved_metadata.proto)."""
    objects = 0
    for number, _, length, at in _fields(window, 0, window.size, _KERAS):
        seen = _numbers(window, at, at + length, _KERAS_OBJECT) if number else None
        if not seen:
            return False
        objects += 1
    return objects > 0


def _is_paddle(window: Window) -> bool:
    """Tell whether the file is a ProgramDesc of PaddlePaddle (framework.proto): it has blocks."""
    blocks = 0
    for number, _, length, at in _fields(window, 0, window.size, _PADDLE):
        if number == 0:
            return False
        if number == 1:
            seen = _numbers(window, at, at + length, _BLOCK)
            if seen is None or not seen >= {1, 2}:
                return False
            blocks += 1
    return blocks > 0


def _is_caffe(window: Window) -> bool:
    """Tell whether the file is a NetParameter of Caffe (caffe.proto): it has layers."""
    layers = 0
    for number, _, length, at in _fields(window, 0, window.size, _CAFFE):
        if number == 0:
            return False
        if number in (2, 100):
            schema, least = (_OLD_LAYER, {4, 5}) if number == 2 else (_LAYER, {1, 2})  # noqa: PLR2004  as above
            seen = _numbers(window, at, at + length, schema)
            if seen is None or not seen >= least:
                return False
            layers += 1
    return layers > 0


def _is_hub_module(window: Window) -> bool:
    """Tell whether the file is TensorFlow Hub's ModuleDefProto (module_def.proto): a number."""
    if window.name != _HUB_NAME:
        return False
    fields = list(_fields(window, 0, window.size, _HUB_MODULE))
    versions = [value for number, _, value, _ in fields if number == 1]
    return versions == [_HUB_FORMAT] and all(field[0] for field in fields)


def _is_fingerprint(window: Window) -> bool:
    """Tell whether the file is a FingerprintDef (fingerprint.proto)."""
    seen = _numbers(window, 0, window.size, _FINGERPRINT)
    return seen is not None and seen >= {1, 2, 3}


def _is_tensor(window: Window) -> bool:
    """Tell whether the file is an ONNX TensorProto (onnx.proto): it has a type."""
    typed = False
    for number, _, value, _ in _fields(window, 0, window.size, _TENSOR):
        if number == 0:
            return False
        if number == 2:  # noqa: PLR2004  the type
            if not 0 < value < _MAX_TENSOR_TYPE:
                return False
            typed = True
    return typed


def _is_sentencepiece(window: Window) -> bool:
    """Tell whether the file is a SentencePiece ModelProto: pieces with a text and a score."""
    pieces = 0
    for number, _, length, at in _fields(window, 0, window.size, _SENTENCEPIECE):
        if number == 0:
            return False
        if number != 1:
            break
        inner = [field[0] for field in _fields(window, at, at + length, _PIECE)]
        if inner[:1] != [1] or 0 in inner:
            return False
        pieces += 1
    return pieces > 0


_TESTS: Final[tuple[tuple[FileFormat, Callable[[Window], bool]], ...]] = (
    (FileFormat.ONNX, _is_onnx),
    (FileFormat.COREML, _is_coreml),
    (FileFormat.SAVEDMODEL, _is_savedmodel),
    (FileFormat.TF_METAGRAPH, _is_metagraph),
    (FileFormat.TF_GRAPH, _is_graph),
    (FileFormat.PADDLE_PROGRAM, _is_paddle),
    (FileFormat.CAFFE, _is_caffe),
    (FileFormat.KERAS_METADATA, _is_keras_metadata),
    (FileFormat.TOKENIZER, _is_sentencepiece),
    (FileFormat.TF_FINGERPRINT, _is_fingerprint),
    (FileFormat.ONNX_TENSOR, _is_tensor),
    (FileFormat.TF_HUB_MODULE, _is_hub_module),
)
"""What a message is tested for, in this order; what more can be done with comes first."""


def _numbers(
    window: Window, start: int, end: int, schema: Mapping[int, int]
) -> frozenset[int] | None:
    """Return the fields of the message between *start* and *end*; None where it is none."""
    found = frozenset(field[0] for field in _fields(window, start, end, schema))
    return None if 0 in found else found


def _fields(window: Window, start: int, end: int, schema: Mapping[int, int]) -> Iterator[Field]:
    """
    Yield the fields of the message between *start* and *end*; field 0 where it is none.

    Stops quietly after `_MAX_FIELDS` of them, or where no more of the file may be read.
    """
    at = start
    try:
        for _ in range(_MAX_FIELDS):
            if at == end:
                return
            if at > end:
                break
            tag, at = _varint(window, at)
            number, wire = tag >> 3, tag & 7
            if schema.get(number) != wire:
                yield _NO_FIELD
                return
            value, at = _varint(window, at) if wire in (VARINT, COUNTED) else (0, at)
            yield number, wire, value, at
            at += {VARINT: 0, COUNTED: value, FIXED32: 4, FIXED64: 8}[wire]
        if at > end:
            yield _NO_FIELD
    except _NotProtobufError:
        yield _NO_FIELD
    except OutOfReadsError:
        return


def _varint(window: Window, at: int) -> tuple[int, int]:
    """Return the varint at *at* and where it ends."""
    value = 0
    for index, byte in enumerate(window.get(at, _MAX_VARINT_BYTES)):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004  the bit that says there is more
            return value, at + index + 1
    raise _NotProtobufError
