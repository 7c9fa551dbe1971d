"""Scan a file that has no path: bytes, or whatever can be read."""

import io
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from weighbridge.core.artifact import (
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileStamp,
    Inventory,
)
from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.errors import (
    LimitExceededError,
    NothingToCheckError,
    OperationError,
    UsageError,
)
from weighbridge.core.limits.sources import MAX_STREAM_BYTES
from weighbridge.core.limits.units import MIB
from weighbridge.formats.sniff import sniff
from weighbridge.pipeline.examine import examine_files, prepared_examiner
from weighbridge.scan.report import ScanReport

_SELF = "."
_UNNAMED = "stream"


@runtime_checkable
class Readable(Protocol):
    """An open binary file, or whatever else gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes, none at the end."""
        ...


def scan_stream(
    subject: bytes | bytearray | memoryview | Readable, *, name: str | None = None
) -> ScanReport:
    """
    Scan bytes or an open file; see `pipeline.scan.scan`.

    Raises:
        UsageError: It does not give bytes.
        NothingToCheckError: There is no byte.
        OperationError, LimitExceededError: It cannot be read, or is too long.
    """
    if isinstance(subject, bytes | bytearray | memoryview):
        return _scan_source(BytesSource(bytes(subject)), name=name or _UNNAMED)
    if not isinstance(subject, Readable):
        raise UsageError(
            "this cannot be scanned",
            expected="a path, bytes or an open binary file",
            found=type(subject).__name__,
        )
    with _opened(subject) as source:
        return _scan_source(source, name=name or _name_of(subject))


def _scan_source(source: ByteSource, *, name: str) -> ScanReport:
    """Scan one file that has no path."""
    if source.size == 0:
        raise NothingToCheckError("there are no bytes", where=name, expected="at least one")
    sniffed = sniff(source, name=name)
    entry = FileEntry(
        path=_SELF,
        size=source.size,
        role=EntryRole.MODEL,
        format=sniffed.format,
        suffix_format=sniffed.suffix_format,
        through_symlink=False,
        stamp=FileStamp(device=0, inode=0, size=source.size, mtime_ns=0, ctime_ns=0),
        digests=(),
    )
    inventory = Inventory(
        name=name,
        kind=ArtifactKind.FILE,
        entries=(entry,),
        empty_directories=(),
        layouts=(),
        gaps=(),
    )
    with prepared_examiner() as examiner:
        return examine_files(inventory, _Given(source), examiner=examiner)


class _Given:
    """The one file of an artifact that is no file."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source

    @contextmanager
    def open(self, path: str, /) -> Iterator[ByteSource]:
        """Give the bytes; there is no other path."""
        del path
        yield self._source


def _opened(file: Readable) -> AbstractContextManager[ByteSource]:
    seekable = getattr(file, "seekable", None)
    try:
        if callable(seekable) and seekable():
            return _seeking(file)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    return _drained(file)


@contextmanager
def _seeking(file: Readable) -> Iterator[ByteSource]:
    """Give the bytes of a file that can seek, and put it back where it was."""
    if not isinstance(file, io.IOBase):
        # Whoever imitates a file may imitate seeking badly: its bytes are read in order.
        with _drained(file) as source:
            yield source
        return
    try:
        position = file.tell()
        size = file.seek(0, os.SEEK_END)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    try:
        yield _SeekingSource(file, size=size)
    finally:
        if not file.closed:
            file.seek(position)


class _SeekingSource:
    """A file of the caller's that can seek; it must not change while it is scanned."""

    def __init__(self, file: io.IOBase, *, size: int) -> None:
        self._file = file
        self._size = size

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        length = min(length, max(0, self._size - offset))
        pieces = bytearray()
        try:
            self._file.seek(offset)
            while len(pieces) < length:
                piece = _piece(self._file, length - len(pieces))
                if not piece:
                    raise OperationError("the file became shorter while it was scanned")
                pieces += piece
        except (OSError, ValueError) as error:
            raise _unreadable(error) from error
        return bytes(pieces)


@contextmanager
def _drained(file: Readable) -> Iterator[ByteSource]:
    """Read *file* to its end, within the bound for streams."""
    data = bytearray()
    try:
        while piece := _piece(file, MIB):
            data += piece
            if len(data) > MAX_STREAM_BYTES:
                raise LimitExceededError(
                    "the stream is too long to be held in memory",
                    expected=f"at most {MAX_STREAM_BYTES} bytes",
                    hint="Write it to a file and scan its path",
                )
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    yield BytesSource(memoryview(data))


def _piece(file: object, size: int) -> bytes:
    """Return what `read` gives, if it is bytes and not too many."""
    piece: object = file.read(size) if isinstance(file, Readable) else None
    if piece is None or isinstance(piece, str) or not isinstance(piece, bytes | bytearray):
        raise UsageError(
            "the file does not give bytes",
            expected="a blocking file, open in binary mode",
            found=type(piece).__name__,
        )
    if len(piece) > size:
        raise OperationError("the file gave more bytes than were asked for")
    return bytes(piece)


def _name_of(file: object) -> str:
    """Return the base name of *file*, where it has one."""
    named = getattr(file, "name", None)
    return (Path(named).name if isinstance(named, str) else "") or _UNNAMED


def _unreadable(error: OSError | ValueError) -> OperationError:
    return OperationError(f"the file cannot be read: {error}")
