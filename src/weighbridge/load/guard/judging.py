"""
Pickles and files in memory, which belong to no artifact: the scanner judges them, here and now.

Only what it finds nothing against is loaded, of the very bytes that were judged (ADR 0026).
"""

import io
import pickletools
from typing import Any, Final, Protocol

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import ArtifactRefusedError, LimitExceededError, WeighbridgeError
from weighbridge.core.evidence import Finding
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES
from weighbridge.formats.sniff import sniff
from weighbridge.load.guard.scopes import Scope
from weighbridge.load.judged import JudgedPickle, judge_pickle
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject

Objection = WeighbridgeError
"""What is raised about bytes that are not loaded."""

_MEMORY: Final = "a pickle in memory"


class Readable(Protocol):
    """What unpicklers ask of a file."""

    def read(self, size: int, /) -> bytes:
        """Read *size* bytes."""
        ...

    def readline(self) -> bytes:
        """Read a line."""
        ...


class Tap:
    """Reads from a file as a parser asks, and keeps what was read."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def data(self) -> bytes:
        """What was read so far."""
        return b"".join(self._chunks)

    def read(self, size: int, /) -> bytes:
        """Read *size* bytes and keep them."""
        return self._keep(self._file.read(size))

    def readline(self) -> bytes:
        """Read a line and keep it."""
        return self._keep(self._file.readline())

    def _keep(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size > MAX_PICKLE_BYTES:
            raise LimitExceededError(
                "a pickle in memory is too large", expected=f"at most {MAX_PICKLE_BYTES} bytes"
            )
        self._chunks.append(bytes(data))
        return data


def cut_pickle(file: Readable) -> bytes:
    """
    Read one pickle from *file*, and nothing behind it.

    Raises:
        ArtifactRefusedError: What comes is no pickle.
        LimitExceededError: It is larger than `MAX_PICKLE_BYTES`.
    """
    tap = file if isinstance(file, Tap) else Tap(file)
    reader: Any = tap  # typeshed wants a whole file
    try:
        for _ in pickletools.genops(reader):
            pass
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise ArtifactRefusedError(
            "these bytes are no pickle", code=Code.LOAD_REFUSED, found=str(error)[:200]
        ) from error
    return tap.data


def judge_in_memory(data: bytes) -> tuple[JudgedPickle, Scope]:
    """
    Return the pickle *data*, which starts with one and is judged, and what it may ask for.

    Raises:
        ArtifactRefusedError: The scan finds anything in it.
        LimitExceededError: It is too large.
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise LimitExceededError(
            "a pickle in memory is too large", expected=f"at most {MAX_PICKLE_BYTES} bytes"
        )
    try:
        judged = judge_pickle(BytesSource(data), name="memory.pkl", where=_MEMORY)
    except ArtifactRefusedError:
        # What stands behind a pickle is not unpickled, and does not count.
        cut = cut_pickle(io.BytesIO(data))
        if len(cut) == len(data):
            raise
        judged = judge_pickle(BytesSource(cut), name="memory.pkl", where=_MEMORY)
    return judged, scope_of(judged)


def scope_of(judged: JudgedPickle, *, whole: bool = False) -> Scope:
    """Return what an unpickler of *judged* may ask for; with *whole*, unpicklers within too."""
    names: set[str] = set()
    for stream in (judged.stream, *judged.inner):
        for reference in stream.references:
            spelled = reference.spelled
            names.add(spelled if isinstance(spelled, str) else ".".join(spelled))
            names.add(reference.entry.name)
    return Scope(what=_MEMORY, names=frozenset(names), whole=whole)


def judge_file_in_memory(data: bytes, *, name: str) -> FileFormat:
    """
    Return the format of *data*, a file that a program gives as bytes, if the scan finds nothing.

    Raises:
        ArtifactRefusedError: The scan finds anything in it, or could not read all of it.
    """
    content = BytesSource(data)
    sniffed = sniff(content, name=name)
    subject = Subject(path=name, format=sniffed.format, source=content, name=name)
    objections = examine(subject)
    if objections:
        first = objections[0]
        told = f"{first.rule}: {first.message}" if isinstance(first, Finding) else first.reason
        raise ArtifactRefusedError(
            "bytes in memory are not such that they can be loaded safely",
            code=Code.LOAD_REFUSED,
            expected="a file in which the scan finds nothing",
            found=told[:400],
        )
    return sniffed.format
