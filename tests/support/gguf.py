"""GGUF files, well-formed or not."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass


def text(value: str | bytes) -> bytes:
    """Return a counted string."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str | bytes, kind: int, value: bytes) -> bytes:
    """Return a metadata pair."""
    return text(key) + struct.pack("<I", kind) + value


def array(kind: int, count: int, items: bytes) -> bytes:
    """Return an array's value."""
    return struct.pack("<IQ", kind, count) + items


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor's description."""

    name: str | bytes = "t"
    shape: tuple[int, ...] = (8,)
    kind: int = 0
    offset: int = 0

    def pack(self) -> bytes:
        """Return it as in the file."""
        dimensions = struct.pack(f"<I{len(self.shape)}Q", len(self.shape), *self.shape)
        return text(self.name) + dimensions + struct.pack("<IQ", self.kind, self.offset)


def build_gguf(
    pairs: Sequence[bytes] = (),
    tensors: Sequence[Tensor] = (),
    *,
    data: bytes = b"",
    alignment: int = 32,
    magic: bytes = b"GGUF",
    version: int = 3,
    key_count: int | None = None,
    tensor_count: int | None = None,
) -> bytes:
    """Return the file; counts are those of *pairs* and *tensors* unless they are given."""
    head = magic + struct.pack(
        "<IQQ",
        version,
        len(tensors) if tensor_count is None else tensor_count,
        len(pairs) if key_count is None else key_count,
    )
    head += b"".join(pairs) + b"".join(tensor.pack() for tensor in tensors)
    padding = -len(head) % alignment if data or tensors else 0
    return head + bytes(padding) + data
