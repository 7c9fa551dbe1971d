"""
What the scan and its confined workers say to each other.

::

    client                                  worker
      FILES   the artifact's files      ->
      EXAMINE a file, its bytes or size ->
                                        <-  READ   offset, length (when it has no descriptor)
      BYTES   what is there             ->
                                        <-  REPORT findings and gaps

A worker has read hostile bytes and may be anybody's by then. What it sends is parsed here as
strictly as a model file: bounded, typed, only codes and rules that exist. It cannot name another
file than the one it was asked about, and it cannot take anything back.
"""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from struct import Struct
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.evidence import Confidence, Finding, Gap, Severity, Stage
from weighbridge.core.limits.scanning import (
    MAX_EVIDENCE_LINES,
    MAX_FINDINGS_PER_FILE,
    MAX_MESSAGE_CHARS,
    MAX_WORKER_READ_BYTES,
)
from weighbridge.core.values import frozen
from weighbridge.scan.interface import Subject
from weighbridge.scan.registry import RULES

FILES: Final = b"F"
EXAMINE: Final = b"E"
BYTES: Final = b"B"
READ: Final = b"R"
REPORT: Final = b"A"

NOTHING: Final = b"[[],[],0]"
"""The report of a file without members about which there is nothing to say."""

_READ: Final = Struct("<QI")
_MAX_NAME_CHARS: Final = 8192
_MAX_LINE_CHARS: Final = 1024
_MAX_OFFSET: Final = 2**63

_GAP_CODES: Final = frozenset(
    {
        Code.EXTRA_MISSING,
        Code.FILE_CHANGED,
        Code.FILE_UNREADABLE,
        Code.IO_FAILED,
        Code.LIMIT_EXCEEDED,
        Code.SCAN_CRASHED,
        Code.SCAN_LIMIT,
        Code.SCAN_MALFORMED,
        Code.SCAN_TIMEOUT,
        Code.SCAN_UNSUPPORTED,
    }
)
"""Why a worker may say that it did not examine something."""

_RULES: Final = frozenset(RULES)


class Content(StrEnum):
    """Where a worker gets the bytes of a file from."""

    INLINE = "inline"
    """They are behind the order."""

    DESCRIPTOR = "descriptor"
    """It gets the open file."""

    SERVED = "served"
    """It asks for them."""


@frozen
class Order:
    """
    A file to examine.

    Attributes:
        path: As in `Subject`, like the next three.
        format: As sniffed.
        name: Base name.
        suffix_format: What the suffix promises.
        size: Bytes.
        seconds: Time for it.
        careful: Whether to do without everything that is only faster.
        content: Where the bytes are.
    """

    path: str
    format: FileFormat
    name: str
    suffix_format: FileFormat | None
    size: int
    seconds: float
    careful: bool
    content: Content


def encode_order(order: Order, *, data: bytes = b"") -> bytes:
    """Return *order* as a payload, with the file's *data* when they are sent along."""
    head = json.dumps(
        [
            order.path,
            order.format,
            order.name,
            order.suffix_format,
            order.size,
            order.seconds,
            order.careful,
            order.content,
        ]
    ).encode()
    return len(head).to_bytes(4, "little") + head + data


def decode_order(payload: bytes) -> tuple[Order, bytes]:
    """Return what `encode_order` made; the worker trusts whoever started it."""
    length = int.from_bytes(payload[:4], "little")
    path, kind, name, promised, size, seconds, careful, content = json.loads(
        payload[4 : 4 + length]
    )
    order = Order(
        path=path,
        format=FileFormat(kind),
        name=name,
        suffix_format=FileFormat(promised) if promised else None,
        size=size,
        seconds=seconds,
        careful=careful,
        content=Content(content),
    )
    return order, payload[4 + length :]


def encode_files(sizes: Mapping[str, int], formats: Mapping[str, FileFormat]) -> bytes:
    """Return the artifact's files, with their sizes and *formats*, as a payload."""
    return json.dumps([dict(sizes), dict(formats)]).encode()


def decode_files(payload: bytes) -> tuple[dict[str, int], dict[str, FileFormat]]:
    """Return what `encode_files` made."""
    sizes, formats = json.loads(payload)
    return sizes, {path: FileFormat(each) for path, each in formats.items()}


def encode_read(offset: int, length: int) -> bytes:
    """Return the payload that asks for bytes."""
    return _READ.pack(offset, length)


