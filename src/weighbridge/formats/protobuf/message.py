"""
A reader of the protobuf wire format that follows a schema and builds nothing.

A message is a place in a file. Iterating over its fields reads their headers only; what a field
holds is stepped over by its length, so a gigabyte of tensor bytes costs nothing. Whoever wants
a field's content asks for it.

What the wire format forbids is an error. What it allows and no writer does is an *oddity*: a
field that the schema does not have, one that occurs twice though it is single (readers take the
last, or merge), a wire type that the field does not have (readers skip it). Sources: the
protobuf encoding specification, and `parse_context.cc` of its C++ implementation.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import (
    MAX_PROTOBUF_DEPTH,
    MAX_PROTOBUF_FIELDS,
    MAX_PROTOBUF_ODDITIES,
    MAX_PROTOBUF_STRING_BYTES,
)
from weighbridge.core.values import frozen
from weighbridge.formats.protobuf.schema import (
    COUNTED,
    FIXED32,
    FIXED64,
    VARINT,
    FieldType,
    Schema,
)

_PAGE_BYTES: Final = 64 * 1024
_HEADER_BYTES: Final = 32
"""No field's header, and no number, is longer: a tag of five bytes and a varint of ten."""
_MAX_VARINT_BYTES: Final = 10
_MAX_TAG: Final = 2**32
_CHECK_EVERY: Final = 4096
_MORE: Final = 0x80
_SIGN: Final = 2**63
_SIZES: Final = {FIXED32: 4, FIXED64: 8}
_WHERE: Final = "protobuf message"


class OddityKind(StrEnum):
    """What is odd about a message that a reader takes all the same."""

    UNKNOWN_FIELD = "a field that the format does not have"
    REPEATED_FIELD = "a single field that occurs more than once"
    OTHER_WIRE_TYPE = "a field in a form that the format does not give it"
    CONTROL_CHARACTER = "a text with control characters"


@frozen
class Oddity:
    """
    Something that no writer of the format does.

    Attributes:
        kind: What it is.
        message: The name of the message's type.
        field: The field's name, or its number where it has no name.
        offset: Where in the source.
    """

    kind: OddityKind
    message: str
    field: str
    offset: int


class Field(NamedTuple):
    """
    One field of a message, not read yet.

    Attributes:
        number: The field's number.
        name: The field's name; empty where the schema does not have it.
        document: The message's document.
        kind: What the schema says of it; None where it says nothing.
        value: A varint as an unsigned integer; 0 for other wire types.
        start: Where the content starts; behind the length.
        end: Where the field ends.
        at: Where the field starts: its tag.
    """

    number: int
    name: str
    document: "Document"
    kind: FieldType | None
    value: int
    start: int
    end: int
    at: int

    @property
    def signed(self) -> int:
        """A varint as a signed 64-bit integer."""
        return self.value - 2 * _SIGN if self.value >= _SIGN else self.value

    @property
    def message(self) -> "Message":
        """The message that the field holds."""
        name = self.kind.message if self.kind is not None else ""
        return Message(self.document, name, self.start, self.end)

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return self.end - self.start

    def data(self, limit: int = MAX_PROTOBUF_STRING_BYTES) -> bytes:
        """
        Return the content.

        Raises:
            LimitExceededError: It has more than *limit* bytes.
        """
        if self.size > limit:
            raise LimitExceededError(
                f"the field {self.name} is too long",
                where=_WHERE,
                expected=f"at most {limit} bytes",
                found=str(self.size),
            )
        return self.document.source.read_at(self.start, self.size)

    def text(self, limit: int = MAX_PROTOBUF_STRING_BYTES) -> str:
        """
        Return the content as text.

        Raises:
            MalformedContentError: It is not UTF-8.
            LimitExceededError: It has more than *limit* bytes.
        """
        try:
            return self.data(limit).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.document.malformed(
                f"the field {self.name}", expected="UTF-8", found="other bytes", at=self.start
            ) from error

    def numbers(self, limit: int) -> tuple[int, ...]:
        """
        Return the integers of a repeated field of varints, which may be packed.

        Raises:
            MalformedContentError: The last one is cut.
            LimitExceededError: More than *limit* of them.
        """
        if not self.document.is_packed(self):
            return (self.signed,)
        found = []
        at = self.start
        while at < self.end:
            value, at = self.document.varint(at, self.end)
            found.append(value - 2 * _SIGN if value >= _SIGN else value)
            if len(found) > limit:
                raise LimitExceededError(f"too many values in {self.name}", where=_WHERE)
        return tuple(found)


