"""Values that are only data, and the readings that checks of arguments and states share."""

from weighbridge.formats.pickle.containers import is_opaque
from weighbridge.formats.pickle.values import (
    CallNode,
    DictNode,
    ListNode,
    SetNode,
    TupleNode,
    Value,
    children,
)

Refusal = str | None
"""Why something is not admitted; None for admitted."""


class PlainValues:
    """Tells constants and containers of them; remembers which containers it has walked."""

    def __init__(self) -> None:
        self._plain: dict[int, Value] = {}

    def holds(self, value: Value) -> bool:
        """Tell whether *value* is made of constants and containers only."""
        fresh: dict[int, Value] = {}
        pending = [value]
        while pending:
            item = pending.pop()
            if is_opaque(item):
                return False
            if isinstance(item, ListNode | TupleNode | SetNode | DictNode):
                key = id(item)
                if key not in self._plain and key not in fresh:
                    fresh[key] = item
                    pending.extend(children(item))
        self._plain.update(fresh)
        return True

    def hold(self, call: CallNode, values: tuple[Value, ...]) -> bool:
        """Tell whether *values* and the keyword arguments of *call* are plain."""
        return all(map(self.holds, values)) and self.holds(call.kwargs)


def has_keywords(call: CallNode) -> bool:
    """Tell whether *call* has keyword arguments."""
    return not (call.kwargs is None or (isinstance(call.kwargs, DictNode) and not call.kwargs.flat))


def integers(value: Value) -> tuple[int, ...] | None:
    """Return the integers in a tuple or list, also one that torch.Size made."""
    if isinstance(value, CallNode) and value.target == "torch.Size":
        value = (value.positional or (None,))[0]
    if not isinstance(value, TupleNode | ListNode):
        return None
    found = tuple(item for item in value.items if isinstance(item, int))
    return found if len(found) == len(value.items) else None


def is_text(value: Value) -> bool:
    """Tell whether *value* is text or bytes, also in the way of protocols below 3."""
    made = isinstance(value, CallNode) and value.target == "_codecs.encode"
    return made or isinstance(value, str | bytes)
