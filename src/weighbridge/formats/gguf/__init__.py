"""
The header of a GGUF file, versions 2 and 3 (the ggml project's docs/gguf.md).

GGUF holds no code, but its reader is C++ that trusts counts, and its metadata holds chat
templates that are programs. So every count and offset is checked as the reference reader
should, and strings are kept for whoever looks into them; arrays are passed over and counted.
"""

from weighbridge.formats.gguf.header import parse_header
from weighbridge.formats.gguf.types import TENSOR_TYPES, GgufTensorType, GgufType
from weighbridge.formats.gguf.values import GgufArray, GgufHeader, GgufTensor, GgufValue

__all__ = [
    "TENSOR_TYPES",
    "GgufArray",
    "GgufHeader",
    "GgufTensor",
    "GgufTensorType",
    "GgufType",
    "GgufValue",
    "parse_header",
]