class Document:
    """
    A file that is one message.

    Args:
        source: The bytes.
        schema: The messages of the format.
        check: Called now and then; raises when the caller's time is used up.
    """

    def __init__(
        self, source: ByteSource, *, schema: Schema, check: Callable[[], None] | None = None
    ) -> None:
        self.source: Final = source
        self.schema: Final = schema
        self._check: Final = check
        self._fields = 0
        self._page = b""
        self._base = 0
        self._odd: list[Oddity] = []
        self.odd_count = 0

    @property
    def oddities(self) -> tuple[Oddity, ...]:
        """What was odd about the fields that were iterated over; the first ones of many."""
        return tuple(self._odd)

    def root(self, name: str) -> "Message":
        """Return the whole file as a message of the type *name*."""
        return Message(self, name, 0, self.source.size)

    def note(self, kind: OddityKind, message: str, field: str, at: int) -> None:
        """Keep an oddity while there is room."""
        self.odd_count += 1
        if len(self._odd) < MAX_PROTOBUF_ODDITIES:
            self._odd.append(Oddity(kind=kind, message=message, field=field, offset=at))

    def count(self) -> None:
        """
        Count a field.

        Raises:
            LimitExceededError: There are too many.
        """
        self._fields += 1
        if self._fields % _CHECK_EVERY:
            return
        if self._check is not None:
            self._check()
        if self._fields > MAX_PROTOBUF_FIELDS:
            raise LimitExceededError(
                "too many fields", where=_WHERE, expected=f"at most {MAX_PROTOBUF_FIELDS}"
            )

    def page(self, at: int) -> tuple[bytes, int]:
        """Return bytes around *at* and where they start; a header at *at* is in them whole."""
        inside = self._base <= at
        if not inside or at + _HEADER_BYTES > self._base + len(self._page):
            self._page = self.source.read_at(at, _PAGE_BYTES)
            self._base = at
        return self._page, self._base

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """
        Return the varint at *at* and where it ends.

        Raises:
            MalformedContentError: It does not end before *end*, or has more than 64 bits.
        """
        index = at - self._base
        page = self._page
        if index < 0 or index + _HEADER_BYTES > len(page):
            page, base = self.page(at)
            index = at - base
        if at < end and index < len(page) and page[index] < _MORE:
            return page[index], at + 1
        value = 0
        for shift in range(0, 7 * _MAX_VARINT_BYTES, 7):
            if at >= end or index >= len(page):
                raise self.malformed("a number is cut", expected="more bytes", found="none", at=at)
            byte = page[index]
            value |= (byte & 0x7F) << shift
            at += 1
            index += 1
            if byte < _MORE:
                return value & (2 * _SIGN - 1), at
        raise self.malformed("a number", expected="at most ten bytes", found="more", at=at)

    def skip_run(self, at: int, end: int, *, tag: int, size: int) -> int:
        """
        Return where the fields end that follow from *at* on with *tag* and *size* bytes each.

        A page of them is looked at without a loop over the fields, and counts as one.
        """
        mark, step = bytes([tag & _MORE - 1]), 1 + size
        while tag < _MORE:
            page, base = self.page(at)
            whole = (min(base + len(page), end) - at) // step * step
            tags = page[at - base : at - base + whole : step]
            found = len(tags) - len(tags.lstrip(mark))
            at += found * step
            if not found:
                break
            self.count()
            if found < len(tags):
                break
        return at

    def is_packed(self, field: Field) -> bool:
        """Tell whether *field*, of numbers, was written packed."""
        tag, _ = self.varint(field.at, field.end)
        return tag & 7 == COUNTED

    @staticmethod
    def malformed(message: str, *, expected: str, found: str, at: int) -> MalformedContentError:
        """Build the error for bytes that are no message."""
        return MalformedContentError(
            f"{message} at byte {at}", where=_WHERE, expected=expected, found=found
        )


