"""
Arrow's files and streams (Schema.fbs, Message.fbs, File.fbs), and Parquet files with its schema.

Columns are data. What readers have executed is in the schema: pyarrow before 14.0.1 unpickles the
type of a column that is a Python class (CVE-2023-47248), and the R package before 17 rebuilds
objects of R from a text among the schema's metadata (CVE-2024-52338). Only these are read.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Final

from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits import (
    MAX_ARROW_SCHEMA_BYTES,
    MAX_FLATBUFFER_TABLES,
    MAX_PARQUET_FOOTER_BYTES,
)
from weighbridge.core.values import frozen
from weighbridge.formats.arrow_marks import CONTINUATION, FEATHER, FILE, PARQUET, SCHEMA
from weighbridge.formats.flatbuffers import Flatbuffer, Table

_ENCRYPTED: Final = b"PARE"
_BODY_AT: Final = 8
_LENGTH: Final = 4
_MAX_COPIES: Final = 16

# Fields of the tables, by their order in the schemas.
_HEADER_TYPE, _HEADER = 1, 2
_FOOTER_SCHEMA: Final = 1
_FIELDS, _SCHEMA_METADATA = 1, 2
_NAME, _CHILDREN, _FIELD_METADATA = 0, 5, 6

_KEY: Final = b"ARROW:schema"
EXTENSION: Final = "ARROW:extension:name"
EXTENSION_DATA: Final = "ARROW:extension:metadata"
R_OBJECT: Final = "r"
_WANTED: Final = frozenset({EXTENSION, EXTENSION_DATA, R_OBJECT})


@frozen
class Note:
    """
    What the metadata of a schema, or of one of its columns, say.

    Attributes:
        column: The column's name; empty for the schema.
        values: The wanted keys with their values; a key may occur more than once.
    """

    column: str
    values: tuple[tuple[str, bytes], ...]


def read_notes(source: ByteSource) -> Iterator[Note]:
    """
    Yield what every copy of the schema says, in a file two: readers take the one or the other.

    Raises:
        MalformedContentError: Something lies outside the file, or is no schema.
        LimitExceededError: A schema is too large, or has too many columns.
    """
    start = source.read_at(0, _BODY_AT)
    if start.startswith(PARQUET):
        for schema in _schemas_of_parquet(source):
            yield from _message(BytesSource(schema), 0)
    elif start.startswith(FILE):
        yield from _message(source, _BODY_AT)
        yield from _schema(_footer(source))
    elif not start.startswith(FEATHER):  # whose first version has no types but plain ones
        yield from _message(source, 0)


def _message(source: ByteSource, at: int) -> Iterator[Note]:
    """Read the schema in the message at *at*; an empty file has none."""
    head = source.read_at(at, 2 * _LENGTH)
    marked = head.startswith(CONTINUATION)
    at += _LENGTH * (1 + marked)
    length = int.from_bytes(head[_LENGTH * marked :][:_LENGTH], "little")
    root = _flatbuffer(source, at, length)
    header = root.table(_HEADER)
    if root.number(_HEADER_TYPE, 1) != SCHEMA or header is None:
        raise _malformed("a schema", "another message")
    yield from _schema(header)


def _footer(source: ByteSource) -> Table:
    """Return the schema in the footer of a file."""
    tail = len(FILE) + _LENGTH
    end = source.read_at(max(0, source.size - tail), tail)
    if not end.endswith(FILE):
        raise _malformed("the mark of the end", repr(end[-len(FILE) :]))
    length = int.from_bytes(end[:_LENGTH], "little")
    schema = _flatbuffer(source, source.size - tail - length, length).table(_FOOTER_SCHEMA)
    if schema is None:
        raise _malformed("a schema in the footer", "none")
    return schema


def _flatbuffer(source: ByteSource, at: int, length: int) -> Table:
    """Return the root of the flatbuffer at *at*."""
    if length > MAX_ARROW_SCHEMA_BYTES:
        raise LimitExceededError(
            "a schema is too large", where="Arrow", expected=f"at most {MAX_ARROW_SCHEMA_BYTES}"
        )
    if at < 0 or at + length > source.size or not length:
        raise _malformed(f"{length} bytes at {at}", f"a file of {source.size}")
    return Flatbuffer(RegionSource(source, offset=at, length=length)).root()


def _schema(schema: Table) -> Iterator[Note]:
    """Yield what the metadata of a schema and of all its columns say."""
    yield from _note("", schema, _SCHEMA_METADATA)
    rest = [schema.tables(_FIELDS)]
    seen = 0
    while rest:
        field = next(rest[-1], None)
        if field is None:
            rest.pop()
            continue
        seen += 1
        if seen > MAX_FLATBUFFER_TABLES or len(rest) > MAX_FLATBUFFER_TABLES:
            raise LimitExceededError("too many columns", where="Arrow")
        yield from _note(field.text(_NAME), field, _FIELD_METADATA)
        rest.append(field.tables(_CHILDREN))


def _note(column: str, table: Table, metadata: int) -> Iterator[Note]:
    """Yield what the metadata of one table say, if it is anything that is wanted."""
    values = []
    for pair in table.tables(metadata):
        key = pair.vector(0, width=1)
        name = b"" if key is None or key.length > len(EXTENSION_DATA) else key.data()
        if name.decode("utf-8", "replace") in _WANTED:
            value = pair.vector(1, width=1)
            values.append((name.decode(), b"" if value is None else value.data()))
    if values:
        yield Note(column=column, values=tuple(values))


def _schemas_of_parquet(source: ByteSource) -> Iterator[bytes]:
    """
    Yield Arrow's schema from the metadata in a Parquet file's footer.

    The footer is Thrift's compact form, in which a text is a length and its bytes; the key is
    looked for as it stands there, and what follows it has to be the value.
    """
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
    footer = source.read_at(at, length)
    wanted = bytes([len(_KEY)]) + _KEY
    found = footer.find(wanted)
    for _ in range(_MAX_COPIES):
        if found < 0:
            return
        yield _value_behind(footer, found + len(wanted))
        found = footer.find(wanted, found + 1)
    raise LimitExceededError("too many schemas in the footer", where="Parquet")


def _value_behind(footer: bytes, at: int) -> bytes:
    """Return the decoded value of the key that ends at *at*: the next field, a text of base64."""
    if footer[at : at + 1] != b"\x18":
        raise _malformed("the value of ARROW:schema", repr(footer[at : at + 4]))
    at += 1
    length = shift = 0
    while at < len(footer):
        byte = footer[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 35:  # noqa: PLR2004  the last byte, and 32 bits
            break
    if at + length > len(footer):
        raise _malformed(f"a value of {length} bytes", f"{len(footer) - at}")
    try:
        return base64.b64decode(footer[at : at + length])
    except binascii.Error as error:
        raise _malformed("a value in base64", str(error)) from error


def _malformed(expected: str, found: str) -> MalformedContentError:
    return MalformedContentError(
        "the schema cannot be read", where="Arrow", expected=expected, found=found
    )
