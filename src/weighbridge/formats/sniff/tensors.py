"""
Files of tensors that say little of themselves.

TensorFlow checkpoints and Core ML's weights have marks in odd places; bytes without any header
are told from other bytes by nothing but their name.
"""

import re
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.formats.sniff.window import OutOfReadsError, Window

_TABLE_MAGIC: Final = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""At the end of a LevelDB table (table/format.h), such as the index of a checkpoint."""
_TABLE_FOOTER: Final = 48

_BLOB_VERSION: Final = b"\x02\x00\x00\x00"
_BLOB_SENTINEL: Final = b"\xef\xbe\xad\xde"
"""MILBlob's StorageFormat.hpp: a count and a version, then metadata with this mark."""
_BLOB_HEADER: Final = 64

_RAW_SUFFIX: Final = re.compile(r"data-[0-9]{5}-of-[0-9]{5}|onnx_data(_[0-9]+)?|data|weights?|bias")


def find_tensors(window: Window) -> FileFormat | None:
    """Return the format of a file that holds tensors, without anything that could be code."""
    if _is_table(window):
        return FileFormat.TF_CHECKPOINT
    if _is_blob(window):
        return FileFormat.COREML_WEIGHTS
    if _RAW_SUFFIX.fullmatch(window.suffix):
        return FileFormat.RAW_TENSORS
    return None


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
