"""What the suffix of a name promises."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.artifact import FileFormat as F

_TEXT: Final = (F.TEXT, F.JSON, F.YAML, F.EMPTY)
_STREAMS: Final = (F.GZIP, F.BZIP2, F.XZ, F.ZLIB, F.DEFLATE, F.LZ4, F.ZSTD)
_TORCH: Final = (
    F.TORCH_ZIP,
    F.TORCH_LEGACY,
    F.TORCHSCRIPT,
    F.TORCH_PACKAGE,
    F.EXPORTED_PROGRAM,
    F.PICKLE,
    F.TAR,
)
_PICKLES: Final = (F.PICKLE, F.JOBLIB, *_STREAMS)

_PROMISES: Final[tuple[tuple[str, tuple[F, ...]], ...]] = (
    ("safetensors", (F.SAFETENSORS,)),
    ("gguf", (F.GGUF,)),
    ("onnx", (F.ONNX,)),
    ("ort", (F.ORT,)),
    ("pte", (F.EXECUTORCH,)),
    ("pdmodel", (F.PADDLE_PROGRAM,)),
    ("caffemodel", (F.CAFFE, F.HDF5)),
    ("tflite", (F.TFLITE,)),
    ("mlmodel", (F.COREML,)),
    ("pbtxt prototxt", (F.PROTOBUF_TEXT, F.EMPTY)),
    ("npy", (F.NPY,)),
    ("npz", (F.NPZ,)),
    ("keras", (F.KERAS_V3, F.HDF5)),
    ("h5 hdf5 hdf", (F.HDF5,)),
    ("pt pth ckpt", _TORCH),
    ("pkl pickle", (*_PICKLES, F.TORCH_ZIP, F.TORCH_LEGACY)),
    ("joblib", (F.JOBLIB, F.PICKLE, *_STREAMS)),
    ("dill", (F.PICKLE,)),
    ("pt2", (F.EXPORTED_PROGRAM,)),
    ("ptl", (F.TORCHSCRIPT,)),
    ("mar", (F.TORCHSERVE,)),
    ("skops", (F.SKOPS,)),
    ("zip", (F.ZIP, F.TORCH_ZIP, F.TORCHSCRIPT, F.NPZ, F.KERAS_V3, F.SKOPS, F.TORCHSERVE)),
    ("tar", (F.TAR,)),
    ("nemo", (F.TAR, F.GZIP)),
    ("7z", (F.SEVEN_ZIP,)),
    ("gz tgz", (F.GZIP,)),
    ("bz2 tbz2", (F.BZIP2,)),
    ("xz txz lzma", (F.XZ,)),
    ("lz4", (F.LZ4,)),
    ("zst zstd", (F.ZSTD,)),
    ("z zlib", (F.ZLIB,)),
    ("deflate", (F.DEFLATE, F.ZLIB)),
    ("msgpack", (F.MSGPACK,)),
    ("arrow feather", (F.ARROW,)),
    ("parquet", (F.PARQUET,)),
    ("orc", (F.ORC,)),
    ("json", (F.JSON,)),
    ("ipynb", (F.NOTEBOOK, F.JSON)),
    ("html htm xhtml", (F.HTML, F.XML, *_TEXT)),
    ("xml svg pmml xsl xslt", (F.XML, *_TEXT)),
    ("rds rda rdata", (F.R_DATA, *_STREAMS)),
    ("cbm", (F.CATBOOST,)),
    ("ubj", (F.XGBOOST,)),
    ("crfsuite", (F.CRFSUITE,)),
    ("pdiparams", (F.PADDLE_PARAMETERS, F.PICKLE)),
    ("pdparams pdopt", (F.PICKLE, F.PADDLE_PARAMETERS)),
    ("mnn", (F.MNN,)),
    ("engine trt", (F.TENSORRT, F.TEXT)),
    ("jsonl ndjson", (F.TEXT, F.JSON, F.EMPTY)),
    ("yaml yml", (F.YAML, F.JSON, F.EMPTY, F.TEXT)),
    ("txt md markdown rst csv tsv toml ini cfg vocab merges jinja jinja2", _TEXT),
    ("py pyi pyw", (F.PYTHON_SOURCE, F.EMPTY)),
    ("pyc pyo", (F.PYTHON_BYTECODE,)),
    ("sh bash", (F.SCRIPT, F.TEXT, F.EMPTY)),
    ("so dylib dll pyd exe", (F.SHARED_OBJECT,)),
    ("png jpg jpeg gif webp", (F.IMAGE,)),
)

_FOREIGN_TO_BIN: Final = (
    F.EMPTY,
    F.HTML,
    F.JSON,
    F.NOTEBOOK,
    F.PYTHON_SOURCE,
    F.SCRIPT,
    F.TEXT,
    F.XML,
    F.YAML,
)
"""What a name ending in .bin, .model or .pb does not announce: they promise bytes, no more."""

_TEXT_FORMATS: Final = frozenset(
    (*_TEXT, F.HTML, F.NOTEBOOK, F.XML, F.PYTHON_SOURCE, F.SCRIPT, F.PROTOBUF_TEXT)
)


def _index() -> Mapping[str, tuple[F, ...]]:
    """Return the acceptable formats by suffix, the promised one first."""
    return MappingProxyType(
        {suffix: formats for names, formats in _PROMISES for suffix in names.split()}
    )


_BY_SUFFIX: Final = _index()

_BINARY_PROMISES: Final = MappingProxyType(
    {
        "bin": F.TORCH_ZIP,
        "model": F.TOKENIZER,
        "pb": F.SAVEDMODEL,
    }
)
"""Suffixes that many binary formats share, with the most usual one."""


def split_suffix(name: str) -> str:
    """Return the suffix of the last part of *name* in lower case, without the dot."""
    base = name.rpartition("/")[2]
    stem, _, suffix = base.rpartition(".")
    return suffix.lower() if stem else ""


def suffix_format(name: str) -> F | None:
    """Return the format that the suffix of *name* promises; None where it promises nothing."""
    return suffix_promise(split_suffix(name))


def suffix_promise(suffix: str) -> F | None:
    """Return the format that *suffix* promises; None where it promises nothing."""
    accepted = _BY_SUFFIX.get(suffix)
    return accepted[0] if accepted else _BINARY_PROMISES.get(suffix)


def is_textual(suffix: str) -> bool:
    """Tell whether *suffix* promises text of some kind."""
    accepted = _BY_SUFFIX.get(suffix)
    return accepted is not None and accepted[0] in _TEXT_FORMATS


def find_lie(suffix: str, found: F) -> F | None:
    """
    Return the format that *suffix* promises, where *found* is none that it may stand for.

    A Git LFS pointer stands where any file should be, and is reported for what it is.
    """
    if found is F.LFS_POINTER:
        return None
    accepted = _BY_SUFFIX.get(suffix)
    if accepted is not None:
        return None if found in accepted else accepted[0]
    promised = _BINARY_PROMISES.get(suffix)
    return promised if promised is not None and found in _FOREIGN_TO_BIN else None
