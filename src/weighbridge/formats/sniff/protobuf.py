"""
Tell the formats that are a bare protobuf message by which fields it has.

Protobuf has no magic number: ONNX, SavedModel and SentencePiece files are recognised by every
top-level field having a number and a wire type of their schema, up to the end of the file.
"""

from collections.abc import Iterator, Mapping
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
_SENTENCEPIECE: Final[Mapping[int, int]] = MappingProxyType(dict.fromkeys(range(1, 6), COUNTED))
_PIECE: Final[Mapping[int, int]] = MappingProxyType({1: COUNTED, 2: FIXED32, 3: VARINT})


class _NotProtobufError(Exception):
    """The bytes are no such message."""


def find_protobuf(window: Window) -> FileFormat | None:
    """Return the format of a file that is a bare protobuf message."""
    first = window.head[0]
    tags = (0x08, 0x0A, 0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72)
    if first not in tags:
        return None
    window.refill()
    if _is_onnx(window):
        return FileFormat.ONNX
    if first == 0x08 and _is_savedmodel(window):  # noqa: PLR2004  the tag of the version
        return FileFormat.SAVEDMODEL
    if first == 0x0A and _is_sentencepiece(window):  # noqa: PLR2004  the tag of a piece
        return FileFormat.TOKENIZER
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
    """Tell whether the file is a SavedModel (saved_model.proto): schema version 1, meta graphs."""
    seen: set[int] = set()
    for number, _, value, at in _fields(window, 0, window.size, _SAVEDMODEL):
        if number == 0 or (number == 1 and value != 1):
            return False
        if number == 2 and window.get(at, 1) not in (b"\x0a", b"\x12", b""):  # noqa: PLR2004
            return False
        seen.add(number)
    return seen == {1, 2}


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
