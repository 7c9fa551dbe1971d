"""What an artifact is made of: files, their formats, their digests; no opinion about them."""

import re
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from weighbridge.core.attestation import Binding
from weighbridge.core.digest import Digest, FileDigest, HashAlgorithm, HashLayout
from weighbridge.core.evidence import Gap
from weighbridge.core.values import frozen

SIGNATURE_NAME: Final = "model.sig"
"""The OMS signature of a model directory; `FILE.sig` beside a single-file model."""

_OTHER_SIGNATURE: Final = re.compile(r"\.[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.sig")

CLAIMS_NAME: Final = "model.claims.jsonl"
"""Every other claim about a model, one Sigstore bundle a line."""

GIT_NAMES: Final = frozenset({".git", ".gitattributes", ".github", ".gitignore"})
"""Top-level names that OMS clients leave out of a signature by default (OMS spec 6.2)."""


def is_signature_name(name: str, /, *, stem: str = "model") -> bool:
    """
    Tell whether a signature of a model may be called *name*: `model.sig` or `model.WORD.sig`.

    WORD is up to 64 letters, digits, `_` and `-`. That a file is called so makes it no signature.

    Args:
        name: A path relative to the model's root, or a base name.
        stem: `model` for a directory; for a single file its own name.
    """
    if not name.startswith(stem):
        return False
    rest = name[len(stem) :]
    return rest == ".sig" or _OTHER_SIGNATURE.fullmatch(rest) is not None


class FileFormat(StrEnum):
    """A file's format, told from its bytes and never from its name alone."""

    EMPTY = "empty"
    PICKLE = "pickle"
    JOBLIB = "joblib"
    TORCH_ZIP = "torch-zip"
    TORCH_LEGACY = "torch-legacy"
    TORCHSCRIPT = "torchscript"
    TORCH_PACKAGE = "torch-package"
    EXPORTED_PROGRAM = "exported-program"
    TORCHSERVE = "torchserve"
    SKOPS = "skops"
    NPY = "npy"
    NPZ = "npz"
    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    ONNX = "onnx"
    ONNX_TENSOR = "onnx-tensor"
    ORT = "ort"
    EXECUTORCH = "executorch"
    PADDLE_PROGRAM = "paddle-program"
    CAFFE = "caffe"
    HDF5 = "hdf5"
    KERAS_V3 = "keras-v3"
    SAVEDMODEL = "savedmodel"
    TF_METAGRAPH = "tf-metagraph"
    TF_GRAPH = "tf-graph"
    TF_CHECKPOINT = "tf-checkpoint"
    TF_FINGERPRINT = "tf-fingerprint"
    KERAS_METADATA = "keras-metadata"
    PROTOBUF_TEXT = "protobuf-text"
    TFLITE = "tflite"
    COREML = "coreml"
    COREML_WEIGHTS = "coreml-weights"
    RAW_TENSORS = "raw-tensors"
    RAW_BYTES = "raw-bytes"
    XGBOOST = "xgboost"
    CATBOOST = "catboost"
    FASTTEXT = "fasttext"
    CRFSUITE = "crfsuite"
    CHARSMAP = "charsmap"
    FRONT_CODED = "front-coded"
    SPHINX_LM = "sphinx-lm"
    THULAC = "thulac"
    WORD2VEC = "word2vec"
    MXNET = "mxnet"
    PADDLE_PARAMETERS = "paddle-parameters"
    MNN = "mnn"
    GGML = "ggml"
    TENSORSTORE = "tensorstore"
    TF_HUB_MODULE = "tf-hub-module"
    TENSORRT = "tensorrt"
    TOKENIZER = "tokenizer"
    ZIP = "zip"
    TAR = "tar"
    SEVEN_ZIP = "7z"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZLIB = "zlib"
    DEFLATE = "deflate"
    LZ4 = "lz4"
    ZSTD = "zstd"
    JSON = "json"
    YAML = "yaml"
    XML = "xml"
    HTML = "html"
    NOTEBOOK = "notebook"
    MSGPACK = "msgpack"
    ARROW = "arrow"
    PARQUET = "parquet"
    ORC = "orc"
    R_DATA = "r-data"
    TEXT = "text"
    PYTHON_SOURCE = "python-source"
    PYTHON_BYTECODE = "python-bytecode"
    SCRIPT = "script"
    SHARED_OBJECT = "shared-object"
    LFS_POINTER = "lfs-pointer"
    IMAGE = "image"
    MEDIA = "media"
    UNKNOWN = "unknown"


