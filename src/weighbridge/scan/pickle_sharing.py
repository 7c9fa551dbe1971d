"""
Which values of a stream belong to more than one holder.

What one object has of an array, another one can write to when the program calls it. Compiled code
that follows the numbers of an array needs one that nobody else has.
"""

from collections import Counter

from weighbridge.formats.pickle.trace import Change, Trace
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    DictNode,
    ListNode,
    PersistentNode,
    SetNode,
    TupleNode,
    Value,
    children,
)


class Sharing:
    """
    How often each value of *trace* is an argument, an item, a state or the result.

    Args:
        trace: Of the exact machine, which has the result; nothing is counted before it is asked.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._counts: Counter[int] | None = None

    def is_shared(self, value: Value, /) -> bool:
        """Tell whether *value* has more holders than one."""
        if self._counts is None:
            self._counts = Counter()
            for root in _roots(self._trace):
                self._count(root, self._counts)
        return self._counts[id(value)] > 1

    def _count(self, root: Value, counts: Counter[int]) -> None:
        """Add the holders of *root*, and of what is in it when it is met first."""
        pending = [root]
        while pending:
            value = pending.pop()
            key = id(value)
            if isinstance(value, ListNode | TupleNode | SetNode | DictNode):
                if key not in counts:
                    pending.extend(children(value))
                counts[key] += 1
            elif isinstance(value, CallNode | ByteArrayNode | bytes):
                counts[key] += 1


def _roots(trace: Trace) -> "list[Value]":
    """Return what calls, changes and persistent loads get, and what the stream leaves."""
    found: list[Value] = [trace.result]
    for event in trace.events:
        if isinstance(event, CallNode):
            found += (event.args, event.kwargs)
        elif isinstance(event, Change):
            found += event.items
        elif isinstance(event, PersistentNode):
            found.append(event.pid)
    return found
