"""
The frames of files that hold numbers and names and nothing else: where their parts lie.

Their readers are written in C++ and trust what they read, and a file of which only the first
letters are right is none of these. What is within the frame is not interpreted.
"""

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NoReturn

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_VOCABULARY_BYTES
from weighbridge.core.limits.sniffing import SNIFF_BYTES
from weighbridge.core.limits.weights import MAX_TENSORS

_EVERY: Final = 4096
_MORE: Final = 0x80
_PIECE: Final = 0x0A
"""The tag of a piece, which is field 1."""

_ORC_TAIL: Final = 256
_ORC_MARK: Final = b"ORC"
_OCDBT: Final = struct.Struct("<4sQ")
_NODE: Final = b"\x0c\xdb\x20\xde"
_OCDBT_LEAST: Final = _OCDBT.size + 2 + 4
"""Bytes of mark, size, version, compression and checksum (tensorstore/kvstore/ocdbt/format)."""
_BLOBS: Final = struct.Struct("<II")
_BLOB: Final = struct.Struct("<IIQQ")
_BLOB_MARK: Final = 0xDEADBEEF
_BLOB_BYTES: Final = 64
"""Bytes of the header, of what is said of each blob, and of what a blob is aligned to."""
_GGML: Final = struct.Struct("<4s8i")
_MAX_GGML: Final = 1 << 24
_LETTERS: Final = 4
_DETECTOR: Final = b"silero-"
_LONGEST_NAME: Final = 32
_FIRST: Final = 3
"""Numbers that are no zero: a version, words and dimensions, or a rank and what it is scaled by."""
_SIZES: Final = MappingProxyType({1: 8, 5: 4})
"""Bytes of fields of protobuf with a fixed size, by wire type."""


def check_frame(
    source: ByteSource, file_format: FileFormat, *, between: Callable[[], None]
) -> None:
    """
    Return when the parts of *source* lie where a file of *file_format* has them.

    *between* is called now and then, and may raise to end the walk.

    Raises:
        MalformedContentError: They do not.
        LimitExceededError: There is more than is walked.
    """
    _CHECKS[file_format](source, between)


def _check_orc(source: ByteSource, _between: Callable[[], None]) -> None:
    """Hold the parts that the postscript counts to the file (orc_proto.proto, PostScript)."""
    tail = source.read_at(max(0, source.size - _ORC_TAIL), _ORC_TAIL)
    length = tail[-1] if tail else 0
    script = tail[-1 - length : -1]
    if not 0 < length < len(tail) or not script.endswith(_ORC_MARK):
        _refuse("ORC", f"a postscript of {length} bytes", "none")
    counts = {1: 0, 5: 0}
    at = 0
    while at < len(script):
        number, value, at = _field(script, at)
        if number in counts:
            counts[number] = value
    used = sum(counts.values()) + length + 1 + len(_ORC_MARK)
    if not counts[1] or used > source.size:
        _refuse("ORC", f"a footer within {source.size} bytes", f"{used} bytes of metadata")


def _check_ocdbt(source: ByteSource, _between: Callable[[], None]) -> None:
    """A manifest states its size behind its mark, and so does a node, behind which others lie."""
    mark, size = _OCDBT.unpack(_read(source, 0, _OCDBT.size))
    fits = size == source.size or (mark == _NODE and size < source.size)
    if not fits or size < _OCDBT_LEAST:
        _refuse("OCDBT", f"the size of the file, {source.size} bytes", f"{size} bytes")