class Message:
    """
    A place in a document that holds a message.

    Attributes:
        document: The file.
        name: The name of its type in the schema.
        start: Where it starts.
        end: Where it ends.
    """

    __slots__ = ("document", "end", "name", "start")

    def __init__(self, document: Document, name: str, start: int, end: int) -> None:
        self.document: Final = document
        self.name: Final = name
        self.start: Final = start
        self.end: Final = end

    def fields(self, *, runs: bool = True) -> Iterator[Field]:
        """
        Yield every field, in the order of the file, and note what is odd about them.

        Args:
            runs: Whether to yield each of the numbers of a fixed size that follow each other as
                fields of their own, instead of the first of them only. Old writers make millions.

        Raises:
            MalformedContentError: Bytes that no protobuf reader takes.
            LimitExceededError: Too many fields.
        """
        document, at, end = self.document, self.start, self.end
        schema = document.schema.messages[self.name]
        seen: set[int | str] = set()
        while at < end:
            document.count()
            begin = at
            tag, at = document.varint(at, end)
            number, wire = tag >> 3, tag & 7
            if not number or tag >= _MAX_TAG:
                raise document.malformed(
                    "a field's tag", expected="a number from 1", found=str(number), at=begin
                )
            value = 0
            if wire == COUNTED:
                length, at = document.varint(at, end)
                after = at + length
            elif wire == VARINT:
                start = at
                value, after = document.varint(at, end)
                at = start
            elif wire in _SIZES:
                after = at + _SIZES[wire]
            else:
                raise document.malformed(
                    "a field's wire type", expected="0, 1, 2 or 5", found=str(wire), at=begin
                )
            if after > end:
                raise document.malformed(
                    f"field {number} of {self.name} reaches past its message",
                    expected=f"an end by byte {end}",
                    found=str(after),
                    at=begin,
                )
            kind = self._judge(schema.get(number), number, wire, begin, seen)
            name = kind.name if kind is not None else ""
            yield Field(number, name, document, kind, value, at, after, begin)
            if not runs and wire in _SIZES and kind is not None and kind.repeated:
                after = document.skip_run(after, end, tag=tag, size=_SIZES[wire])
            at = after

    def _judge(
        self, kind: FieldType | None, number: int, wire: int, at: int, seen: set[int | str]
    ) -> FieldType | None:
        """Return *kind* if a reader takes the field for it, and note what is odd about that."""
        if kind is None:
            self.document.note(OddityKind.UNKNOWN_FIELD, self.name, str(number), at)
            return None
        if wire != kind.wire and not (kind.repeated and wire == COUNTED and kind.wire != COUNTED):
            self.document.note(OddityKind.OTHER_WIRE_TYPE, self.name, kind.name, at)
            return None
        if not kind.repeated:
            key = kind.oneof or number
            if key in seen:
                self.document.note(OddityKind.REPEATED_FIELD, self.name, kind.name, at)
            seen.add(key)
        return kind

    def validate(self, depth: int = 0) -> None:
        """
        Walk the whole message, for what is odd about it.

        Raises:
            MalformedContentError: Bytes that no protobuf reader takes.
            LimitExceededError: Too many fields, or messages within messages.
        """
        if depth > MAX_PROTOBUF_DEPTH:
            raise LimitExceededError(
                "messages within messages", where=_WHERE, expected=f"at most {MAX_PROTOBUF_DEPTH}"
            )
        for field in self.fields(runs=False):
            if field.kind is not None and field.kind.message:
                field.message.validate(depth + 1)
