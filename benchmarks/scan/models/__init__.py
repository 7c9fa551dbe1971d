"""
Keras, TensorFlow, ONNX, GGUF and safetensors files that say more than weights.

Written by the frameworks, then changed. Few of them execute when they are only loaded; each has
to be found all the same.
"""

from collections.abc import Iterator

from benchmarks.scan.models.gguf import gguf_files
from benchmarks.scan.models.keras import keras_files
from benchmarks.scan.models.onnx import onnx_files
from benchmarks.scan.models.safetensors import safetensors_files
from benchmarks.scan.samples import Sample


def samples() -> Iterator[Sample]:
    """Yield every sample of the four groups."""
    yield from keras_files()
    yield from onnx_files()
    yield from gguf_files()
    yield from safetensors_files()
