"""Object headers: the messages of a group, a dataset or a datatype (specification IV.A)."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from weighbridge.core.limits.weights import MAX_HDF5_HEADER_BLOCKS
from weighbridge.core.values import frozen
from weighbridge.formats.hdf5.image import CHECKSUM_BYTES, Fields, Image, malformed, too_large

_WHAT: Final = "object header"
_FLAG_SHARED: Final = 0x02
_V1_PREFIX_BYTES: Final = 16
_V1_MESSAGE_BYTES: Final = 8
_V2_MAGIC: Final = b"OHDR"
_V2_ORDERED: Final = 0x04
_V2_THRESHOLDS: Final = 0x10
_V2_TIMES: Final = 0x20
_V2_FLAGS_AT: Final = 5


class MessageType(IntEnum):
    """What a message is about; the value is the number in the file."""

    NIL = 0x00
    DATASPACE = 0x01
    LINK_INFO = 0x02
    DATATYPE = 0x03
    OLD_FILL = 0x04
    FILL = 0x05
    LINK = 0x06
    EXTERNAL_FILES = 0x07
    LAYOUT = 0x08
    BOGUS = 0x09
    GROUP_INFO = 0x0A
    FILTERS = 0x0B
    ATTRIBUTE = 0x0C
    COMMENT = 0x0D
    OLD_TIME = 0x0E
    SHARED_TABLE = 0x0F
    CONTINUATION = 0x10
    SYMBOL_TABLE = 0x11
    TIME = 0x12
    TREE_FANOUT = 0x13
    DRIVER = 0x14
    ATTRIBUTE_INFO = 0x15
    REFERENCES = 0x16
    FILE_SPACE = 0x17
    CACHE_IMAGE = 0x18


@frozen
class Message:
    """
    One message.

    Attributes:
        kind: What it is about.
        shared: Whether the body only says where the message is.
        body: Its content.
    """

    kind: MessageType
    shared: bool
    body: bytes


Block = tuple[int, int]
"""Address and bytes of a run of messages."""


def read_messages(image: Image, address: int) -> Iterator[Message]:
    """
    Yield the messages of the object header at *address*, without fillers and continuations.

    A message of a kind that nobody knows is a problem.

    Raises:
        MalformedContentError: It does not follow the format.
        LimitExceededError: More continuation blocks than `MAX_HDF5_HEADER_BLOCKS`.
    """
    second = image.read(address, len(_V2_MAGIC), what=_WHAT) == _V2_MAGIC
    flags, first = _open_second(image, address) if second else (None, _open_first(image, address))
    blocks = [first]
    for number, (start, length) in enumerate(iter_growing(blocks)):
        if number >= MAX_HDF5_HEADER_BLOCKS or (start, length) in blocks[:number]:
            raise too_large("blocks of an object header", limit=MAX_HDF5_HEADER_BLOCKS)
        fields = image.fields(start, length, what=_WHAT)
        raw = _second_messages(fields, flags) if flags is not None else _first_messages(fields)
        for number_in_file, message_flags, body in raw:
            message = _message(image, number_in_file, message_flags, body)
            if message is None:
                continue
            if message.kind is MessageType.CONTINUATION:
                blocks.append(_continued(image, message.body, second=second))
            else:
                yield message


def iter_growing(blocks: list[Block]) -> Iterator[Block]:
    """Yield the items of *blocks*, those included that are added meanwhile."""
    at = 0
    while at < len(blocks):
        yield blocks[at]
        at += 1


def _open_first(image: Image, address: int) -> Block:
    """Return the first run of messages of a version 1 header."""
    fields = image.fields(address, _V1_PREFIX_BYTES, what=_WHAT)
    fields.version(1)
    fields.take(1 + 2 + 4)  # reserved, number of messages, references
    return address + _V1_PREFIX_BYTES, fields.uint(4)


def _open_second(image: Image, address: int) -> tuple[int, Block]:
    """Return the flags and the first run of messages of a version 2 header."""
    flags = image.fields(address, _V2_FLAGS_AT + 1, what=_WHAT).rest()[_V2_FLAGS_AT]
    width = 1 << (flags & 3)
    prefix = _V2_FLAGS_AT + 1 + (16 if flags & _V2_TIMES else 0)
    prefix += 4 if flags & _V2_THRESHOLDS else 0
    fields = image.fields(address, prefix + width, what=_WHAT, magic=_V2_MAGIC)
    fields.version(2)
    fields.take(prefix - fields.at)
    length = fields.uint(width)
    begin = address + prefix + width
    block = image.read(address, prefix + width + length + CHECKSUM_BYTES, what=_WHAT)
    image.check(block, what=_WHAT)
    return flags, (begin, length)


def _continued(image: Image, body: bytes, *, second: bool) -> Block:
    """Return the run of messages that a continuation leads to."""
    fields = Fields(body, image=image, what="continuation message")
    start, length = fields.address(), fields.length()
    if not second:
        return start, length
    magic = b"OCHK"
    image.check(image.read(start, length, what=_WHAT), what=_WHAT)
    image.fields(start, len(magic), what=_WHAT, magic=magic)
    overhead = len(magic) + CHECKSUM_BYTES
    if length < overhead:
        raise malformed(_WHAT, expected="a block with a checksum", found=f"{length} bytes")
    return start + len(magic), length - overhead


def _first_messages(fields: Fields) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, flags and body of the messages of a version 1 run."""
    while fields.left >= _V1_MESSAGE_BYTES:
        number, size, flags = fields.uint(2), fields.uint(2), fields.uint(1)
        fields.take(3)
        yield number, flags, fields.take(size)


def _second_messages(fields: Fields, flags: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, flags and body of the messages of a version 2 run; less is a gap."""
    prefix = 6 if flags & _V2_ORDERED else 4
    while fields.left >= prefix:
        number, size, message_flags = fields.uint(1), fields.uint(2), fields.uint(1)
        fields.take(prefix - 4)
        yield number, message_flags, fields.take(size)


def _message(image: Image, number: int, flags: int, body: bytes) -> Message | None:
    """Return the message, or None where there is nothing to read."""
    try:
        kind = MessageType(number)
    except ValueError:
        image.report(f"an object header has a message of the unknown type {number}")
        return None
    if kind is MessageType.NIL:
        return None
    return Message(kind=kind, shared=bool(flags & _FLAG_SHARED), body=body)


_SHARED_IN_HEAP: Final = 1


def resolve(image: Image, message: Message) -> bytes:
    """
    Return the body of *message*, which another object's header may hold.

    Raises:
        MalformedContentError: It is nowhere, or in the heap for shared messages, which this
            reader does not read.
    """
    if not message.shared:
        return message.body
    return read_shared(image, Fields(message.body, image=image, what=_WHAT), kind=message.kind)


def read_shared(image: Image, fields: Fields, *, kind: MessageType) -> bytes:
    """Return the body of the message of *kind* that *fields* leads to (specification IV.A.2)."""
    version = fields.version(1, 2, 3)
    place = fields.uint(1)
    if version == 1:
        fields.take(6)
    if version == 3 and place == _SHARED_IN_HEAP:  # noqa: PLR2004  the version that has the heap
        raise malformed(_WHAT, expected="messages in headers", found="one in a shared heap")
    for candidate in read_messages(image, fields.address()):
        if candidate.kind is kind and not candidate.shared:
            return candidate.body
    raise malformed("shared message", expected=kind.name.lower(), found="an object without one")