class Carries(StrEnum):
    """What opening a file of a format can lead to, at the worst."""

    DATA = "data"
    """The format has no way to express code."""

    CONFIGURATION = "configuration"
    """Text that frameworks interpret: it can name code, a template or a path."""

    CONTAINER = "container"
    """Holds other files, which may be anything."""

    CODE = "code"
    """The format can make its usual loader execute something."""

    UNKNOWN = "unknown"
    """Nobody can tell."""


_CARRIES: Final = MappingProxyType(
    {
        FileFormat.EMPTY: Carries.DATA,
        FileFormat.SAFETENSORS: Carries.DATA,
        FileFormat.TOKENIZER: Carries.DATA,
        FileFormat.TEXT: Carries.DATA,
        FileFormat.IMAGE: Carries.DATA,
        FileFormat.MEDIA: Carries.DATA,
        FileFormat.XGBOOST: Carries.DATA,
        FileFormat.CATBOOST: Carries.DATA,
        FileFormat.FASTTEXT: Carries.DATA,
        FileFormat.CRFSUITE: Carries.DATA,
        FileFormat.CHARSMAP: Carries.DATA,
        FileFormat.FRONT_CODED: Carries.DATA,
        FileFormat.SPHINX_LM: Carries.DATA,
        FileFormat.THULAC: Carries.DATA,
        FileFormat.WORD2VEC: Carries.DATA,
        FileFormat.MXNET: Carries.DATA,
        FileFormat.PADDLE_PARAMETERS: Carries.DATA,
        FileFormat.MNN: Carries.DATA,
        FileFormat.ORC: Carries.DATA,
        FileFormat.GGML: Carries.DATA,
        FileFormat.TENSORSTORE: Carries.DATA,
        FileFormat.TF_HUB_MODULE: Carries.DATA,
        FileFormat.LFS_POINTER: Carries.DATA,
        FileFormat.JSON: Carries.CONFIGURATION,
        FileFormat.YAML: Carries.CONFIGURATION,
        FileFormat.XML: Carries.CONFIGURATION,
        FileFormat.HTML: Carries.CONFIGURATION,
        FileFormat.NOTEBOOK: Carries.CONFIGURATION,
        FileFormat.MSGPACK: Carries.CONFIGURATION,
        FileFormat.ARROW: Carries.CONFIGURATION,
        FileFormat.PARQUET: Carries.CONFIGURATION,
        FileFormat.GGUF: Carries.CONFIGURATION,
        FileFormat.ONNX: Carries.CONFIGURATION,
        FileFormat.ORT: Carries.CONFIGURATION,
        FileFormat.EXECUTORCH: Carries.CONFIGURATION,
        FileFormat.PADDLE_PROGRAM: Carries.CONFIGURATION,
        FileFormat.CAFFE: Carries.CONFIGURATION,
        FileFormat.ONNX_TENSOR: Carries.DATA,
        FileFormat.TF_CHECKPOINT: Carries.DATA,
        FileFormat.TF_FINGERPRINT: Carries.DATA,
        FileFormat.COREML_WEIGHTS: Carries.DATA,
        FileFormat.RAW_TENSORS: Carries.DATA,
        FileFormat.PROTOBUF_TEXT: Carries.CONFIGURATION,
        FileFormat.COREML: Carries.CONFIGURATION,
        FileFormat.TFLITE: Carries.CONFIGURATION,
        FileFormat.ZIP: Carries.CONTAINER,
        FileFormat.TAR: Carries.CONTAINER,
        FileFormat.SEVEN_ZIP: Carries.CONTAINER,
        FileFormat.GZIP: Carries.CONTAINER,
        FileFormat.BZIP2: Carries.CONTAINER,
        FileFormat.XZ: Carries.CONTAINER,
        FileFormat.ZLIB: Carries.CONTAINER,
        FileFormat.DEFLATE: Carries.CONTAINER,
        FileFormat.LZ4: Carries.CONTAINER,
        FileFormat.ZSTD: Carries.CONTAINER,
        FileFormat.PICKLE: Carries.CODE,
        FileFormat.JOBLIB: Carries.CODE,
        FileFormat.TORCH_ZIP: Carries.CODE,
        FileFormat.TORCH_LEGACY: Carries.CODE,
        FileFormat.TORCHSCRIPT: Carries.CODE,
        FileFormat.TORCH_PACKAGE: Carries.CODE,
        FileFormat.EXPORTED_PROGRAM: Carries.CODE,
        FileFormat.TORCHSERVE: Carries.CODE,
        FileFormat.SKOPS: Carries.CODE,
        FileFormat.NPY: Carries.CODE,
        FileFormat.NPZ: Carries.CODE,
        FileFormat.HDF5: Carries.CODE,
        FileFormat.KERAS_V3: Carries.CODE,
        FileFormat.SAVEDMODEL: Carries.CODE,
        FileFormat.TF_METAGRAPH: Carries.CODE,
        FileFormat.TF_GRAPH: Carries.CODE,
        FileFormat.KERAS_METADATA: Carries.CODE,
        FileFormat.R_DATA: Carries.CODE,
        FileFormat.PYTHON_SOURCE: Carries.CODE,
        FileFormat.PYTHON_BYTECODE: Carries.CODE,
        FileFormat.SCRIPT: Carries.CODE,
        FileFormat.SHARED_OBJECT: Carries.CODE,
        FileFormat.TENSORRT: Carries.CODE,
        FileFormat.RAW_BYTES: Carries.UNKNOWN,
        FileFormat.UNKNOWN: Carries.UNKNOWN,
    }
)


