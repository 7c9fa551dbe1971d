"""
What a conversion and its confined workers say to each other.

::

    client                                       worker
      PLAN     a checkpoint, and its descriptor ->
                                               <-  PLANNED  header and notes of the result
      WRITE    which one, and a descriptor      ->
                                               <-  ADVANCED bytes of tensors, many times
                                               <-  WRITTEN

Instead of an answer there may be FAILED: an error of ours, or a number of the system's. Orders have
a byte of their own behind them that carries the descriptor.

A worker has read a hostile checkpoint and may be anybody's by then. What it says of a result has to
be the header of a safetensors file, held to the format in full, of a size that such a checkpoint
may have.
"""

import json
import os
from collections.abc import Sequence
from struct import Struct
from typing import Final

from weighbridge.convert.plan import PlannedFile, SharedTensors, room_for
from weighbridge.convert.planning import Order
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import (
    ArtifactChangedError,
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
    OperationError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.core.limits.converting import (
    MAX_CONVERT_ANSWER_BYTES,
    MAX_CONVERT_REPORT_CHARS,
    MAX_CONVERT_REPORT_VALUES,
)
from weighbridge.core.limits.units import MIB
from weighbridge.core.limits.weights import MAX_TENSOR_NAME_BYTES
from weighbridge.core.reported import report_of, reported
from weighbridge.formats.safetensors import parse_header

PLAN: Final = b"P"
WRITE: Final = b"W"
PLANNED: Final = b"H"
ADVANCED: Final = b"A"
WRITTEN: Final = b"D"
FAILED: Final = b"F"

_LENGTH: Final = Struct("<I")
_COUNT: Final = Struct("<Q")
_ERRORS: Final = {
    "changed": ArtifactChangedError,
    "limit": LimitExceededError,
    "malformed": MalformedContentError,
    "operation": OperationError,
    "refused": ArtifactRefusedError,
    "usage": UsageError,
}
_SYSTEM: Final = "system"
_MOST_ERRNO: Final = 4096
_MOST_FAILURE_BYTES: Final = 8 * MIB
_CODES: Final = frozenset(Code)
"""Why a worker may say that there is no result: it is an error for whatever reason."""


def encode_order(order: Order) -> bytes:
    """Return *order* as a payload."""
    return json.dumps(
        [
            order.path,
            order.target,
            order.where,
            order.format,
            order.size,
            order.key,
            order.tensors_only,
            order.shared,
        ]
    ).encode()


def decode_order(payload: bytes) -> Order:
    """Return what `encode_order` made; the worker trusts whoever started it."""
    path, target, where, file_format, size, key, tensors_only, shared = json.loads(payload)
    return Order(
        path=path,
        target=target,
        where=where,
        format=FileFormat(file_format),
        size=size,
        key=key,
        tensors_only=tensors_only,
        shared=SharedTensors(shared),
    )


def encode_count(count: int) -> bytes:
    """Return a number of a plan, or of bytes, as a payload."""
    return _COUNT.pack(count)


def decode_count(payload: bytes) -> int:
    """
    Return what `encode_count` made.

    Raises:
        ValueError: It is none.
    """
    if len(payload) != _COUNT.size:
        raise ValueError("a count of another length")
    return int(_COUNT.unpack(payload)[0])


def encode_planned(planned: PlannedFile) -> bytes:
    """
    Return *planned* as a payload; path and target are known to who ordered it.

    Raises:
        LimitExceededError: It has more names than can be told.
    """
    notes = json.dumps(
        [planned.size, planned.inflated, planned.aliases, planned.rearranged, planned.left],
        separators=(",", ":"),
    ).encode()
    size = _LENGTH.size + len(notes) + len(planned.header)
    if size > MAX_CONVERT_ANSWER_BYTES or _values(notes) > MAX_CONVERT_REPORT_VALUES:
        raise LimitExceededError(
            "the checkpoint has too many names, or too long ones",
            where=planned.source,
            expected=f"{MAX_CONVERT_REPORT_VALUES} in {MAX_CONVERT_ANSWER_BYTES} bytes",
        )
    return _LENGTH.pack(len(notes)) + notes + planned.header


def _values(notes: bytes) -> int:
    """Return how many values *notes* have at the most, without parsing them."""
    return notes.count(b",") + notes.count(b"[")


def decode_planned(payload: bytes, order: Order) -> PlannedFile:
    """
    Return what a worker has planned for *order*; nothing of it is believed to be well-formed.

    Raises:
        ValueError: It is no plan for such a checkpoint.
        LimitExceededError: The header has more than readers take.
    """
    if len(payload) < _LENGTH.size:
        raise ValueError("a plan that is cut")
    (length,) = _LENGTH.unpack_from(payload)
    header = payload[_LENGTH.size + length :]
    notes = payload[_LENGTH.size : _LENGTH.size + length]
    if _values(notes) > MAX_CONVERT_REPORT_VALUES:
        raise ValueError("a plan with too many values")
    try:
        document = json.loads(notes, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("a plan that is no JSON") from None
    match document:
        case [int(size), int(inflated), list(aliases), list(rearranged), list(left)]:
            names = _names(header, size=size, room=room_for(order.size))
            if type(inflated) is not int or inflated < 0:
                raise ValueError("a plan with an impossible size in memory")
            return PlannedFile(
                source=order.path,
                target=order.target,
                header=header,
                size=size,
                tensors=names,
                aliases=tuple(_alias(each) for each in aliases),
                rearranged=tuple(map(_name, rearranged)),
                left=tuple(map(_label, left)),
                inflated=inflated,
            )
        case _:
            raise ValueError("a plan of another form")


def _names(header: bytes, *, size: int, room: int) -> tuple[str, ...]:
    """Return the tensors' names of a file of *size* bytes that begins with *header*."""
    if type(size) is not int or not 0 <= size - len(header) <= room:
        raise ValueError("a plan for a file of an impossible size")
    try:
        found = parse_header(_Beginning(header, size=size))
    except MalformedContentError as error:
        raise ValueError(f"a header that is none: {error}") from error
    if found.data_offset != len(header):
        raise ValueError("a header of another length")
    return tuple(tensor.name for tensor in found.tensors)


class _Beginning(BytesSource):
    """A file of which only the first bytes are there."""

    def __init__(self, data: bytes, *, size: int) -> None:
        super().__init__(data)
        self._whole = size

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._whole


def _alias(said: object) -> tuple[str, str]:
    match said:
        case [name, kept]:
            return _name(name), _name(kept)
        case _:
            raise ValueError("an alias that is none")


def _name(said: object) -> str:
    if type(said) is not str or len(said) > MAX_TENSOR_NAME_BYTES:
        raise ValueError("a name that is none")
    return said


def _label(said: object) -> str:
    if type(said) is not str or len(said) > MAX_CONVERT_REPORT_CHARS:
        raise ValueError("a text that is none")
    return said


def _refuse(_constant: str) -> None:
    raise ValueError("a number that is none")


def encode_failure(error: WeighbridgeError | OSError) -> bytes:
    """Return *error* as a payload."""
    if isinstance(error, OSError):
        return json.dumps([_SYSTEM, error.errno]).encode()
    said = report_of(error, _ERRORS, other="operation", most=MAX_CONVERT_REPORT_CHARS)
    return json.dumps(said).encode()


def decode_failure(payload: bytes) -> WeighbridgeError | OSError:
    """
    Return the error that a worker reports.

    Raises:
        ValueError: It reports none.
    """
    if len(payload) > _MOST_FAILURE_BYTES:
        raise ValueError("a report that is too long")
    try:
        said: object = json.loads(payload, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("a report that is no JSON") from None
    match said:
        case [str(kind), number] if kind == _SYSTEM and type(number) is int:
            if not 0 < number < _MOST_ERRNO:
                raise ValueError("a number that the system has not")
            return OSError(number, os.strerror(number))
        case list():
            return _reported(said)
        case _:
            raise ValueError("a report of another form")


def _reported(said: Sequence[object]) -> WeighbridgeError:
    return reported(said, _ERRORS, codes=_CODES, most=MAX_CONVERT_REPORT_CHARS)
