"""What a GGUF header is, as values."""

from typing import TypeAlias

from weighbridge.core.values import frozen
from weighbridge.formats.gguf.types import GgufType


@frozen
class GgufArray:
    """
    An array of the metadata, counted and not kept.

    Attributes:
        item_type: Of its items.
        count: How many items.
    """

    item_type: GgufType
    count: int


GgufValue: TypeAlias = bool | int | float | str | GgufArray
"""A value of the metadata."""


@frozen
class GgufTensor:
    """
    One tensor of the file.

    Attributes:
        name: Unique within the file.
        type: The name of its ggml type.
        shape: As in the file: the fastest varying dimension first.
        start: Where its bytes start in the file.
        end: Where they end, without padding.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    start: int
    end: int


@frozen
class GgufHeader:
    """
    What the header says.

    Attributes:
        version: 2 or 3.
        metadata: Keys and values in their order; a claim of the file about itself.
        tensors: In the order of their bytes, which cover the rest of the file but for padding.
        alignment: Bytes; every tensor starts at a multiple of it from `data_offset`.
        data_offset: Where the tensors' bytes start in the file.
    """

    version: int
    metadata: tuple[tuple[str, GgufValue], ...]
    tensors: tuple[GgufTensor, ...]
    alignment: int
    data_offset: int

    def text(self, key: str) -> str | None:
        """Return the string under *key*; None where there is none or another kind of value."""
        for name, value in self.metadata:
            if name == key:
                return value if isinstance(value, str) else None
        return None
