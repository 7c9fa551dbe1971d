"""
The index of a TensorFlow checkpoint (tensor_bundle.proto): a LevelDB table of tensors.

The table's blocks are read as `table/format.cc` writes them, without compression, which is how
TensorFlow writes checkpoints. Each entry says in which shard a tensor lies, and where.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import MAX_MEMBER_BYTES
from weighbridge.core.limits.weights import MAX_TENSORS
from weighbridge.core.values import frozen
from weighbridge.formats.protobuf import Document, Schema

_FOOTER_BYTES: Final = 48
_MAGIC: Final = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
_TRAILER_BYTES: Final = 5
"""Behind each block: how it is compressed, and a checksum."""
_MORE: Final = 0x80
_MAX_SHIFT: Final = 63
_WHERE: Final = "checkpoint index"


@frozen
class BundleEntry:
    """
    Where a tensor lies.

    Attributes:
        name: Its name.
        shard: The number of the data file.
        end: The byte behind it in that file.
    """

    name: str
    shard: int
    end: int


def read_index(source: ByteSource, *, schema: Schema) -> Iterator[BundleEntry]:
    """
    Yield every tensor of the index; reads none of them.

    Raises:
        MalformedContentError: Not a table that TensorFlow writes.
        LimitExceededError: Too many tensors, or a block that is too large.
    """
    if source.size < _FOOTER_BYTES:
        raise _malformed("the file", expected="a footer of 48 bytes", found=str(source.size))
    footer = source.read_at(source.size - _FOOTER_BYTES, _FOOTER_BYTES)
    if footer[-len(_MAGIC) :] != _MAGIC:
        raise _malformed("the footer", expected="a table's magic number", found="other bytes")
    at = 0
    handle = []
    for _ in range(4):
        value, at = _varint(footer, at)
        handle.append(value)
    count = 0
    for _, pointer in _entries(_block(source, handle[2], handle[3])):
        offset, at = _varint(pointer, 0)
        size, _ = _varint(pointer, at)
        for key, content in _entries(_block(source, offset, size)):
            count += 1
            if count > MAX_TENSORS:
                raise LimitExceededError("too many tensors", where=_WHERE)
            yield _read_entry(key, content, schema)


def _read_entry(key: bytes, value: bytes, schema: Schema) -> BundleEntry:
    """Return what the value of *key* says; the key of no letters has the header."""
    document = Document(BytesSource(value), schema=schema)
    if not key:
        document.root("BundleHeaderProto").validate()
        return BundleEntry(name="", shard=0, end=0)
    numbers = {"shard_id": 0, "offset": 0, "size": 0}
    for field in document.root("BundleEntryProto").fields():
        if field.name in numbers:
            numbers[field.name] = field.value
        elif field.kind is not None and field.kind.message:
            field.message.validate()
    return BundleEntry(
        name=key.decode("utf-8", "backslashreplace"),
        shard=numbers["shard_id"],
        end=numbers["offset"] + numbers["size"],
    )


def _block(source: ByteSource, offset: int, size: int) -> bytes:
    """Return the content of a block."""
    if size > MAX_MEMBER_BYTES:
        raise LimitExceededError("a block is too large", where=_WHERE, found=str(size))
    data = source.read_at(offset, size + _TRAILER_BYTES) if offset <= source.size else b""
    if len(data) != size + _TRAILER_BYTES:
        raise _malformed("a block", expected="an end within the file", found="a later one")
    if data[size]:
        raise _malformed("a block", expected="no compression", found=f"type {data[size]}")
    return data[:size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values; a key shares its start with the one before it."""
    if len(block) < 4:  # noqa: PLR2004  the number of restarts
        raise _malformed("a block", expected="restarts at its end", found=f"{len(block)} bytes")
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + fresh + length > end:
            raise _malformed("an entry", expected="an end within its block", found="a later one")
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length
    if at != end:
        raise _malformed("a block", expected="restarts behind its entries", found="other bytes")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at *at* and where it ends."""
    value = 0
    for shift in range(0, _MAX_SHIFT + 1, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            return value, at
    raise _malformed("a number", expected="an end", found="none")


def _malformed(message: str, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a file that is no such table."""
    return MalformedContentError(message, where=_WHERE, expected=expected, found=found)
