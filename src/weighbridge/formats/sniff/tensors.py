"""
Files of tensors that say little of themselves.

TensorFlow checkpoints and Core ML's weights have marks in odd places; bytes without any header
are told from other bytes by nothing but their name.
"""

import re
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.formats.charsmap import is_charsmap
from weighbridge.formats.paddle_parameters import is_start
from weighbridge.formats.sniff.window import OutOfReadsError, Window
from weighbridge.formats.thulac import is_thulac
from weighbridge.formats.word2vec import is_word2vec

_TABLE_MAGIC: Final = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""At the end of a LevelDB table (table/format.h), such as the index of a checkpoint."""
_TABLE_FOOTER: Final = 48

_BLOB_VERSION: Final = b"\x02\x00\x00\x00"
_BLOB_SENTINEL: Final = b"\xef\xbe\xad\xde"
"""MILBlob's StorageFormat.hpp: a count and a version, then metadata with this mark."""
_BLOB_HEADER: Final = 64

_TENSOR_SUFFIX: Final = re.compile(
    r"data-[0-9]{5}-of-[0-9]{5}|onnx_data(_[0-9]+)?|data|weights?|bias"
)
_RAW_SUFFIX: Final = re.compile(r"bin|(\w+_)?(weights?|bias|scale|zero_point)(_\w+)?")
_RAW_NAME: Final = re.compile(
    r"""onnx__\w+ | (\w+_)?val_[0-9]+ | \w+_(bias|scale|weight|zero_point|output_[0-9]+)  # of ONNX
      | ([0-9]+[./])*[0-9]+                            # chunks of Zarr
      | [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}      # of ONNX, for what is no file's name
      | [0-9a-f]{32}                                   # values of TensorStore
    """,
    re.VERBOSE,
)
_MOST_FIELDS: Final = 64


def find_tensors(window: Window) -> FileFormat | None:
    """Return the format of a file that holds tensors, without anything that could be code."""
    if _is_table(window):
        return FileFormat.TF_CHECKPOINT
    if _is_blob(window):
        return FileFormat.COREML_WEIGHTS
    if is_start(window.head):
        return FileFormat.PADDLE_PARAMETERS
    if is_word2vec(window.head, window.size):
        return FileFormat.WORD2VEC
    if is_charsmap(window.head, window.size):
        return FileFormat.CHARSMAP
    return _find_named(window)


def _find_named(window: Window) -> FileFormat | None:
    """Return the format of a file that it takes a name to tell."""
    if window.suffix == "mnn" and _is_flatbuffer(window):
        return FileFormat.MNN
    if is_thulac(window.head, window.size, window.name):
        return FileFormat.THULAC
    if _TENSOR_SUFFIX.fullmatch(window.suffix):
        return FileFormat.RAW_TENSORS
    if _RAW_SUFFIX.fullmatch(window.suffix) or _RAW_NAME.fullmatch(window.name):
        return FileFormat.RAW_BYTES
    return None


def _is_flatbuffer(window: Window) -> bool:
    """Tell whether the file starts as a flatbuffer without an identifier."""
    root = int.from_bytes(window.head[:4], "little")
    table = root - int.from_bytes(window.head[root : root + 4], "little", signed=True)
    if not 0 < root < len(window.head) - 4 or not 0 < table < len(window.head) - 2:
        return False
    size = int.from_bytes(window.head[table : table + 2], "little")
    return size % 2 == 0 and 0 <= size - 4 <= 2 * _MOST_FIELDS


def _is_table(window: Window) -> bool:
    """Tell whether the file ends as a LevelDB table does."""
    if window.size < _TABLE_FOOTER:
        return False
    if window.whole:
        return window.head.endswith(_TABLE_MAGIC)
    return window.source.read_at(window.size - len(_TABLE_MAGIC), 8) == _TABLE_MAGIC


def _is_blob(window: Window) -> bool:
    """Tell whether the file is a storage of Core ML's weights."""
    try:
        sentinel = window.get(_BLOB_HEADER, len(_BLOB_SENTINEL))
    except OutOfReadsError:
        return False
    return window.head[4:8] == _BLOB_VERSION and sentinel == _BLOB_SENTINEL