def carries(file_format: FileFormat) -> Carries:
    """Return the worst that opening a file of *file_format* can lead to."""
    return _CARRIES[file_format]


class ArtifactKind(StrEnum):
    """Whether the artifact is a directory or one file."""

    DIRECTORY = "directory"
    FILE = "file"


class EntryRole(StrEnum):
    """What a file is for."""

    MODEL = "model"
    SIGNATURE = "signature"
    CLAIMS = "claims"


@frozen
class FileStamp:
    """What the file system said of a file while it was read; equal stamps, same content."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


@frozen
class FileEntry:
    """
    One regular file of an artifact.

    Attributes:
        path: POSIX path relative to the root; `.` for a single-file artifact.
        size: Bytes.
        role: Model file, signature or claims.
        format: Told from the content; None when nobody asked for it.
        suffix_format: The format that the suffix promises, where that is another one.
        through_symlink: Whether the path is a symbolic link to the file.
        stamp: For telling whether the file is still the one that was hashed.
        digests: One per layout that was asked for.
    """

    path: str
    size: int
    role: EntryRole
    format: FileFormat | None
    suffix_format: FileFormat | None
    through_symlink: bool
    stamp: FileStamp
    digests: tuple[FileDigest, ...]

    def digest(self, layout: HashLayout) -> FileDigest:
        """
        Return the digest under *layout*.

        Raises:
            KeyError: The inventory was taken without this layout.
        """
        for digest in self.digests:
            if digest.layout == layout:
                return digest
        raise KeyError(layout)

    @property
    def sha256(self) -> Digest | None:
        """The whole file's SHA-256 where it is known."""
        for digest in self.digests:
            if digest.layout.algorithm is HashAlgorithm.SHA256 and digest.whole is not None:
                return digest.whole
        return None


@frozen
class Inventory:
    """
    Every file of an artifact, read once.

    Attributes:
        name: The artifact's base name.
        kind: Directory or single file.
        entries: In code-point order of their paths; no path occurs twice.
        empty_directories: Relative paths; a signature cannot cover them.
        layouts: The layouts under which every entry was digested.
        gaps: What could not be read or accounted for. An inventory with gaps is not complete.
    """

    name: str
    kind: ArtifactKind
    entries: tuple[FileEntry, ...]
    empty_directories: tuple[str, ...]
    layouts: tuple[HashLayout, ...]
    gaps: tuple[Gap, ...]

    @property
    def model_entries(self) -> tuple[FileEntry, ...]:
        """The files that make up the model: without signatures and claims."""
        return tuple(e for e in self.entries if e.role is EntryRole.MODEL)


@frozen
class ArtifactDigests:
    """
    How claims and verdicts name an artifact.

    Attributes:
        name: Informational.
        oms: The OMS root digest, which does not bind file names.
        names: SHA-256 over the sorted lines `<sha256 hex>  <path>` (in-toto `dirHash`); None where
            the files were hashed otherwise.
        ordered: The root digest in the order of the specification, where `oms` is a signer's own;
            None where they are one.
    """

    name: str
    oms: Digest
    names: Digest | None
    ordered: Digest | None = None

    @property
    def binding(self) -> Binding | None:
        """Both digests, as claims name the artifact; None where the names digest is not known."""
        if self.names is None:
            return None
        return Binding(root=self.oms if self.ordered is None else self.ordered, names=self.names)
