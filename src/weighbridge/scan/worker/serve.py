"""What runs in a confined worker: take an order, examine, report, until nobody is there."""

import os
import socket
import time
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.errors import ArtifactChangedError
from weighbridge.core.evidence import Finding, Gap
from weighbridge.core.limits.scanning import MAX_WORKER_INLINE_BYTES, MAX_WORKER_READ_BYTES
from weighbridge.sandbox.frames import HangUpError, receive_frame, send_frame
from weighbridge.scan import registry
from weighbridge.scan.analyzers.safetensors import SafetensorsFacts
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Deadline, Examiner, Subject, SubjectFacts
from weighbridge.scan.worker import wire

# What every file needs, and what the most common kind of large ones does, is imported before the
# first order comes: the caller may still be hashing, and has nothing else to do later.
for _kind in (SubjectFacts, SafetensorsFacts):
    registry.rules_for(_kind)

_ANY: Final = 2**32
"""Orders come from whoever started this process, and have no bound of their own."""


def serve(talk: socket.socket, /) -> None:
    """Examine files as *talk* orders until it is closed; a `sandbox.interface.Serve`."""
    serve_with(talk, examine)


def serve_with(talk: socket.socket, examiner: Examiner) -> None:
    """Have files examined as *talk* orders until it is closed."""
    sizes: dict[str, int] = {}
    formats: dict[str, FileFormat] = {}
    siblings: frozenset[str] = frozenset()
    while True:
        try:
            kind, payload = receive_frame(talk, most=_ANY)
            if kind == wire.FILES:
                sizes, formats = wire.decode_files(payload)
                siblings = frozenset(sizes)
                continue
            order, data = wire.decode_order(payload)
            subject = Subject(
                path=order.path,
                format=order.format,
                source=_source(talk, order, data),
                name=order.name,
                suffix_format=order.suffix_format,
                siblings=siblings,
                sizes=sizes,
                formats=formats,
                deadline=Deadline(clock=time.monotonic, at=time.monotonic() + order.seconds),
                careful=order.careful,
            )
            found = _examine(subject, examiner)
            report = wire.encode_report(found, members=subject.budget.examined)
            send_frame(talk, wire.REPORT, report)
        except HangUpError:
            return


def _examine(subject: Subject, examiner: Examiner) -> tuple[Finding | Gap, ...]:
    """Examine one file, and let go of its descriptor."""
    try:
        return examiner(subject)
    finally:
        if isinstance(subject.source, DescriptorSource):
            subject.source.close()


def _source(talk: socket.socket, order: wire.Order, data: bytes) -> ByteSource:
    match order.content:
        case wire.Content.INLINE:
            return BytesSource(data)
        case wire.Content.DESCRIPTOR:
            _byte, (descriptor,), _flags, _address = socket.recv_fds(talk, 1, 1)
            return DescriptorSource(descriptor, size=order.size)
        case wire.Content.SERVED:
            return ServedSource(talk, size=order.size)


class DescriptorSource:
    """A file that was opened by whoever gave the order."""

    def __init__(self, descriptor: int, *, size: int) -> None:
        self._descriptor = descriptor
        self._size = size

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        left = min(length, max(0, self._size - offset))
        pieces: list[bytes] = []
        while left:
            # One read returns at most 2 GiB (read(2)).
            piece = os.pread(self._descriptor, left, offset)
            if not piece:
                raise ArtifactChangedError("it became shorter while it was read")
            pieces.append(piece)
            left -= len(piece)
            offset += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


class ServedSource:
    """A file whose bytes are asked for; small reads near each other share one question."""

    def __init__(self, talk: socket.socket, *, size: int) -> None:
        self._talk = talk
        self._size = size
        self._start = 0
        self._block = b""

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        length = min(length, max(0, self._size - offset))
        if not length:
            return b""
        if length <= MAX_WORKER_INLINE_BYTES:
            return self._from_block(offset, length)
        data = bytearray()
        while len(data) < length:
            data += self._ask(offset + len(data), min(length - len(data), MAX_WORKER_READ_BYTES))
        return bytes(data)

    def _from_block(self, offset: int, length: int) -> bytes:
        """Return a small piece of the block that was read last, or of a new one."""
        if not self._start <= offset <= offset + length <= self._start + len(self._block):
            self._start = offset
            self._block = self._ask(offset, min(MAX_WORKER_INLINE_BYTES, self._size - offset))
        within = offset - self._start
        return self._block[within : within + length]

    def _ask(self, offset: int, length: int) -> bytes:
        send_frame(self._talk, wire.READ, wire.encode_read(offset, length))
        _kind, data = receive_frame(self._talk, most=MAX_WORKER_READ_BYTES)
        if len(data) != length:
            raise ArtifactChangedError("it became shorter while it was read")
        return data
