"""The types of GGUF's metadata and tensors, as data."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from weighbridge.core.values import frozen


class GgufType(IntEnum):
    """The type of a metadata value; the value is the number in the file."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


SCALAR_FORMATS: Final[Mapping[GgufType, str]] = MappingProxyType(
    {
        GgufType.UINT8: "<B",
        GgufType.INT8: "<b",
        GgufType.UINT16: "<H",
        GgufType.INT16: "<h",
        GgufType.UINT32: "<I",
        GgufType.INT32: "<i",
        GgufType.FLOAT32: "<f",
        GgufType.BOOL: "<B",
        GgufType.UINT64: "<Q",
        GgufType.INT64: "<q",
        GgufType.FLOAT64: "<d",
    }
)
"""How the values of fixed size are packed."""


@frozen
class GgufTensorType:
    """
    A ggml type.

    Attributes:
        name: As ggml calls it.
        block: Elements that are packed together.
        size: Bytes of such a block.
    """

    name: str
    block: int
    size: int


TENSOR_TYPES: Final[Mapping[int, GgufTensorType]] = MappingProxyType(
    {
        number: GgufTensorType(name=name, block=block, size=size)
        for number, name, block, size in (
            (0, "F32", 1, 4),
            (1, "F16", 1, 2),
            (2, "Q4_0", 32, 18),
            (3, "Q4_1", 32, 20),
            (6, "Q5_0", 32, 22),
            (7, "Q5_1", 32, 24),
            (8, "Q8_0", 32, 34),
            (9, "Q8_1", 32, 36),
            (10, "Q2_K", 256, 84),
            (11, "Q3_K", 256, 110),
            (12, "Q4_K", 256, 144),
            (13, "Q5_K", 256, 176),
            (14, "Q6_K", 256, 210),
            (15, "Q8_K", 256, 292),
            (16, "IQ2_XXS", 256, 66),
            (17, "IQ2_XS", 256, 74),
            (18, "IQ3_XXS", 256, 98),
            (19, "IQ1_S", 256, 50),
            (20, "IQ4_NL", 32, 18),
            (21, "IQ3_S", 256, 110),
            (22, "IQ2_S", 256, 82),
            (23, "IQ4_XS", 256, 136),
            (24, "I8", 1, 1),
            (25, "I16", 1, 2),
            (26, "I32", 1, 4),
            (27, "I64", 1, 8),
            (28, "F64", 1, 8),
            (29, "IQ1_M", 256, 56),
            (30, "BF16", 1, 2),
            (34, "TQ1_0", 256, 54),
            (35, "TQ2_0", 256, 66),
            (39, "MXFP4", 32, 17),
            (40, "NVFP4", 64, 36),
            (41, "Q1_0", 128, 18),
        )
    }
)
"""The ggml types that may be in a file, by their number; the missing numbers were withdrawn."""