def decode_read(payload: bytes, *, size: int) -> tuple[int, int]:
    """
    Return offset and length of what a worker asks for, within a source of *size* bytes.

    Raises:
        MalformedContentError: It asks for nothing that it may have.
    """
    if len(payload) != _READ.size:
        raise MalformedContentError("a worker's request has another length")
    offset, length = _READ.unpack(payload)
    if offset > size or not 0 < length <= MAX_WORKER_READ_BYTES:
        raise MalformedContentError("a worker asks for bytes outside of its file")
    return offset, min(length, size - offset)


def encode_report(evidence: Iterable[Finding | Gap], *, members: int = 0) -> bytes:
    """
    Return *evidence* about one file as a payload; long texts are cut.

    Args:
        evidence: What was found in the file.
        members: How many of its members were examined.
    """
    findings: list[object] = []
    gaps: list[object] = []
    for item in evidence:
        member = None if item.member is None else item.member[:_MAX_NAME_CHARS]
        match item:
            case Finding():
                lines = [_cut(line, _MAX_LINE_CHARS) for line in item.evidence[:MAX_EVIDENCE_LINES]]
                message = _cut(item.message, MAX_MESSAGE_CHARS)
                place = [member, item.offset, item.line]
                findings.append([item.rule, item.severity, item.confidence, *place, message, lines])
            case Gap():
                gaps.append([item.code, member, _cut(item.reason, MAX_MESSAGE_CHARS)])
    return json.dumps([findings, gaps, members], separators=(",", ":")).encode()


def decode_report(payload: bytes, subject: Subject) -> tuple[Finding | Gap, ...]:
    """
    Return what a worker says of the file of *subject*; nothing of it is believed to be well-formed.

    How many members it has examined goes into the subject's budget.

    Raises:
        MalformedContentError: It is no report.
    """
    if payload == NOTHING:
        return ()
    try:
        document = json.loads(payload, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedContentError("a worker's report is not JSON") from error
    findings, gaps, members = _items(document, of=3)
    _expect(type(members) is int and 0 <= members < _MAX_OFFSET)
    subject.budget.examined = int(str(members))
    return (
        *(_finding(item, subject.path) for item in _list(findings, most=MAX_FINDINGS_PER_FILE)),
        *(_gap(item, subject.path) for item in _list(gaps, most=MAX_FINDINGS_PER_FILE + 1)),
    )


def _finding(item: object, path: str) -> Finding:
    rule, severity, confidence, member, offset, line, message, lines = _items(item, of=8)
    _expect(isinstance(rule, str) and rule in _RULES)
    for number in (offset, line):
        _expect(number is None or (type(number) is int and 0 <= number < _MAX_OFFSET))
    return Finding(
        rule=_text(rule, most=_MAX_NAME_CHARS),
        severity=_SEVERITIES[_known(severity, _SEVERITIES)],
        confidence=_CONFIDENCES[_known(confidence, _CONFIDENCES)],
        path=path,
        member=_member(member),
        offset=offset if isinstance(offset, int) else None,
        line=line if isinstance(line, int) else None,
        message=_text(message, most=MAX_MESSAGE_CHARS),
        evidence=tuple(
            _text(line, most=_MAX_LINE_CHARS) for line in _list(lines, most=MAX_EVIDENCE_LINES)
        ),
    )


def _gap(item: object, path: str) -> Gap:
    code, member, reason = _items(item, of=3)
    return Gap(
        stage=Stage.SCAN,
        code=_CODES[_known(code, _CODES)],
        path=path,
        member=_member(member),
        reason=_text(reason, most=MAX_MESSAGE_CHARS),
    )


_SEVERITIES: Final = {str(each): each for each in Severity}
_CONFIDENCES: Final = {str(each): each for each in Confidence}
_CODES: Final = {str(each): each for each in _GAP_CODES}


def _known(value: object, table: Mapping[str, object]) -> str:
    if not isinstance(value, str) or value not in table:
        raise MalformedContentError("a worker's report has an unknown word")
    return value


def _member(value: object) -> str | None:
    return None if value is None else _text(value, most=_MAX_NAME_CHARS)


def _text(value: object, *, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise MalformedContentError("a worker's report has no text where one belongs")
    return value


def _list(value: object, *, most: int) -> list[object]:
    if not isinstance(value, list) or len(value) > most:
        raise MalformedContentError("a worker's report has no list where one belongs")
    return value


def _items(value: object, *, of: int) -> list[object]:
    if not isinstance(value, list) or len(value) != of:
        raise MalformedContentError(f"a worker's report has no list of {of} where one belongs")
    return value


def _expect(condition: bool) -> None:  # noqa: FBT001  a condition is a boolean
    if not condition:
        raise MalformedContentError("a worker's report has a value that cannot be")


def _refuse_constant(text: str) -> None:
    raise MalformedContentError(f"a worker's report has {text}")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
