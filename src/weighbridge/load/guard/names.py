"""
What the guard watches, by name: modules with entry points, files of models, code.

Loaded with `watch`, before everything else.
"""

ENTRIES = {
    "_pickle": "pickles",
    "_posixsubprocess": "processes",
    "ai_edge_litert._pywrap_litert_compiled_model_wrapper": "tensorflow_files",
    "ai_edge_litert.interpreter": "tensorflow_files",
    "catboost.core": "boosters",
    "cloudpickle.cloudpickle": "pickles",
    "dill._dill": "pickles",
    "diffusers.utils.dynamic_modules_utils": "remote_code",
    "flair.file_utils": "by_path",
    "h5py._hl.files": "hdf5_files",
    "hyperpyyaml.core": "yaml_files",
    "joblib.numpy_pickle": "joblib_files",
    "keras.src.saving.saving_api": "by_path",
    "lightgbm.basic": "boosters",
    "llama_cpp.llama_cpp": "llama_models",
    "numpy.lib._npyio_impl": "numpy_files",
    "onnxruntime.capi.onnxruntime_inference_collection": "onnx_sessions",
    "pandas.io.pickle": "by_path",
    "pickle": "pickles",
    "pyarrow.feather": "native_files",
    "pyarrow.lib": "native_files",
    "pyarrow.parquet.core": "native_files",
    "safetensors._safetensors_rust": "safetensors_files",
    "sentencepiece": "native_files",
    "spacy.language": "by_path",
    "spacy.util": "by_path",
    "stable_baselines3.common.save_util": "by_path",
    "tables.file": "hdf5_files",
    "tensorflow.lite.python.interpreter": "tensorflow_files",
    "tensorflow.python.client.pywrap_tf_session": "tensorflow_files",
    "tensorflow.python.checkpoint.checkpoint": "tensorflow_files",
    "tensorflow.python.lib.io.file_io": "tensorflow_files",
    "tensorflow.python.saved_model.load": "tensorflow_files",
    "tensorflow.python.saved_model.loader_impl": "tensorflow_files",
    "tensorflow.python.training.py_checkpoint_reader": "tensorflow_files",
    "tensorflow.python.training.saver": "tensorflow_files",
    "tokenizers.tokenizers": "native_files",
    "torch": "torch_files",
    "torch._C": "torch_files",
    "torch.hub": "remote_code",
    "torch.package._directory_reader": "torch_files",
    "torch.package.package_importer": "torch_files",
    "torch.serialization": "torch_files",
    "torch.storage": "torch_files",
    "transformers.dynamic_module_utils": "remote_code",
    "vllm.plugins": "vllm_plugins",
    "xgboost.core": "boosters",
    "yaml": "yaml_files",
    "yaml.constructor": "yaml_files",
}
"""Modules that define entry points, and the module of `entries` that guards them."""

MODEL_SUFFIXES = frozenset(
    [
        "cbm",
        "ckpt",
        "coreml",
        "crfsuite",
        "dill",
        "engine",
        "gguf",
        "h5",
        "hdf",
        "hdf5",
        "joblib",
        "keras",
        "mar",
        "mlmodel",
        "mnn",
        "model",
        "nemo",
        "npy",
        "npz",
        "onnx",
        "ort",
        "pb",
        "pdiparams",
        "pdmodel",
        "pdopt",
        "pdparams",
        "pickle",
        "pkl",
        "pt",
        "pt2",
        "pte",
        "pth",
        "ptl",
        "rda",
        "rdata",
        "rds",
        "safetensors",
        "skops",
        "tflite",
        "trt",
        "ubj",
    ]
)
"""Suffixes of files that are models whatever opens them."""

UNSURE_SUFFIXES = frozenset(("bin", "caffemodel"))
"""Suffixes that models share with other files: their bytes tell."""

CONFIGURATIONS = frozenset(
    (
        "MLmodel",
        "adapter_config.json",
        "added_tokens.json",
        "chat_template.jinja",
        "config.cfg",
        "config.json",
        "config_sentence_transformers.json",
        "generation_config.json",
        "meta.json",
        "model.safetensors.index.json",
        "model_index.json",
        "modules.json",
        "preprocessor_config.json",
        "processor_config.json",
        "pytorch_model.bin.index.json",
        "scheduler_config.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
    )
)
"""Names of files that frameworks read before the weights; they count beside a signature."""

CODE_SUFFIXES = (".py", ".pyc", ".so", ".pyd")
"""How files end that Python imports."""

MODEL_MARKS = frozenset(
    (
        "MLmodel",
        "adapter_config.json",
        "flax_model.msgpack",
        "generation_config.json",
        "model.safetensors",
        "model.safetensors.index.json",
        "model_index.json",
        "modules.json",
        "preprocessor_config.json",
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
        "saved_model.pb",
        "tf_model.h5",
        "tokenizer_config.json",
    )
)
"""Names of files that lie in directories of models and in no others."""
