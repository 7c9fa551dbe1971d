"""
Arrow's files and streams (Schema.fbs, Message.fbs, File.fbs), and Parquet files with its schema.

Columns are data, and only held to their place in the file. What readers have executed is in the
schema: pyarrow before 14.0.1 unpickles the type of a column that is a Python class
(CVE-2023-47248), and the R package before 17 rebuilds objects of R from a text among its metadata
(CVE-2024-52338). Only these are read.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_ARROW_SCHEMA_BYTES, MAX_FLATBUFFER_TABLES
from weighbridge.core.values import frozen
from weighbridge.formats.arrow_marks import CONTINUATION, FEATHER, FILE, PARQUET, SCHEMA
from weighbridge.formats.flatbuffers import Flatbuffer, Table
from weighbridge.formats.parquet import read_footer

_BODY_AT: Final = 8
_LENGTH: Final = 4
_BLOCK: Final = struct.Struct("<qi4xq")
"""Where a message lies, the bytes of its metadata, and those of its body."""
_EVERY: Final = 4096

# Fields of the tables, by their order in the schemas.
_HEADER_TYPE, _HEADER, _BODY = 1, 2, 3
_FOOTER_SCHEMA, _DICTIONARIES, _BATCHES = 1, 2, 3
_FIELDS, _SCHEMA_METADATA = 1, 2
_NAME, _CHILDREN, _FIELD_METADATA = 0, 5, 6

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


def read_notes(source: ByteSource, *, between: Callable[[], None]) -> Iterator[Note]:
    """
    Yield what every copy of the schema says, in a file two: readers take the one or the other.

    *between* is called now and then, and may raise to end the walk.

    Raises:
        MalformedContentError: Something lies outside the file, is no schema, or is left over.
        LimitExceededError: A schema is too large, or has too many columns.
    """
    start = source.read_at(0, _BODY_AT)
    if start.startswith(PARQUET):
        yield from _parquet(source, between)
    elif start.startswith(FILE):
        yield from _first(source, _BODY_AT)
        footer = _footer(source)
        schema = footer.table(_FOOTER_SCHEMA)
        if schema is None:
            raise _malformed("a schema in the footer", "none")
        yield from _schema(schema)
        _check_blocks(source, footer, between)
    elif start.startswith(FEATHER):  # whose first version has no types but plain ones
        _end_of_file(source, FEATHER)
    else:
        yield from _first(source, 0)
        _check_stream(source, between)


def _parquet(source: ByteSource, between: Callable[[], None]) -> Iterator[Note]:
    """Read the footer of a Parquet file; what a key says is what the schema's metadata say."""
    footer = read_footer(source, between=between)
    for schema in footer.schemas:
        yield from _first(BytesSource(schema), 0)
    for key, value in footer.pairs:
        if key == R_OBJECT.encode():
            yield Note(column="", values=((R_OBJECT, value),))
    if footer.files:
        raise _malformed("columns in the file itself", f"some in {footer.files[0]!r}")


def _first(source: ByteSource, at: int) -> Iterator[Note]:
    """Read the schema in the message at *at*; an empty file has none."""
    message = _message(source, at)
    header = None if message is None else message[0].table(_HEADER)
    if message is None or message[0].number(_HEADER_TYPE, 1) != SCHEMA or header is None:
        raise _malformed("a schema", "another message")
    yield from _schema(header)


def _message(source: ByteSource, at: int) -> tuple[Table, int] | None:
    """Return the message at *at* and where its metadata end; None at the end of a stream."""
    head = source.read_at(at, 2 * _LENGTH)
    marked = head.startswith(CONTINUATION)
    at += _LENGTH * (1 + marked)
    length = int.from_bytes(head[_LENGTH * marked :][:_LENGTH], "little")
    if not length and len(head) >= _LENGTH * (1 + marked):
        return None
    return _flatbuffer(source, at, length), at + length


def _check_stream(source: ByteSource, between: Callable[[], None]) -> None:
    """Hold every message of a stream to the file, and the file to the messages."""
    at = 0
    while at < source.size:
        between()
        message = _message(source, at)
        if message is None:
            at += _LENGTH * (1 + (source.read_at(at, _LENGTH) == CONTINUATION))
            break
        body = message[0].number(_BODY, 8, signed=True)
        at = message[1] + body
        if body < 0 or at > source.size:
            raise _malformed(f"an end by byte {source.size}", f"a body of {body} bytes")
    if at != source.size:
        raise _malformed(f"an end at byte {source.size}", f"one at {at}")


def _check_blocks(source: ByteSource, footer: Table, between: Callable[[], None]) -> None:
    """Hold every block that the footer lists to the file."""
    for field in (_DICTIONARIES, _BATCHES):
        blocks = footer.vector(field, width=_BLOCK.size)
        for number in range(0 if blocks is None else blocks.length):
            if not number % _EVERY:
                between()
            assert blocks is not None
            at, head, body = _BLOCK.unpack(blocks.element(number))
            if min(at, head, body) < 0 or at + head + body > source.size:
                raise _malformed(f"an end by byte {source.size}", f"a block at {at}")


def _end_of_file(source: ByteSource, mark: bytes) -> tuple[int, int]:
    """Return where the metadata in front of the last length lie, and how long they are."""
    tail = len(mark) + _LENGTH
    end = source.read_at(max(0, source.size - tail), tail)
    if not end.endswith(mark):
        raise _malformed("the mark of the end", repr(end[-len(mark) :]))
    length = int.from_bytes(end[:_LENGTH], "little")
    at = source.size - tail - length
    if at < len(mark):
        raise _malformed(f"{length} bytes in front of the end", f"a file of {source.size}")
    return at, length


def _footer(source: ByteSource) -> Table:
    """Return the footer of a file."""
    return _flatbuffer(source, *_end_of_file(source, FILE))


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


def _malformed(expected: str, found: str) -> MalformedContentError:
    return MalformedContentError(
        "the schema cannot be read", where="Arrow", expected=expected, found=found
    )
