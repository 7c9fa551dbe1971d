"""Python bytecode in a configuration: told and summarised, never unmarshalled."""

import base64
import binascii
from collections.abc import Iterator
from typing import Final

from weighbridge.core.limits.units import KIB

_CODE_TYPES: Final = (0x63, 0xE3)
"""The type of a code object (Python/marshal.c), without and with a reference."""

_SHORT: Final = frozenset(b"zZ\xfa\xda")
_LONG: Final = frozenset(b"aAusit\xe1\xc1\xf5\xf3\xf4")
_LONG_PREFIX: Final = 5
_LONGEST_NAME: Final = 200
_MOST_BYTES: Final = 64 * KIB
_MOST_NAMES: Final = 40


def decode_code(text: str) -> bytes | None:
    """Return the marshalled code that *text* is, in base64; None where it is none."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=False)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return data if data[:1] and data[0] in _CODE_TYPES else None


def names_in(data: bytes) -> tuple[str, ...]:
    """
    Return the names and strings that stand in marshalled code, in order.

    Found by their shape: a type, a length, and as many printable characters. So a string that
    only looks like one may be among them.
    """
    found = dict.fromkeys(_strings(data[:_MOST_BYTES]))
    return tuple(found)[:_MOST_NAMES]


def _strings(data: bytes) -> Iterator[str]:
    """Yield what has the shape of a string."""
    for at, kind in enumerate(data[:-2]):
        if kind in _SHORT:
            start, length = at + 2, data[at + 1]
        elif kind in _LONG:
            start = at + _LONG_PREFIX
            length = int.from_bytes(data[at + 1 : start], "little")
        else:
            continue
        if not 1 < length <= _LONGEST_NAME or start + length > len(data):
            continue
        text = data[start : start + length]
        if text.isascii() and text.decode("ascii").isprintable():
            yield text.decode("ascii")
