"""
Which analyzer reads which format, and which rules there are.

Both tables are explicit: a file that nobody lists does nothing, and tests hold the tables
equal to the folders. Modules are named here and imported when they are first needed, so that
asking for the list of rules costs nothing.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any, Final, cast

from weighbridge.core.artifact import FileFormat
from weighbridge.scan.interface import Analyzer, Facts, Rule
from weighbridge.scan.rule_facts import RULE_FACTS

ANALYZERS: Final[Mapping[FileFormat, str]] = MappingProxyType(
    {
        FileFormat.ARROW: "arrow",
        FileFormat.BZIP2: "compressed",
        FileFormat.CAFFE: "caffe",
        FileFormat.CATBOOST: "native_model",
        FileFormat.CHARSMAP: "native_model",
        FileFormat.COREML: "coreml",
        FileFormat.COREML_WEIGHTS: "framed",
        FileFormat.CRFSUITE: "native_model",
        FileFormat.DEFLATE: "compressed",
        FileFormat.EXECUTORCH: "executorch",
        FileFormat.EXPORTED_PROGRAM: "exported_program",
        FileFormat.FASTTEXT: "native_model",
        FileFormat.FRONT_CODED: "native_model",
        FileFormat.GGML: "framed",
        FileFormat.GGUF: "gguf",
        FileFormat.GZIP: "compressed",
        FileFormat.HDF5: "hdf5",
        FileFormat.HTML: "markup",
        FileFormat.JOBLIB: "joblib",
        FileFormat.JSON: "json",
        FileFormat.KERAS_METADATA: "keras_metadata",
        FileFormat.KERAS_V3: "keras",
        FileFormat.LFS_POINTER: "lfs",
        FileFormat.LZ4: "compressed",
        FileFormat.MNN: "native_model",
        FileFormat.MSGPACK: "msgpack",
        FileFormat.MXNET: "native_model",
        FileFormat.NOTEBOOK: "notebook",
        FileFormat.NPY: "numpy",
        FileFormat.NPZ: "zip",
        FileFormat.ONNX: "onnx",
        FileFormat.ONNX_TENSOR: "onnx",
        FileFormat.ORC: "framed",
        FileFormat.ORT: "ort",
        FileFormat.PADDLE_PARAMETERS: "native_model",
        FileFormat.PADDLE_PROGRAM: "paddle",
        FileFormat.PARQUET: "arrow",
        FileFormat.PICKLE: "pickle",
        FileFormat.PROTOBUF_TEXT: "protobuf_text",
        FileFormat.PYTHON_BYTECODE: "python_bytecode",
        FileFormat.PYTHON_SOURCE: "python_source",
        FileFormat.RAW_BYTES: "raw_tensors",
        FileFormat.RAW_TENSORS: "raw_tensors",
        FileFormat.R_DATA: "r_data",
        FileFormat.SAFETENSORS: "safetensors",
        FileFormat.SAVEDMODEL: "savedmodel",
        FileFormat.SCRIPT: "script",
        FileFormat.SEVEN_ZIP: "sevenzip",
        FileFormat.SHARED_OBJECT: "shared_object",
        FileFormat.SKOPS: "skops",
        FileFormat.TAR: "tar",
        FileFormat.TENSORRT: "shared_object",
        FileFormat.TENSORSTORE: "framed",
        FileFormat.TEXT: "text",
        FileFormat.TFLITE: "tflite",
        FileFormat.TF_CHECKPOINT: "tf_checkpoint",
        FileFormat.TF_FINGERPRINT: "tf_fingerprint",
        FileFormat.TF_GRAPH: "savedmodel",
        FileFormat.TF_METAGRAPH: "savedmodel",
        FileFormat.TF_HUB_MODULE: "framed",
        FileFormat.SPHINX_LM: "native_model",
        FileFormat.THULAC: "native_model",
        FileFormat.TOKENIZER: "framed",
        FileFormat.TORCHSCRIPT: "torch",
        FileFormat.TORCHSERVE: "torchserve",
        FileFormat.TORCH_LEGACY: "torch_legacy",
        FileFormat.TORCH_PACKAGE: "torch_package",
        FileFormat.TORCH_ZIP: "torch",
        FileFormat.WORD2VEC: "native_model",
        FileFormat.XGBOOST: "native_model",
        FileFormat.XML: "markup",
        FileFormat.XZ: "compressed",
        FileFormat.YAML: "yaml",
        FileFormat.ZIP: "zip",
        FileFormat.ZLIB: "compressed",
        FileFormat.ZSTD: "compressed",
    }
)
"""Format to the module of `analyzers/` that reads it; the module's function is `analyze`."""

NO_ANALYZER_NEEDED: Final[Mapping[FileFormat, str]] = MappingProxyType(
    {
        FileFormat.EMPTY: "there are no bytes",
        FileFormat.IMAGE: "no model loader deserializes pictures; archives behind one are found",
        FileFormat.MEDIA: "sound and moving pictures are data; archives behind one are found",
    }
)
"""Formats that are examined by telling them, each with the reason."""

