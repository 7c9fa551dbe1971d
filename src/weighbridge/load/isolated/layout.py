"""
The bytes in which a process of its own hands back what it loaded.

::

    0   8   magic
    8   8   length of the head, little-endian
    16      the head: JSON, ASCII
            zeros up to a multiple of 64
            the data: each piece at a multiple of 64 behind the one before, zeros between

The head is one of

    ["value", VALUE, [NODE, ...], BYTES OF DATA]
    ["error", KIND, CODE, MESSAGE, WHERE, EXPECTED, FOUND, HINT]

A VALUE is None, a truth value, an integer of 64 bits, a finite number or a short text as JSON has
them, or `[INDEX]`: the node of that index, which is one before the node that it stands in. So no
value holds itself, and one that occurs twice is told once. A NODE is a list that starts with its
kind; pieces of data belong to the nodes in their order, and nothing says where they are.

Objects of JSON do not occur.
"""

from struct import Struct
from types import MappingProxyType
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
    OperationError,
    WeighbridgeError,
)

MAGIC: Final = b"WBPLAIN1"
HEAD: Final = Struct("<8sQ")
ALIGNMENT: Final = 64

VALUE: Final = "value"
ERROR: Final = "error"

NODES: Final = frozenset(
    {
        *("int", "float", "complex", "text", "bytes", "bytearray"),
        *("date", "time", "datetime", "timedelta"),
        *("list", "tuple", "set", "frozenset", "dict", "OrderedDict", "Counter", "deque"),
        *("array", "scalar", "tensor", "objects", "opaque"),
    }
)
"""The kinds of nodes."""

ERRORS: Final[MappingProxyType[str, type[WeighbridgeError]]] = MappingProxyType(
    {
        "limit": LimitExceededError,
        "malformed": MalformedContentError,
        "operation": OperationError,
        "refused": ArtifactRefusedError,
    }
)
"""What a process may report instead of a value, by the word for it."""

CODES: Final = frozenset(
    {
        Code.EXTRA_MISSING,
        Code.LIMIT_EXCEEDED,
        Code.LOAD_FORMAT,
        Code.LOAD_MALFORMED,
        Code.LOAD_REFUSED,
        Code.SCAN_LIMIT,
        Code.SCAN_MALFORMED,
        Code.SPECIAL_FILE,
    }
)
"""Why it may say that there is none."""


_GONE_THROUGH: Final = frozenset({"text", "bytes", "bytearray", "scalar"})
_BYTES_OF_A_VALUE: Final = 1 << 12


def weight_of(kind: str, size: int, /, *, types: int = 1) -> int:
    """
    Return for how many values a node with *size* bytes of data counts.

    What can be part of a key is compared and hashed byte by byte, a record field by field: *types*
    is how many types it is made of, itself among them.
    """
    return types + size // _BYTES_OF_A_VALUE if kind in _GONE_THROUGH else 1


def aligned(size: int, /) -> int:
    """Return the first place for a piece at or behind *size*."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def count_values(head: bytes, /) -> int:
    """Return how many values *head* has at the most, without parsing it."""
    return head.count(b",") + head.count(b"[")