def _check_blobs(source: ByteSource, between: Callable[[], None]) -> None:
    """Follow the blobs, each with where it lies in front of it (MILBlob, StorageFormat.hpp)."""
    count = _BLOBS.unpack(_read(source, 0, _BLOBS.size))[0]
    if not 0 < count <= MAX_TENSORS:
        _refuse("Core ML's weights", f"1 to {MAX_TENSORS} blobs", str(count))
    at = _BLOB_BYTES
    for number in range(count):
        if not number % _EVERY:
            between()
        mark, _kind, size, start = _BLOB.unpack(_read(source, at, _BLOB.size))
        if mark != _BLOB_MARK or start < at + _BLOB_BYTES or start + size > source.size:
            _refuse("Core ML's weights", f"a blob within {source.size} bytes", f"one at {start}")
        at = -(-(start + size) // _BLOB_BYTES) * _BLOB_BYTES
    if source.size > at:
        _refuse("Core ML's weights", f"an end by byte {at}", f"one at {source.size}")


def _check_ggml(source: ByteSource, _between: Callable[[], None]) -> None:
    """
    The letters are followed by a version or by sizes, all of which are small numbers.

    In models that tell speech from silence, a name is in front of them (whisper.cpp,
    `whisper_vad_init_with_params`).
    """
    at = 0
    length = int.from_bytes(_read(source, _LETTERS, _LETTERS), "little")
    name = source.read_at(2 * _LETTERS, min(length, _LONGEST_NAME))
    if name.startswith(_DETECTOR) and name.isascii() and name.decode().isprintable():
        at = length + _LETTERS
    _mark, *numbers = _GGML.unpack(_read(source, at, _GGML.size))
    sizes = numbers[_FIRST:] if at else numbers[:_FIRST]  # behind a version of three numbers
    if min(sizes) <= 0 or not all(0 <= number < _MAX_GGML for number in numbers):
        _refuse("GGML", "a version and sizes", str(numbers))


def _check_vocabulary(source: ByteSource, between: Callable[[], None]) -> None:
    """Walk the fields of a SentencePiece model to its end (sentencepiece_model.proto)."""
    if source.size > MAX_VOCABULARY_BYTES:
        raise LimitExceededError(
            "the vocabulary is too large", expected=f"at most {MAX_VOCABULARY_BYTES} bytes"
        )
    data = source.read_at(0, source.size)
    at = number = 0
    while at < len(data):
        if not number % _EVERY:
            between()
        number += 1
        # Pieces are all but a few of the fields, and nearly all of them are short.
        if data[at] == _PIECE and at + 1 < len(data) and data[at + 1] < _MORE:
            at += 2 + data[at + 1]
        else:
            _, _, at = _field(data, at)
    if at > len(data):
        _refuse("protobuf", f"a field that ends by byte {len(data)}", f"one up to {at}")


def _check_module(source: ByteSource, _between: Callable[[], None]) -> None:
    """A few numbers and names; telling has looked at no more than these bytes."""
    if source.size > SNIFF_BYTES:
        _refuse("TensorFlow Hub", f"at most {SNIFF_BYTES} bytes", str(source.size))


def _field(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the number of the field at *at*, its value or length, and where it ends."""
    tag, at = _varint(data, at)
    wire = tag & 7
    value = 0
    if wire in _SIZES:
        at += _SIZES[wire]
    elif wire in (0, 2):
        value, at = _varint(data, at)
        at += value if wire else 0
    else:
        _refuse("protobuf", "a field", f"the tag {tag} at byte {at}")
    if at > len(data) or not tag >> 3:
        _refuse("protobuf", f"a field that ends by byte {len(data)}", f"one up to {at}")
    return tag >> 3, value, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in zip(range(0, 70, 7), data[at : at + 10], strict=False):
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < _MORE:
            return value, at
    return _refuse("protobuf", "a number", f"one that is cut at byte {at}")


def _read(source: ByteSource, at: int, count: int) -> bytes:
    data = source.read_at(at, count)
    if len(data) != count:
        _refuse("the file", f"{count} bytes at byte {at}", str(len(data)))
    return data


def _refuse(where: str, expected: str, found: str) -> NoReturn:
    raise MalformedContentError(
        "the parts do not fit together", where=where, expected=expected, found=found
    )


_CHECKS: Final[Mapping[FileFormat, Callable[[ByteSource, Callable[[], None]], None]]] = (
    MappingProxyType(
        {
            FileFormat.COREML_WEIGHTS: _check_blobs,
            FileFormat.GGML: _check_ggml,
            FileFormat.ORC: _check_orc,
            FileFormat.TENSORSTORE: _check_ocdbt,
            FileFormat.TF_HUB_MODULE: _check_module,
            FileFormat.TOKENIZER: _check_vocabulary,
        }
    )
)
FRAMED: Final = frozenset(_CHECKS)
"""Formats with a frame that is checked here."""
