"""
PyTorch's checkpoints as plain containers and placed tensors, without an unpickler.

The structure that `torch_checkpoint` gets its flat names from, kept as it is: nothing is called or
imported, and what a load of tensors refuses is refused.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from weighbridge.core.artifact import FileFormat
from weighbridge.core.values import frozen
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    SetNode,
    TupleNode,
    Value,
)
from weighbridge.load.held import HeldFile
from weighbridge.load.isolated.collecting import Wire
from weighbridge.load.isolated.describing import Describer
from weighbridge.load.isolated.plain import What
from weighbridge.load.isolated.types import ELEMENTS
from weighbridge.load.placement import ELEMENT_BYTES, Placement
from weighbridge.load.torch_checkpoint import OPENERS
from weighbridge.load.torch_globals import ORDERED_DICT, refused, require_known
from weighbridge.load.torch_state import Placer, is_tensor, ordered_pairs

_WORDS: Final = {element: word for word, element in ELEMENTS.items()}


@frozen(kw_only=False)
class _Made:
    """Something that is no container and no tensor: a type, a size, a device."""

    name: str
    arguments: tuple[object, ...] | None


def open_checkpoint(held: HeldFile, file_format: FileFormat, *, where: str) -> object:
    """
    Return what the checkpoint *held* holds, in containers of Python; `describe_placed` knows it.

    Raises:
        ArtifactRefusedError: It needs more than tensors and plain containers.
        MalformedContentError: It breaks its format.
        LimitExceededError: It exceeds a bound.
    """
    opened = OPENERS[file_format](held, where=where)
    for trace in opened.traces:
        require_known(trace.events, where=where)
    return _Structure(Placer(opened.storages(), where=where), where=where).made(opened.result)


class _Structure:
    """Makes containers of nodes; one that occurs twice is made once."""

    def __init__(self, placer: Placer, *, where: str) -> None:
        self._placer = placer
        self._where = where
        self._known: dict[int, object] = {}
        self._around: set[int] = set()

    def made(self, value: Value) -> object:
        """Return what *value* stands for."""
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        number = id(value)
        if number not in self._known:
            if number in self._around:
                raise refused(self._where, "a container that holds itself")
            self._around.add(number)
            self._known[number] = self._make(value)
            self._around.discard(number)
        return self._known[number]

    def _make(self, value: Value) -> object:
        match value:
            case ByteArrayNode():
                return bytearray(value.data)
            case ListNode() | TupleNode() | SetNode():
                return self._collection(value)
            case DictNode():
                return self._keyed(dict, self._pairs(value.pairs()))
            case CallNode() if value.target == ORDERED_DICT:
                pairs = ordered_pairs(value, where=self._where)
                return self._keyed(OrderedDict, self._pairs(pairs))
            case CallNode() if is_tensor(value):
                return self._placer.place(value, label=self._where)
            case CallNode():
                arguments = tuple(self.made(item) for item in value.positional or ())
                return _Made(str(value.target), arguments)
            case GlobalNode():
                return _Made(value.dotted, None)
            case _:
                raise refused(self._where, "a storage that is no tensor")

    def _pairs(self, pairs: "Iterable[tuple[Value, Value]]") -> "list[tuple[object, object]]":
        return [(self.made(key), self.made(value)) for key, value in pairs]

    def _collection(self, value: ListNode | TupleNode | SetNode) -> object:
        items = [self.made(item) for item in value.items]
        match value:
            case ListNode():
                return items
            case TupleNode():
                return tuple(items)
            case SetNode():
                return self._keyed(frozenset if value.frozen else set, items)

    def _keyed(self, kind: "Callable[[list[Any]], object]", items: "list[Any]") -> object:
        try:
            return kind(items)
        except TypeError:
            raise refused(self._where, "a key that can be none") from None


def describe_placed(describer: Describer, value: Any, /) -> "Wire | None":  # noqa: ANN401  any object
    """Return *value* as it is handed back; None where it is nothing of `open_checkpoint`."""
    if isinstance(value, Placement):
        return _tensor(describer, value)
    if isinstance(value, _Made):
        if value.arguments is None:
            return describer.opaque(value.name, what=What.NAME)
        return describer.opaque(value.name, arguments=value.arguments)
    return None


def _tensor(describer: Describer, placement: Placement) -> Wire:
    element = placement.region.element
    width = ELEMENT_BYTES[element]
    size = width
    for length in placement.shape:
        size *= length
    return describer.collector.piece(
        "tensor",
        _WORDS.get(element, element),
        list(placement.shape),
        "C",
        size=size,
        piece=lambda: _bytes_of(placement, width),
    )


def _bytes_of(placement: Placement, width: int) -> bytes | memoryview:
    """Return the elements in order, whatever they mean."""
    if placement.empty:
        return b""
    region = placement.region
    found = np.ndarray(
        placement.shape,
        dtype=f"V{width}",
        buffer=region.block.view(),
        offset=region.start + placement.offset * width,
        strides=tuple(step * width for step in placement.strides),
    )
    data = np.ascontiguousarray(found).reshape(-1).view("u1")
    if region.element == "BOOL":
        data = (data != 0).view("u1")
    return data.data
