"""
The footer of Parquet files (parquet.thrift, `FileMetaData`): keys with values, and other files.

Columns are data and are not read. Arrow's schema stands under a key of its own, in base64; R's
package takes any other key for metadata of the table, so that an object of R needs no schema.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_PARQUET_FOOTER_BYTES, MAX_PROTOBUF_STRING_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.arrow_marks import PARQUET
from weighbridge.formats.thrift import Path, ThriftReader

_ENCRYPTED: Final = b"PARE"
_LENGTH: Final = 4
_SCHEMA_KEY: Final = b"ARROW:schema"
_SIGNATURE: Final = 28
"""Bytes of nonce and tag behind a footer that is signed and not encrypted (Encryption.md, 5.4)."""

# Fields of the structs of parquet.thrift.
_SCHEMA, _ROW_GROUPS, _PAIRS, _ENCRYPTION = 2, 4, 5, 8
_PAIR: Final[Path] = (_PAIRS,)
_KEY, _VALUE = 1, 2
_FILE: Final[Path] = (_ROW_GROUPS, 1, 1)
_REQUIRED: Final = frozenset({1, _SCHEMA, 3, _ROW_GROUPS})


@frozen
class Footer:
    """
    What a footer says beside how columns lie.

    Attributes:
        schemas: Arrow's schemas, decoded.
        pairs: Every other key with its value.
        files: Other files in which columns are said to lie.
    """

    schemas: tuple[bytes, ...]
    pairs: tuple[tuple[bytes, bytes], ...]
    files: tuple[bytes, ...]


def read_footer(source: ByteSource, *, between: Callable[[], None]) -> Footer:
    """
    Read the footer to its end.

    Raises:
        MalformedContentError: It is none, is encrypted, or lacks what every footer has.
        LimitExceededError: It is too large.
    """
    data = _footer_bytes(source)
    found = _Found(data)
    reader = ThriftReader(
        data, text=found.text, enter=found.enter, leave=found.leave, between=between
    )
    end, fields = reader.read()
    rest = len(data) - end
    if not fields >= _REQUIRED:
        raise _malformed("a version, a schema, rows and groups of them", f"{sorted(fields)}")
    if rest and not (rest == _SIGNATURE and _ENCRYPTION in fields):
        raise _malformed(f"an end at byte {len(data)} of the footer", f"one at {end}")
    pairs = found.pairs
    return Footer(
        schemas=tuple(_decode(value) for key, value in pairs if key == _SCHEMA_KEY),
        pairs=tuple(pair for pair in pairs if pair[0] != _SCHEMA_KEY),
        files=tuple(found.files),
    )


def _footer_bytes(source: ByteSource) -> bytes:
    """Return the footer, which stands in front of its length and the mark at the end."""
    tail = _LENGTH + len(PARQUET)
    end = source.read_at(max(0, source.size - tail), tail)
    length = int.from_bytes(end[:_LENGTH], "little")
    if end.endswith(_ENCRYPTED) or not end.endswith(PARQUET):
        raise _malformed("the mark of a plain footer", repr(end[_LENGTH:]))
    if length > MAX_PARQUET_FOOTER_BYTES:
        raise LimitExceededError(
            "the footer is too large",
            where="Parquet",
            expected=f"at most {MAX_PARQUET_FOOTER_BYTES}",
        )
    at = source.size - tail - length
    if at < len(PARQUET):
        raise _malformed(f"a footer of {length} bytes", f"a file of {source.size}")
    return source.read_at(at, length)


class _Found:
    """
    What is kept of a footer while it is read.

    Attributes:
        pairs: Keys with their values.
        files: Other files.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pair: dict[int, bytes] = {}
        self.pairs: list[tuple[bytes, bytes]] = []
        self.files: list[bytes] = []

    def enter(self, path: Path) -> None:
        """Start a pair."""
        if path == _PAIR:
            self._pair = {}

    def leave(self, path: Path) -> None:
        """Keep a pair; one without a value is none."""
        if path == _PAIR and _VALUE in self._pair:
            self.pairs.append((self._pair.get(_KEY, b""), self._pair[_VALUE]))

    def text(self, path: Path, start: int, end: int) -> None:
        """Take a key, a value, or the name of a file."""
        if path == _FILE and len(self.files) < _MAX_FILES:
            self.files.append(self._data[start:end][:_MAX_NAME])
        elif path[:-1] == _PAIR:
            if path[-1] in self._pair:
                raise _malformed("one key and one value", "another of the same pair")
            self._pair[path[-1]] = self._data[start:end]


_MAX_FILES: Final = 100
_MAX_NAME: Final = MAX_PROTOBUF_STRING_BYTES // 1024


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise _malformed("a schema in base64", str(error)) from error


def _malformed(expected: str, found: str) -> MalformedContentError:
    return MalformedContentError(
        "the footer cannot be read", where="Parquet", expected=expected, found=found
    )
