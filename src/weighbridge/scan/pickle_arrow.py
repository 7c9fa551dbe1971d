"""
Arrays of Arrow in pickles: whether the buffers hold what the array says.

pandas keeps text in such arrays wherever pyarrow is installed. `pyarrow.lib._restore_array` puts a
type, a length and buffers together and compares nothing, so that an array can reach beyond its
buffers. What a buffer needs is in the format's specification ("Physical Memory Layout").
"""

from array import array
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    ListNode,
    TupleNode,
    Value,
)
from weighbridge.scan.pickle_facts import literal_bytes
from weighbridge.scan.pickle_plain import Refusal, has_keywords

_LIB: Final = "pyarrow.lib."
_RESTORE: Final = f"{_LIB}_restore_array"
_CHUNKED: Final = f"{_LIB}chunked_array"
_BUFFER: Final = f"{_LIB}py_buffer"
_BYTEARRAY: Final = "builtins.bytearray"
_BYTES: Final = "builtins.bytes"
_PARTS: Final = 7
"""Type, length, number of nulls, offset, buffers, children, dictionary."""

_WIDTHS: Final[Mapping[str, int]] = MappingProxyType(
    {
        name: width
        for width, names in (
            (1, "i1 int8 u1 uint8"),
            (2, "i2 int16 u2 uint16 f2 halffloat float16"),
            (4, "i4 int32 u4 uint32 f4 float float32 date32 date32[day] time32[s] time32[ms]"),
            (8, "i8 int64 u8 uint64 f8 double float64 date64 date64[ms] time64[us] time64[ns]"),
            (8, "timestamp[s] timestamp[ms] timestamp[us] timestamp[ns]"),
            (8, "duration[s] duration[ms] duration[us] duration[ns]"),
        )
        for name in names.split()
    }
)
"""Bytes of one value by what pyarrow calls the type."""

_Offset = Literal["i", "q"]
_OFFSETS: Final[Mapping[str, _Offset]] = MappingProxyType(
    {
        "string": "i",
        "str": "i",
        "utf8": "i",
        "binary": "i",
        "large_string": "q",
        "large_str": "q",
        "large_utf8": "q",
        "large_binary": "q",
    }
)
"""How `array` reads the offsets of values of any length."""

_BITS: Final = frozenset({"bool", "boolean"})
_TIMESTAMP: Final = "timestamp"
_FIXED: Final = 2
_VARIABLE: Final = 3


def is_arrow_array(value: Value) -> bool:
    """Tell whether *value* is an array of Arrow that the stream makes, whole or in chunks."""
    return isinstance(value, CallNode) and value.target in {_RESTORE, _CHUNKED}


def refuse_arrow(call: CallNode, args: tuple[Value, ...]) -> Refusal:
    """Say why *call* may not make a buffer, an array of Arrow, or chunks of one, out of *args*."""
    if has_keywords(call):
        return "it takes no keywords"
    if call.target == _BUFFER:
        return None if _bytes_of(call) is not None else "it takes bytes that the stream writes out"
    if call.target == _CHUNKED:
        return _refuse_chunks(args)
    parts = args[0].items if len(args) == 1 and isinstance(args[0], TupleNode) else ()
    if len(parts) != _PARTS:
        return "it takes the seven parts of an array"
    kind, length, nulls, offset, buffers, children, dictionary = parts
    for count in (length, nulls, offset):
        if type(count) is not int or not -1 <= count < 2**62:
            return "its length, offset and number of nulls are not counts"
    assert isinstance(length, int)
    assert isinstance(offset, int)
    nested = not isinstance(children, ListNode) or children.given or dictionary is not None
    if length < 0 or offset < 0 or nested or not isinstance(buffers, ListNode):
        return "it has parts that are not those of a plain array"
    return _refuse_buffers(_name_of(kind), buffers, nulls, length + offset)


def _refuse_chunks(args: tuple[Value, ...]) -> Refusal:
    chunks, kind = args if len(args) == 2 else (None, None)  # noqa: PLR2004  as it says
    made = isinstance(chunks, ListNode) and all(
        isinstance(item, CallNode) and item.target == _RESTORE for item in chunks.items
    )
    return None if made and _name_of(kind) is not None else "it takes a list of arrays and a type"


def _name_of(kind: Value) -> str | None:
    """Return what pyarrow calls the type that *kind* makes; None where that cannot be told."""
    if not isinstance(kind, CallNode) or has_keywords(kind) or not kind.positional:
        return None
    name = kind.positional[0]
    if kind.target == f"{_LIB}type_for_alias" and isinstance(name, str):
        return name.lower()
    if kind.target == f"{_LIB}{_TIMESTAMP}" and isinstance(name, str):
        return f"{_TIMESTAMP}[{name}]"
    return None


def _refuse_buffers(kind: str | None, buffers: ListNode, nulls: Value, end: int) -> Refusal:
    """Say why *buffers* do not hold the first *end* values of a *kind*."""
    held = [_bytes_of(item) for item in buffers.items]
    if len(held) != buffers.given or not all(map(_is_buffer, buffers.items)):
        return "its buffers are computed"
    if kind == "null":
        return None if held == [None] else "it has buffers where its type has none"
    valid, *rest = held or [None]
    if valid is None and nulls not in {0, -1}:
        return "it has nulls, and no buffer that says which"
    if valid is not None and len(valid) * 8 < end:
        return "it reaches beyond the buffer that says what is null"
    if kind is not None and kind in _OFFSETS:
        return _refuse_values(_OFFSETS[kind], rest, end)
    bits = 1 if kind in _BITS else 8 * _WIDTHS.get(kind or "", 0)
    if not bits or len(held) != _FIXED:
        return "its type is none that is known here"
    room = 8 * len(rest[0] or b"")
    return None if end * bits <= room else f"it reaches value {end} of a buffer of {room // bits}"


def _refuse_values(code: _Offset, rest: list[bytes | bytearray | None], end: int) -> Refusal:
    """Say why the offsets of values of any length do not lie within their bytes."""
    if len(rest) != _VARIABLE - 1:
        return "it has no offsets or no values"
    places, values = (each or b"" for each in rest)
    size = array(code).itemsize
    if not places and not end:
        return None
    if len(places) < (end + 1) * size:
        return "it reaches beyond the buffer of its offsets"
    offsets = array(code, bytes(places[: (end + 1) * size])).tolist()
    if offsets != sorted(offsets) or offsets[0] < 0 or offsets[-1] > len(values):
        return "its offsets lie outside of its values"
    return None


def _is_buffer(value: Value) -> bool:
    """Tell whether *value* is nothing, or a buffer of bytes that the stream writes out."""
    return value is None or _bytes_of(value) is not None


def _bytes_of(value: Value) -> bytes | bytearray | None:
    """Return the bytes of a buffer; None where there is none."""
    args = _arguments(value, _BUFFER)
    if args is None or len(args) != 1:
        return None
    (content,) = args
    if isinstance(content, ByteArrayNode):
        return content.data
    # Protocols below 5 have no other way to write a bytearray, and first ones none for no bytes.
    for kind in (_BYTEARRAY, _BYTES):
        inner = _arguments(content, kind)
        if inner == ():
            return b""
        content = inner[0] if inner and len(inner) == 1 else content
    return literal_bytes(content)


def _arguments(value: Value, target: str) -> tuple[Value, ...] | None:
    """Return the arguments of a call of *target* of which the result stays as it is."""
    if not isinstance(value, CallNode) or value.target != target or has_keywords(value):
        return None
    return None if value.assigned or value.appended else value.positional