RULES: Final[tuple[str, ...]] = (
    "adapter-base-model",
    "archive-anomaly",
    "arrow-python-type",
    "attention-kernel",
    "caffe-python-layer",
    "chat-template",
    "compressed-trailing-data",
    "config-import",
    "config-target",
    "coreml-custom-code",
    "coreml-external-file",
    "dependency-source",
    "executorch-operator",
    "exported-program",
    "gguf-structure",
    "hdf5-external-link",
    "hdf5-external-storage",
    "hdf5-filter-plugin",
    "hdf5-pickle",
    "hdf5-shape-bomb",
    "hdf5-structure",
    "hdf5-user-block",
    "json-repeated-key",
    "jsonpickle-object",
    "keras-config-ambiguous",
    "keras-custom-object",
    "keras-file-reference",
    "keras-foreign-object",
    "keras-function",
    "keras-lambda-layer",
    "keras-unsafe-layer",
    "lfs-pointer",
    "markup-script",
    "mlflow-code",
    "model-extension",
    "modules-import",
    "modules-path",
    "native-code",
    "notebook-code",
    "onnx-custom-operator",
    "onnx-external-data",
    "onnx-tensor-shape",
    "paddle-operator",
    "pickle-argument",
    "pickle-broken-stream",
    "pickle-computed-global",
    "pickle-dangerous-global",
    "pickle-divergence",
    "pickle-extension-registry",
    "pickle-native-state",
    "pickle-patched-reference",
    "pickle-persistent-id",
    "pickle-several-streams",
    "pickle-temporary-file",
    "pickle-trailing-data",
    "pickle-unknown-global",
    "polyglot",
    "protobuf-structure",
    "python-bytecode",
    "python-dangerous-call",
    "r-code-object",
    "remote-code-auto-map",
    "remote-code-pipeline",
    "remote-code-python-file",
    "remote-code-trusted",
    "safetensors-structure",
    "script-file",
    "shard-index-path",
    "skops-node",
    "suffix-lies",
    "tensorflow-asset-path",
    "tensorflow-operator",
    "tensorflow-text-operator",
    "tensorflow-unknown-operator",
    "tflite-custom-operator",
    "tflite-structure",
    "torch-duplicate-pickle",
    "torch-package",
    "torch-storage-size",
    "torchscript-operator",
    "torchserve-handler",
    "xml-entity",
    "yaml-python-tag",
    "yolo-expression",
    "zarr-pickle-codec",
    "zip-anomaly",
    "zip-content",
)
"""Rule ids; the rule `some-id` is the one `Rule` of `rules/some_id.py`."""


@cache
def analyzer_for(file_format: FileFormat) -> Analyzer | None:
    """Return the analyzer of *file_format*, or None where there is none."""
    name = ANALYZERS.get(file_format)
    if name is None:
        return None
    module = importlib.import_module(f"weighbridge.scan.analyzers.{name}")
    return cast("Analyzer", module.analyze)


@cache
def load_rule(rule_id: str) -> Rule[Any]:
    """
    Return the rule *rule_id*.

    Raises:
        LookupError: Its module does not define exactly one rule of that id.
    """
    module = importlib.import_module(f"weighbridge.scan.rules.{rule_id.replace('-', '_')}")
    rules = [kind for kind in _rules_defined_in(module) if kind.id == rule_id]
    if len(rules) != 1:
        message = f"{module.__name__} defines {len(rules)} rules with the id {rule_id}, expected 1"
        raise LookupError(message)
    return rules[0]()


@cache
def all_rules() -> tuple[Rule[Any], ...]:
    """Return every rule, in the order of `RULES`."""
    return tuple(load_rule(rule_id) for rule_id in RULES)


_RULES_FOR: Final[dict[type[Facts], tuple[Rule[Any], ...]]] = {}
"""What `rules_for` has answered."""


def rules_for(kind: type[Facts]) -> tuple[Rule[Any], ...]:
    """
    Return the rules that look at facts of the class *kind*, in the order of `RULES`.

    No other rule is imported, but for those that `RULE_FACTS` does not list.
    """
    known = _RULES_FOR.get(kind)
    if known is not None:
        return known
    names = {base.__name__ for base in kind.__mro__}
    wanted = (rule_id for rule_id in RULES if RULE_FACTS.get(rule_id, kind.__name__) in names)
    rules = map(load_rule, wanted)
    found = tuple(rule for rule in rules if issubclass(kind, rule.consumes))
    _RULES_FOR[kind] = found
    return found


def _rules_defined_in(module: ModuleType) -> list[type[Rule[Any]]]:
    """Return the rule classes that *module* itself defines, without those it imports."""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Rule) and kind.__module__ == module.__name__
    ]
