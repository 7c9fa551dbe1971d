"""Reading a subject as text, under the limit for it."""

from dataclasses import replace
from typing import Final

from weighbridge.core.content import BytesSource, RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.formats.text_encoding import BOM, MARK, find_encoding
from weighbridge.scan.interface import Subject

_HEAD_BYTES: Final = 8


def require_text_size(subject: Subject) -> None:
    """
    Return when *subject* is no larger than a text that is read to its end.

    Raises:
        LimitExceededError: There are more than `MAX_TEXT_BYTES`.
    """
    if subject.source.size > MAX_TEXT_BYTES:
        raise LimitExceededError(
            "the file is too large to be read as text",
            expected=f"at most {MAX_TEXT_BYTES} bytes",
            found=str(subject.source.size),
        )


def as_utf8(subject: Subject) -> Subject:
    """
    Return *subject* with its text in UTF-8 and without a mark; itself where it is so already.

    Raises:
        LimitExceededError: It is in another encoding and has more than `MAX_TEXT_BYTES`.
        MalformedContentError: It is not what its first bytes say.
    """
    source = subject.source
    head = source.read_at(0, _HEAD_BYTES)
    if head.startswith(BOM):
        rest = RegionSource(source, offset=len(BOM), length=source.size - len(BOM))
        return replace(subject, source=rest)
    name = find_encoding(head)
    if name is None:
        return subject
    data = read_whole(subject)
    try:
        text = data.decode(name).removeprefix(MARK)
    except UnicodeDecodeError as error:
        raise MalformedContentError(
            "the text cannot be read", expected=name, found=f"byte {error.start} is not"
        ) from error
    return replace(subject, source=BytesSource(text.encode()))


def read_whole(subject: Subject) -> bytes:
    """
    Return all bytes of *subject*.

    Raises:
        LimitExceededError: There are more than `MAX_TEXT_BYTES`.
    """
    require_text_size(subject)
    return subject.source.read_at(0, subject.source.size)


def read_text(subject: Subject) -> str:
    """
    Return *subject* as text.

    Raises:
        LimitExceededError: There are more than `MAX_TEXT_BYTES`.
        MalformedContentError: It is not UTF-8.
    """
    data = read_whole(subject)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedContentError(
            "the text cannot be read",
            expected="UTF-8",
            found=f"byte {error.start} is not",
        ) from error
