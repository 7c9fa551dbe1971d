"""
Files within the constants of a pickle: pickles, zip archives and Python's compiled code.

Nothing in the stream itself reads them, but whoever gets the object may: joblib's memory, queues
of tasks and tables of objects are pickles within pickles. They are found by their first bytes
behind an opcode that makes bytes, or text that stands for bytes as in protocols below 3. The
stream is searched and not its values: so it makes no difference which engine has walked it, and
what is found in noise besides has to be a whole file to count.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import replace
from heapq import merge
from types import MappingProxyType
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource, BytesSource, RegionSource
from weighbridge.core.limits.pickles import FAST_AFTER_OPCODES, MAX_PICKLE_STREAMS
from weighbridge.core.values import frozen
from weighbridge.formats.pickle.machine import Bounds, run
from weighbridge.formats.pickle.values import CallNode, GlobalNode
from weighbridge.formats.sniff import sniff
from weighbridge.scan.interface import Analysis, Subject

# Code of Python 2.7 to 3.14 as marshal writes it (Python/marshal.c): small counts, then bytes.
_CODE: Final = rb"(?:.\0\0\0){3}.{4}(?:.{4}){0,2}(?:s|\xf3|\xc3\xb3)"
_STARTS: Final = (
    re.compile(rb"\x80[\x02-\x05]"),
    re.compile(rb"PK\x03\x04"),
    re.compile(rb"c" + _CODE, re.DOTALL),
    re.compile(rb"\xe3" + _CODE, re.DOTALL),
    re.compile(rb"\xa3" + _CODE, re.DOTALL),  # the second byte of 0xe3 in UTF-8
)
"""How such files begin; apart from each other, since the search for one first byte is fast."""

_OPCODES: Final = MappingProxyType(
    {8: (b"\x8e\x96", b"\x8d"), 4: (b"BT", b"X"), 1: (b"CU", b"\x8c")}
)
"""Opcodes of bytes and of texts, by how many bytes say how long they are."""

_MOST_TRIED: Final = 8
"""Short streams in a row, from which on a constant counts as a pickle."""

_NOISE_OPCODES: Final = 8
_ASCII: Final = 0x7F
_PROTO: Final = 0x80
_PLAIN: Final = frozenset({FileFormat.TEXT, FileFormat.UNKNOWN, FileFormat.EMPTY})


def files_within(
    subject: Subject,
    data: bytes,
    *,
    start: int,
    end: int,
    bounds: Bounds,
    raw: tuple[tuple[int, int], ...] = (),
    known: Collection[bytes] = (),
    base: int = 0,
) -> Analysis:
    """
    Yield the files that constants of the stream in *data* from *start* to *end* hold.

    Args:
        subject: Has the stream.
        data: Holds it.
        start: Of the stream.
        end: Of the stream.
        bounds: For the machine that tells whether something is a pickle.
        raw: Where bytes that are no opcodes stand, in order.
        known: Contents that are examined already.
        base: Offset of *data* within the subject.

    Raises:
        LimitExceededError: The time is used up, or what may be decoded or opened in one scan.
    """
    bounds = replace(bounds, opcodes=min(bounds.opcodes, FAST_AFTER_OPCODES))
    raw_starts = [first for first, _ in raw]
    behind = start
    count = 0
    for at in merge(*(_places(pattern, data, start, end) for pattern in _STARTS)):
        subject.check_time()
        index = bisect_right(raw_starts, at) - 1
        if at < behind or (index >= 0 and at < raw[index][1]):
            continue
        for constant in _constants(data, at, start, end):
            found = _examine(subject, data, constant, bounds=bounds, known=known)
            if found is None:
                continue
            kind, content = found
            count += 1
            if count > MAX_PICKLE_STREAMS:
                reason = f"more than {MAX_PICKLE_STREAMS} files within a pickle"
                yield subject.gap(reason, code=Code.SCAN_LIMIT)
                return
            subject.budget.open_member()
            behind = max(behind, constant.end)
            member = f"bytes@{base + constant.start}"
            yield subject.nested(member=member, format=kind, source=content)


@frozen
class _Constant:
    """Where the bytes of a constant stand, and whether they are the UTF-8 of a text."""

    start: int
    end: int
    is_text: bool


def _places(pattern: re.Pattern[bytes], data: bytes, start: int, end: int) -> Iterator[int]:
    """Yield where *pattern* is found."""
    return (found.start() for found in pattern.finditer(data, start, end))


def _constants(data: bytes, at: int, start: int, end: int) -> Iterator[_Constant]:
    """Yield each constant that may begin with what is at *at*."""
    high = data[at] > _ASCII
    for width, opcodes in _OPCODES.items():
        for is_text, codes in enumerate(opcodes):
            # A byte above 127 is two in the UTF-8 of a text, the first of which is known.
            first = at - 1 if high and is_text else at
            place = first - width - 1
            if place < start or data[place] not in codes:
                continue
            last = first + int.from_bytes(data[place + 1 : first], "little")
            if at < last <= end:
                yield _Constant(start=first, end=last, is_text=bool(is_text))


def _examine(
    subject: Subject,
    data: bytes,
    constant: _Constant,
    *,
    bounds: Bounds,
    known: Collection[bytes],
) -> tuple[FileFormat, ByteSource] | None:
    """Return the format and the bytes of *constant*; None where it is no file, or a known one."""
    length = constant.end - constant.start
    start, end = constant.start, constant.end
    if constant.is_text:
        subject.budget.spend(length)
        try:
            data = data[start:end].decode().encode("latin-1")
        except UnicodeError:
            return None
        start, end = 0, len(data)
    source = RegionSource(BytesSource(data), offset=start, length=end - start)
    kind = _kind_of(data, start, end, source, bounds)
    if kind is None or (known and data[start:end] in known):
        return None
    return kind, source


def _kind_of(
    data: bytes, start: int, end: int, source: ByteSource, bounds: Bounds
) -> FileFormat | None:
    """Return the format of a constant's bytes; None where they only begin like a file."""
    if data[start] == _PROTO:
        return FileFormat.PICKLE if _is_pickle(data, start, end, bounds) else None
    if data[start : start + 1] == b"P":
        found = sniff(source, name="").format
        return None if found in _PLAIN else found
    return FileFormat.PYTHON_BYTECODE if data[start] in b"c\xe3" else None


def _is_pickle(data: bytes, start: int, end: int, bounds: Bounds) -> bool:
    """
    Tell whether pickles fill the place, or something imports or calls before it breaks.

    Noise that begins like a pickle is one with luck, but then a short one with more noise behind.
    """
    for _ in range(_MOST_TRIED):
        trace = run(data, start=start, bounds=bounds)
        acts = (e for e in trace.events if isinstance(e, CallNode | GlobalNode))
        if trace.limits or any(event.offset < end for event in acts):
            return True
        if not trace.complete or trace.end > end:
            return False
        if trace.end == end or trace.opcodes > _NOISE_OPCODES:
            return True
        start = trace.end
    return True
