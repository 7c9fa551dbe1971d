"""Tensors of PyTorch in pickles: views that have to lie within the storages that they name."""

import math

from weighbridge.formats.pickle.values import CallNode, PersistentNode, Value
from weighbridge.scan.pickle_plain import Refusal, has_keywords, integers
from weighbridge.scan.pickle_storage import read_storage


def refuse_tensor(call: CallNode, args: tuple[Value, ...]) -> Refusal:
    """Say why *call* may not make a view of *args*: a storage, an offset, a size and a stride."""
    if len(args) < 4 or has_keywords(call):  # noqa: PLR2004  storage, offset, size, stride
        return "it takes a storage, an offset, a size and a stride"
    offset, size, stride = args[1], integers(args[2]), integers(args[3])
    if not isinstance(offset, int) or size is None or stride is None or len(size) != len(stride):
        return "offset, size and stride are not integers"
    if any(n < 0 for n in (offset, *size, *stride)):
        return "offset, size or stride is negative"
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
    if not math.prod(size):
        last = offset
    return _refuse_storage(args[0], last)


def _refuse_storage(storage: Value, last: int) -> Refusal:
    """Say why the storage of a tensor does not hold its first *last* elements."""
    if isinstance(storage, CallNode):
        # A storage that a nested checkpoint gives: torch itself compares sizes in set_().
        known = storage.target == "torch.storage._load_from_bytes"
        return None if known else "its storage is computed"
    if not isinstance(storage, PersistentNode):
        return "its first argument is no storage"
    described = read_storage(storage.pid)
    if described is None:
        return "its storage has no known form"
    room = described.elements
    return None if last <= room else f"it reaches element {last} of a storage of {room}"
