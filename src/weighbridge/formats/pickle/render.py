"""Symbolic values as one readable line, bounded however large or tangled they are."""

from typing import Final

from weighbridge.core.limits.scanning import MAX_EVIDENCE_CHARS
from weighbridge.formats.pickle.values import (
    BufferNode,
    ByteArrayNode,
    CallKind,
    CallNode,
    DictNode,
    ExtensionNode,
    GlobalNode,
    ListNode,
    PersistentNode,
    SetNode,
    TupleNode,
    Value,
)

_MAX_LEVELS: Final = 8
"""Nesting that is shown; deeper values are an ellipsis."""

_MAX_LITERAL: Final = 120
"""Characters of one string or bytes literal that are shown."""

_CUT: Final = "…"


class _Line:
    """Text with a budget. A value costs at least a character, so the walk is bounded as well."""

    __slots__ = ("parts", "room")

    def __init__(self, room: int) -> None:
        self.parts: list[str] = []
        self.room = room

    def add(self, text: str) -> None:
        """Append *text*, or as much as fits."""
        if self.room <= 0:
            return
        if len(text) > self.room:
            text = text[: self.room - 1] + _CUT
        self.parts.append(text)
        self.room -= len(text)


def render(value: Value, *, limit: int = MAX_EVIDENCE_CHARS) -> str:
    """Return *value* as an expression of at most *limit* characters: `os.system('id')`."""
    line = _Line(limit)
    _write(line, value, 0)
    return "".join(line.parts)


def _write(line: _Line, value: Value, level: int) -> None:  # noqa: C901, PLR0912  one case a class
    """Append *value* to *line*."""
    if line.room <= 0:
        return
    if level > _MAX_LEVELS:
        line.add(_CUT)
        return
    match value:
        case ListNode():
            _write_items(line, "[", value.items, "]", level)
        case TupleNode():
            _write_items(line, "(", value.items, ",)" if len(value.items) == 1 else ")", level)
        case SetNode():
            opening = "frozenset({" if value.frozen else "set({"
            _write_items(line, opening, value.items, "})", level)
        case DictNode():
            _write_pairs(line, value, level)
        case ByteArrayNode():
            line.add(f"bytearray({_literal(bytes(value.data[: _MAX_LITERAL + 1]))})")
        case GlobalNode():
            _write_global(line, value, level)
        case CallNode():
            _write_call(line, value, level)
        case PersistentNode():
            _write_items(line, "persistent_load(", (value.pid,), ")", level)
        case ExtensionNode():
            line.add(f"copyreg_extension({value.code})")
        case BufferNode():
            _write_items(line, "buffer(", (value.base,), ")", level)
        case _:
            line.add(_literal(value))


def _literal(value: object) -> str:
    """Return the literal of a constant, cut to what is shown of it."""
    if isinstance(value, str | bytes):
        return repr(value) if len(value) <= _MAX_LITERAL else repr(value[:_MAX_LITERAL]) + _CUT
    if isinstance(value, int) and not isinstance(value, bool):
        return (
            str(value) if value.bit_length() <= _MAX_LITERAL else f"<{value.bit_length()}-bit int>"
        )
    return repr(value)


def _write_items(
    line: _Line, opening: str, items: list[Value] | tuple[Value, ...], closing: str, level: int
) -> None:
    """Append items between brackets, while there is room."""
    line.add(opening)
    for position, item in enumerate(items):
        if line.room <= 0:
            return
        if position:
            line.add(", ")
        _write(line, item, level + 1)
    line.add(closing)


def _write_pairs(line: _Line, value: DictNode, level: int) -> None:
    """Append a dict."""
    line.add("{")
    for position, (key, item) in enumerate(value.pairs()):
        if line.room <= 0:
            return
        if position:
            line.add(", ")
        _write(line, key, level + 1)
        line.add(": ")
        _write(line, item, level + 1)
    line.add("}")


def _write_global(line: _Line, value: GlobalNode, level: int) -> None:
    """Append a name, or how it is computed."""
    if value.operands is None:
        line.add(value.dotted)
    else:
        _write_items(line, "find_class(", value.operands, ")", level)


def _write_call(line: _Line, value: CallNode, level: int) -> None:
    """Append a call with its arguments; what is done to the result is not shown."""
    _write(line, value.callable, level + 1)
    if value.kind in {CallKind.NEWOBJ, CallKind.NEWOBJ_EX}:
        line.add(".__new__")
    if isinstance(value.args, TupleNode):
        _write_items(line, "(", value.args.items, "", level)
    else:
        _write_items(line, "(*", (value.args,), "", level)
    if value.kwargs is not None:
        has_arguments = not isinstance(value.args, TupleNode) or bool(value.args.items)
        line.add(", **" if has_arguments else "**")
        _write(line, value.kwargs, level + 1)
    line.add(")")
