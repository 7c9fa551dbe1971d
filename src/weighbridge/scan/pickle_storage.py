"""Persistent ids as torch writes them: the storages that tensors are views of."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.pickle.values import GlobalNode, TupleNode, Value
from weighbridge.scan.allowlist import find_entry

_LENGTHS: Final = {5, 6}
"""Items of an id: the legacy format adds the view that a storage is of another one."""


ELEMENT_BYTES: Final[Mapping[str, int]] = MappingProxyType(
    {
        f"torch.{name}Storage": size
        for size, names in {
            1: "Byte Char Bool QInt8 QUInt8 QUInt4x2 QUInt2x4 Untyped",
            2: "Half BFloat16 Short",
            4: "Float Int QInt32",
            8: "Double Long ComplexFloat",
            16: "ComplexDouble",
        }.items()
        for name in names.split()
    }
    | {"torch.storage.UntypedStorage": 1}
)
"""Bytes of an element of each storage class."""


@frozen
class Storage:
    """
    A storage that a persistent id names.

    Attributes:
        kind: The storage class.
        key: Name of the member, or the storage's number.
        location: Where the saving program had it.
        elements: Number of elements.
    """

    kind: str
    key: str
    location: str
    elements: int


def read_storage(pid: Value) -> Storage | None:
    """Return what *pid* says, or None where torch would not have written it."""
    if not isinstance(pid, TupleNode) or len(pid.items) not in _LENGTHS:
        return None
    tag, kind, key, location, elements = pid.items[:5]
    if tag != "storage" or not isinstance(kind, GlobalNode) or kind.computed:
        return None
    if not isinstance(key, str) or not isinstance(location, str):
        return None
    if not isinstance(elements, int) or elements < 0 or find_entry(kind.dotted) is None:
        return None
    if not kind.name.endswith("Storage") or not _is_view(pid.items[5:]):
        return None
    return Storage(kind=kind.dotted, key=key, location=location, elements=elements)


def read_module(pid: Value) -> GlobalNode | None:
    """
    Return the class that *pid* stands for, or None where it is something else.

    Old checkpoints of whole modules name each class with its source, which torch compares with
    the installed one and never runs: ("module", class, file, source).
    """
    if not isinstance(pid, TupleNode) or len(pid.items) != 4:  # noqa: PLR2004  as it says
        return None
    tag, kind, file, source = pid.items
    if tag != "module" or not isinstance(kind, GlobalNode):
        return None
    texts = isinstance(file, str | None) and isinstance(source, str | None)
    return kind if texts else None


def _is_view(rest: tuple[Value, ...]) -> bool:
    """Tell whether the sixth item is absent, None, or (key, offset, size)."""
    if not rest or rest[0] is None:
        return True
    view = rest[0]
    if not isinstance(view, TupleNode) or len(view.items) != 3:  # noqa: PLR2004  as it says
        return False
    key, offset, size = view.items
    return isinstance(key, str) and all(isinstance(n, int) and n >= 0 for n in (offset, size))
