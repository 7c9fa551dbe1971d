"""
Where tensors go in a safetensors file, and the header that says so: what `safetensors` reads back.

Nothing is written here. Tensors with larger elements come first, as the reference writer has it, so
that every tensor lies at a multiple of its elements' size: readers can then show the file's bytes
where they are.
"""

import json
import math
from collections.abc import Mapping
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.weights import (
    MAX_SAFETENSORS_HEADER_BYTES,
    MAX_TENSOR_NAME_BYTES,
    MAX_TENSORS,
)
from weighbridge.core.values import frozen
from weighbridge.formats.safetensors import DTYPE_BITS

_ALIGNMENT: Final = 8
"""Of the first tensor's byte, as the reference writer pads the header."""

_RESERVED: Final = "__metadata__"


@frozen(kw_only=False)
class TensorForm:
    """
    What a header says of a tensor, without its place.

    Attributes:
        dtype: A key of `DTYPE_BITS`.
        shape: Empty for a scalar.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """
        Bytes of the tensor.

        Raises:
            ValueError: The last byte would not be full.
        """
        bits = math.prod(self.shape) * DTYPE_BITS[self.dtype]
        if bits % 8:
            raise ValueError("a tensor ends within a byte")
        return bits // 8


@frozen
class SafetensorsLayout:
    """
    A file without its tensors.

    Attributes:
        header: The first bytes of the file, the header's length among them.
        places: Each tensor's name, and where its bytes start in the file; in that order.
        size: Bytes of the whole file.
    """

    header: bytes
    places: tuple[tuple[str, int], ...]
    size: int


def name_problem(name: str, /) -> str | None:
    """Return why the format has no tensor called *name*, as a sentence fragment, or None."""
    if name == _RESERVED:
        return "a tensor with the name of the header's metadata"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "a name that is no Unicode text"
    if size > MAX_TENSOR_NAME_BYTES:
        return f"a name of more than {MAX_TENSOR_NAME_BYTES} bytes"
    return None


def lay_out(
    tensors: Mapping[str, TensorForm], *, metadata: Mapping[str, str], where: str
) -> SafetensorsLayout:
    """
    Return the file of *tensors*; those of one element size stay in their order.

    Args:
        tensors: By names without a `name_problem`.
        metadata: What the header notes besides.
        where: The file, for errors.

    Raises:
        LimitExceededError: More tensors, or more of a header, than a reader takes.
        ValueError: A tensor ends within a byte, or a text cannot be written.
    """
    if len(tensors) > MAX_TENSORS:
        raise _too_large("tensors", limit=MAX_TENSORS, found=len(tensors), where=where)
    ordered = sorted(tensors.items(), key=lambda item: -DTYPE_BITS[item[1].dtype])
    document: dict[str, object] = {_RESERVED: dict(metadata)} if metadata else {}
    starts: list[tuple[str, int]] = []
    at = 0
    for name, form in ordered:
        end = at + form.size
        document[name] = {"dtype": form.dtype, "shape": form.shape, "data_offsets": (at, end)}
        starts.append((name, at))
        at = end
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    if len(text) > MAX_SAFETENSORS_HEADER_BYTES:
        raise _too_large(
            "bytes of header", limit=MAX_SAFETENSORS_HEADER_BYTES, found=len(text), where=where
        )
    header = len(text).to_bytes(8, "little") + text
    return SafetensorsLayout(
        header=header,
        places=tuple((name, len(header) + start) for name, start in starts),
        size=len(header) + at,
    )


def _too_large(what: str, *, limit: int, found: int, where: str) -> LimitExceededError:
    return LimitExceededError(
        f"too many {what} for a safetensors file",
        where=where,
        expected=f"at most {limit}",
        found=str(found),
    )
