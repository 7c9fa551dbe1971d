"""
Checkpoints of the first torch releases: a tar of pickles with numbers between them.

`torch.load` still reads them (`torch/serialization.py`, `legacy_load`), though not with
`weights_only`. The member `storages` has a count, then for each storage a pickle and its
numbers, then a pickle of views; `tensors` a count, then for each tensor a pickle and its shape;
`pickle` the object, whose persistent ids are numbers of tensors and storages.
"""

from collections.abc import Callable
from typing import Final

from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.trace import Trace
from weighbridge.formats.pickle.values import GlobalNode, TupleNode
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.pickle_facts import Dialect
from weighbridge.scan.pickle_storage import ELEMENT_BYTES
from weighbridge.scan.pickle_streams import bounds_of, describe, walk_streams

NAMES: Final = frozenset({"pickle", "storages", "tensors"})
"""The members that make a tar such a checkpoint."""

_COUNT_BYTES: Final = 8
_RANK_BYTES: Final = 8
"""Four of them are read, the others skipped."""


def walk_member(subject: Subject, name: str) -> Analysis:
    """
    Yield the pickles of the member *name*, which is one of `NAMES`, and what is none.

    Where the member is not as torch writes it, all of it is searched for pickles.
    """
    data = subject.source.read_at(0, min(subject.source.size, MAX_PICKLE_BYTES))
    if name == "pickle":
        yield from walk_streams(subject, data, dialect=Dialect.TORCH_TAR)
        return
    counted = _walk_counted(subject, data, _STEPS[name])
    if counted is None:
        yield from walk_streams(subject, data, dialect=Dialect.TORCH_TAR)
        return
    traces, end = counted
    for index, trace in enumerate(traces):
        yield from describe(subject, trace, data, dialect=Dialect.TORCH_TAR, index=index)
    yield from walk_streams(subject, data, dialect=Dialect.TORCH_TAR, start=end, first=len(traces))


def _walk_counted(
    subject: Subject, data: bytes, skip: Callable[[Trace, bytes], int | None]
) -> tuple[list[Trace], int] | None:
    """
    Return the first pickle, a number, and as many others, and where they end.

    None where the member is not so.
    """
    count = run(data, bounds=bounds_of(subject))
    if not count.complete or not isinstance(count.result, int) or count.result < 0:
        return None
    traces = [count]
    at: int | None = count.end
    for _ in range(count.result):
        subject.check_time()
        if at is None or at >= len(data):
            return None
        trace = run(data, start=at, bounds=bounds_of(subject))
        if not trace.complete:
            return None
        traces.append(trace)
        at = skip(trace, data)
    return None if at is None else (traces, at)


def _skip_storage(trace: Trace, data: bytes) -> int | None:
    """Return where the numbers behind the pickle of a storage end: (key, location, class)."""
    value = trace.result
    if not isinstance(value, TupleNode) or len(value.items) != 3:  # noqa: PLR2004  as it says
        return None
    kind = value.items[2]
    size = ELEMENT_BYTES.get(kind.dotted) if isinstance(kind, GlobalNode) else None
    head = data[trace.end : trace.end + _COUNT_BYTES]
    if size is None or len(head) < _COUNT_BYTES:
        return None
    end = trace.end + _COUNT_BYTES + int.from_bytes(head, "little") * size
    return end if end <= len(data) else None


def _skip_shape(trace: Trace, data: bytes) -> int | None:
    """Return where the shape behind the pickle of a tensor ends: a rank, twice as many, one."""
    rank = int.from_bytes(data[trace.end : trace.end + 4], "little")
    end = trace.end + _RANK_BYTES + (2 * rank + 1) * _COUNT_BYTES
    return end if end <= len(data) else None


_STEPS: Final[dict[str, Callable[[Trace, bytes], int | None]]] = {
    "storages": _skip_storage,
    "tensors": _skip_shape,
}
