"""
Files that torch wrote before it used zip (`torch/serialization.py`, `_legacy_load`).

Five pickles (a magic number, a protocol number, facts about the machine, the object, the list
of storage keys), then for each key the number of elements and the elements. All five are
walked; the storages are stepped over and have to end where the file does.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES
from weighbridge.core.limits.units import MIB
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.trace import Trace
from weighbridge.formats.pickle.values import ListNode
from weighbridge.formats.sniff.pickles import LEGACY_TORCH_MAGIC
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.pickle_facts import Dialect, PickleFacts, UnreadFacts
from weighbridge.scan.pickle_storage import ELEMENT_BYTES, Storage, read_module, read_storage
from weighbridge.scan.pickle_streams import bounds_of, describe, walk_streams

_STREAMS: Final = 5
_FIRST_READ: Final = 4 * MIB
_GROWTH: Final = 4
_PREVIEW: Final = 32
_COUNT_BYTES: Final = 8


def analyze(subject: Subject) -> Analysis:
    """
    Yield the five pickles, and what is wrong with the storages behind them.

    Raises:
        MalformedContentError: The storages do not fit the pickles.
    """
    data, traces = _read_streams(subject)
    if len(traces) < _STREAMS or not traces[-1].complete:
        yield from walk_streams(subject, data, dialect=Dialect.TORCH)
        if len(data) < subject.source.size:
            yield subject.gap("the pickles do not end within the bound", code=Code.SCAN_LIMIT)
        return
    storages: dict[str, Storage] = {}
    for index, trace in enumerate(traces):
        for item in describe(subject, trace, data, dialect=Dialect.TORCH, index=index):
            if isinstance(item, PickleFacts):
                storages.update(_storages(item))
            yield item
    if traces[0].result != LEGACY_TORCH_MAGIC:
        raise MalformedContentError("the file does not start with torch's magic number")
    yield from _account_for(subject, traces[-1], storages)


def _read_streams(subject: Subject) -> tuple[bytes, list[Trace]]:
    """Return the start of the file and its five streams, or fewer where one breaks."""
    length = min(_FIRST_READ, subject.source.size)
    while True:
        data = subject.source.read_at(0, length)
        traces = list(_run_streams(subject, data))
        ended = len(traces) == _STREAMS and traces[-1].complete
        if ended or length >= min(subject.source.size, MAX_PICKLE_BYTES):
            return data, traces
        length = min(length * _GROWTH, subject.source.size, MAX_PICKLE_BYTES)


def _run_streams(subject: Subject, data: bytes) -> Iterator[Trace]:
    """Yield up to five streams, the last of which may be broken."""
    at = 0
    for _ in range(_STREAMS):
        subject.check_time()
        trace = run(data, start=at, bounds=bounds_of(subject), persistent=read_module)
        yield trace
        if not trace.complete:
            return
        at = trace.end


def _storages(facts: PickleFacts) -> dict[str, Storage]:
    """Return the storages that a pickle's persistent ids name, by key."""
    found = (read_storage(node.pid) for node in facts.summary.persistent)
    return {storage.key: storage for storage in found if storage is not None}


def _account_for(subject: Subject, keys: Trace, storages: dict[str, Storage]) -> Analysis:
    """Step over every storage, and report what lies behind the last."""
    listed = keys.result.items if isinstance(keys.result, ListNode) else None
    if listed is None:
        raise MalformedContentError("the fifth pickle is no list of storages")
    at = keys.end
    for key in listed:
        subject.check_time()
        storage = storages.get(key) if isinstance(key, str) else None
        size = ELEMENT_BYTES.get(storage.kind) if storage else None
        if storage is None or size is None:
            raise MalformedContentError("a listed storage is not one that the object refers to")
        count = int.from_bytes(subject.source.read_at(at, _COUNT_BYTES), "little")
        if count != storage.elements:
            raise MalformedContentError(
                "a storage has another size than the object says",
                expected=f"{storage.elements} elements",
                found=str(count),
            )
        at += _COUNT_BYTES + count * size
    if at > subject.source.size:
        raise MalformedContentError("the file ends within a storage")
    if at < subject.source.size:
        preview = subject.source.read_at(at, _PREVIEW)
        length = subject.source.size - at
        yield UnreadFacts(subject=subject, start=at, length=length, zeros=False, preview=preview)
