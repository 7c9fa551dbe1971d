"""
Everything that a checkpoint may refer to, if its tensors are to be built here.

Each entry is a name that the interpreter knows the meaning of; none is ever imported. The
meaning is that of torch 2.13 (`torch/_utils.py`, `torch/serialization.py`).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, MalformedContentError
from weighbridge.formats.pickle.trace import Anomaly, Change, ChangeKind, Event
from weighbridge.formats.pickle.values import (
    BufferNode,
    CallKind,
    CallNode,
    DictNode,
    ExtensionNode,
    GlobalNode,
    Value,
)

STORAGE_ELEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "torch.DoubleStorage": "F64",
        "torch.FloatStorage": "F32",
        "torch.HalfStorage": "F16",
        "torch.BFloat16Storage": "BF16",
        "torch.LongStorage": "I64",
        "torch.IntStorage": "I32",
        "torch.ShortStorage": "I16",
        "torch.CharStorage": "I8",
        "torch.ByteStorage": "U8",
        "torch.BoolStorage": "BOOL",
        "torch.ComplexFloatStorage": "C64",
        "torch.ComplexDoubleStorage": "C128",
    }
)
"""Storages whose class tells the type of their elements."""

UNTYPED_STORAGES: Final = frozenset({"torch.UntypedStorage", "torch.storage.UntypedStorage"})
"""Storages of bytes; the tensors on them name their type themselves."""

DTYPE_ELEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "torch.float64": "F64",
        "torch.float32": "F32",
        "torch.float16": "F16",
        "torch.bfloat16": "BF16",
        "torch.int64": "I64",
        "torch.int32": "I32",
        "torch.int16": "I16",
        "torch.int8": "I8",
        "torch.uint64": "U64",
        "torch.uint32": "U32",
        "torch.uint16": "U16",
        "torch.uint8": "U8",
        "torch.bool": "BOOL",
        "torch.complex64": "C64",
        "torch.complex128": "C128",
        "torch.float8_e4m3fn": "F8_E4M3",
        "torch.float8_e5m2": "F8_E5M2",
        "torch.float8_e8m0fnu": "F8_E8M0",
        "torch.float8_e4m3fnuz": "F8_E4M3FNUZ",
        "torch.float8_e5m2fnuz": "F8_E5M2FNUZ",
        "torch.float4_e2m1fn_x2": "F4_X2",
    }
)

ORDERED_DICT: Final = "collections.OrderedDict"
REBUILD_PARAMETER: Final = "torch._utils._rebuild_parameter"
REBUILD_TENSOR: Final = frozenset(
    {
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor_v3",
    }
)
IGNORED_CALLS: Final = frozenset({"torch.Size", "torch.device"})
"""Calls whose results hold no elements of a tensor; nobody looks at their arguments."""

_CALLS: Final = REBUILD_TENSOR | {ORDERED_DICT, REBUILD_PARAMETER} | IGNORED_CALLS
_NAMES: Final = _CALLS | UNTYPED_STORAGES | STORAGE_ELEMENTS.keys() | DTYPE_ELEMENTS.keys()


def require_known(events: Iterable[Event], *, where: str) -> None:
    """
    Refuse a stream in which anything happens that the interpreter does not know.

    What the result does not show is refused as well: another loader would do it.

    Raises:
        ArtifactRefusedError: A name, a call or a change that is not listed here.
        MalformedContentError: Something that no pickler writes.
    """
    for event in events:
        match event:
            case GlobalNode():
                if event.computed or event.dotted not in _NAMES:
                    raise refused(where, f"the global {event.dotted}")
            case CallNode():
                if event.kind is not CallKind.REDUCE or event.target not in _CALLS:
                    raise refused(where, f"a call of {event.target} by {event.kind}")
            case Change():
                _require_known_change(event, where=where)
            case Anomaly():
                raise broken(where, expected="what a pickler writes", found=event.detail)
            case ExtensionNode() | BufferNode():
                raise refused(where, "a reference out of the file")
            case _:
                # Persistent ids, which name storages; they are read when a tensor needs them.
                continue


def _require_known_change(change: Change, *, where: str) -> None:
    target = change.target
    name = target.target if isinstance(target, CallNode) else None
    if name == ORDERED_DICT and change.kind is ChangeKind.ASSIGN:
        return
    if name == ORDERED_DICT and change.kind is ChangeKind.BUILD and _harmless(change.items):
        return
    raise refused(where, f"a change ({change.kind}) of {name or type(target).__name__}")


def _harmless(states: Iterable[Value]) -> bool:
    """Tell whether *states* set only the versions that PyTorch notes on a state dict."""
    return all(
        isinstance(state, DictNode) and all(key == "_metadata" for key, _ in state.pairs())
        for state in states
    )


def refused(where: str, what: str) -> ArtifactRefusedError:
    """Build the error for a checkpoint that needs more than tensors and plain containers."""
    return ArtifactRefusedError(
        "the checkpoint needs more than tensors and plain containers",
        code=Code.LOAD_REFUSED,
        where=where,
        expected="tensors, dicts, lists and constants",
        found=what[:400],
        hint="Ask the publisher for safetensors, or for a state dict without other objects",
    )


def broken(where: str, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a checkpoint that breaks its format."""
    return MalformedContentError(
        "the checkpoint is broken",
        code=Code.LOAD_MALFORMED,
        where=where,
        expected=expected,
        found=found[:400],
    )
