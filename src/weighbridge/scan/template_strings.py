"""
Which strings a template's expressions can stand for, as far as constants tell.

Names hide in strings that are put together: `'__cl' ~ 'ass__'`, `|join`, `|reverse`, `%c`.
What is assigned to a name anywhere counts everywhere: this over-approximates, and follows
neither loops nor the arguments of macros.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits import (
    MAX_TEMPLATE_STRINGS,
    MAX_TEMPLATE_WORD_CHARS,
    MAX_TEMPLATE_WORK,
)
from weighbridge.formats.jinja import nodes, walk
from weighbridge.formats.jinja.nodes import Node

Strings = frozenset[str]
_NONE: Final[Strings] = frozenset()
_MAX_DEPTH: Final = 24
_LONGEST_PIECE: Final = 64

_SINGLE: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "capitalize": str.capitalize,
        "casefold": str.casefold,
        "e": str,
        "escape": str,
        "forceescape": str,
        "list": str,
        "lower": str.lower,
        "lstrip": str.lstrip,
        "reverse": lambda text: text[::-1],
        "rstrip": str.rstrip,
        "safe": str,
        "string": str,
        "strip": str.strip,
        "swapcase": str.swapcase,
        "title": str.title,
        "trim": str.strip,
        "upper": str.upper,
        "first": lambda text: text[:1],
        "last": lambda text: text[-1:],
    }
)
"""Filters, and methods of strings, that turn one string into another."""

BUILDERS: Final = frozenset({"format", "format_map", "join", "reverse"})
"""
Filters and methods that make a string of several, or turn one around.

Those that only change a string (`lower`, `replace`) make no name of what is none: their result
is followed where the string is a constant.
"""

_CONVERSION: Final = re.compile(r"%[cs]|\{[0-9]*\}")


class StringTable:
    """What the names of one template may stand for."""

    def __init__(self, body: tuple[Node, ...]) -> None:
        self._values: dict[str, list[Node]] = {}
        self._known: dict[int, Strings] = {}
        self._built: dict[int, bool] = {}
        self._marked: dict[int, bool] = {}
        self._work = 0
        for node in walk(body):
            if isinstance(node, nodes.Assignment) and node.value is not None:
                for name, value in _pairs(node.target, node.value):
                    self._values.setdefault(name, []).append(value)
            elif isinstance(node, nodes.Assignment):
                for name, _ in _pairs(node.target, node):
                    self._values.setdefault(name, []).append(node)
            elif isinstance(node, nodes.Macro):
                self._values.setdefault(node.name, []).append(node)
            elif isinstance(node, nodes.For) and isinstance(node.iterable, nodes.Sequence):
                for item in node.iterable.items[:MAX_TEMPLATE_STRINGS]:
                    for name, value in _pairs(node.target, item):
                        self._values.setdefault(name, []).append(value)

    def strings(self, node: Node | None, *, depth: int = _MAX_DEPTH) -> Strings:
        """Return constant strings that *node* may stand for; empty where none is known."""
        if node is None or depth == 0:
            return _NONE
        key = id(node)
        if key not in self._known:
            self._known[key] = _NONE  # a name that is made of itself
            self._known[key] = self._fold(node, depth - 1)
        return self._known[key]

    def is_built(self, node: Node | None, *, depth: int = _MAX_DEPTH) -> bool:
        """Tell whether *node* puts a string together."""
        if node is None or depth == 0:
            return False
        key = id(node)
        if key not in self._built:
            self._built[key] = False
            self._built[key] = self._builds(node, depth - 1)
        return self._built[key]

    def holds_mark(self, node: Node, *, depth: int = _MAX_DEPTH) -> bool:
        """Tell whether a constant with an underscore goes into *node*."""
        if depth == 0:
            return True
        for each in walk((node,)):
            if isinstance(each, nodes.Literal) and "_" in str(each.value):
                return True
            if isinstance(each, nodes.Text | nodes.Raw):
                return True
            if isinstance(each, nodes.Name | nodes.Attribute):
                for value in self._assigned(each):
                    if id(value) not in self._marked:
                        self._marked[id(value)] = False
                        self._marked[id(value)] = self.holds_mark(value, depth=depth - 1)
                    if self._marked[id(value)]:
                        return True
        return False

    def _few(self, texts: Iterable[str]) -> Strings:
        """Return as many of *texts* as are kept, each cut to the length of a name."""
        kept: set[str] = set()
        for text in texts:
            self._work += len(text) + 1
            if self._work > MAX_TEMPLATE_WORK:
                raise LimitExceededError("the template puts too many strings together to follow")
            kept.add(text[:MAX_TEMPLATE_WORD_CHARS])
            if len(kept) >= MAX_TEMPLATE_STRINGS:
                break
        return frozenset(kept)

    def _builds(self, node: Node, depth: int) -> bool:
        match node:
            case nodes.Name() | nodes.Attribute():
                return any(self.is_built(value, depth=depth) for value in self._assigned(node))
            case nodes.Binary(operator="~") | nodes.Assignment() | nodes.Macro():
                return True
            case nodes.Binary(operator="+" | "*" | "%"):
                return any(self._is_text(side, depth) for side in (node.left, node.right))
            case nodes.Filter(name=name) | nodes.Call(function=nodes.Attribute(name=name)):
                return name in BUILDERS
            case nodes.Call(function=nodes.Name() as macro):
                return self.is_built(macro, depth=depth)
            case nodes.Choice():
                return any(self.is_built(each, depth=depth) for each in (node.body, node.orelse))
            case _:
                return False

    def _assigned(self, node: nodes.Name | nodes.Attribute) -> list[Node]:
        """Return what the template sets a name to."""
        key = node.name if isinstance(node, nodes.Name) else f".{node.name}"
        return self._values.get(key, [])[:MAX_TEMPLATE_STRINGS]

    def _is_text(self, node: Node, depth: int) -> bool:
        if isinstance(node, nodes.Literal):
            return isinstance(node.value, str)
        return bool(self.strings(node, depth=depth)) or self.is_built(node, depth=depth)

    def _fold(self, node: Node, depth: int) -> Strings:
        match node:
            case nodes.Literal(value=str() as text):
                return self._few([text])
            case nodes.Name() | nodes.Attribute():
                return self._union(self._assigned(node), depth)
            case nodes.Choice(body=first, orelse=second):
                return self._union([first] if second is None else [first, second], depth)
            case nodes.Assignment(body=body) | nodes.Macro(body=body):
                return self._few(["".join(_rendered(each) for each in body)])
            case _:
                return self._fold_operation(node, depth)

    def _union(self, alternatives: list[Node], depth: int) -> Strings:
        return self._few(s for each in alternatives for s in self.strings(each, depth=depth))

    def _fold_operation(self, node: Node, depth: int) -> Strings:
        match node:
            case nodes.Binary():
                return self._fold_binary(node, depth)
            case nodes.Filter():
                return self._fold_call(node.name, node.value, node.arguments, depth)
            case nodes.Call(function=nodes.Attribute(owner=owner, name=name)):
                return self._fold_call(name, owner, node.arguments, depth)
            case nodes.Call(function=nodes.Name() as macro):
                return self.strings(macro, depth=depth)
            case nodes.Item():
                return self._fold_item(node, depth)
            case _:
                return _NONE

    def _fold_binary(self, node: nodes.Binary, depth: int) -> Strings:
        if node.operator == "%":
            return self._fold_format(node.left, (node.right,), depth)
        if node.operator not in {"+", "~"}:
            return _NONE
        left = self.strings(node.left, depth=depth)
        right = self.strings(node.right, depth=depth)
        return self._few(a + b for a in left for b in right)

    def _fold_call(
        self, name: str, value: Node | None, arguments: nodes.Arguments, depth: int
    ) -> Strings:
        """Fold a filter or a method of a string."""
        if name == "format":
            return self._fold_format(value, arguments.positional, depth)
        if name == "join":
            return self._fold_join(value, arguments, depth)
        texts = self.strings(value, depth=depth)
        if name == "replace" and len(arguments.positional) > 1:
            old, new = (self.strings(each, depth=depth) for each in arguments.positional[:2])
            return self._few(
                t.replace(a, b)
                for t in texts
                for a in old
                for b in new
                if a and len(b) <= _LONGEST_PIECE
            )
        if name in _SINGLE:
            return self._few(_SINGLE[name](text) for text in texts)
        return _NONE

    def _fold_join(self, value: Node | None, arguments: nodes.Arguments, depth: int) -> Strings:
        """Fold `parts|join(separator)` and `separator.join(parts)`."""
        argument = arguments.positional[0] if arguments.positional else None
        found: set[str] = set()
        for parts, separator in ((value, argument), (argument, value)):
            words = self._words(parts, depth)
            if words:
                between = self.strings(separator, depth=depth) or frozenset({""})
                found.update(mark.join(words) for mark in between)
        return self._few(found)

    def _words(self, node: Node | None, depth: int) -> tuple[str, ...]:
        """Return the parts of a sequence of constants, or the keys of `dict(a=1, b=2)`."""
        match node:
            case nodes.Sequence(items=items):
                folded = [self.strings(item, depth=depth) for item in items[:MAX_TEMPLATE_STRINGS]]
                return tuple(next(iter(sorted(texts)), "") for texts in folded)
            case nodes.Call(function=nodes.Name(name="dict"), arguments=arguments):
                return tuple(name for name, _ in arguments.keywords)
            case nodes.Filter(value=value, name="list" | "reverse" as name):
                words = self._words(value, depth)
                return words[::-1] if name == "reverse" else words
            case _:
                return ()

    def _fold_format(self, value: Node | None, arguments: tuple[Node, ...], depth: int) -> Strings:
        """Fold `%c`, `%s` and `{}`; other conversions make no names."""
        items = [
            each
            for argument in arguments
            for each in (argument.items if isinstance(argument, nodes.Sequence) else (argument,))
        ]
        parts = [self._formatted(item, depth) for item in items]
        found = []
        for text in self.strings(value, depth=depth):
            rest = iter(parts)
            found.append(_CONVERSION.sub(lambda _, rest=rest: next(rest, ""), text))  # type: ignore[misc]
        return self._few(found)

    def _formatted(self, node: Node, depth: int) -> str:
        if isinstance(node, nodes.Literal) and isinstance(node.value, int):
            return chr(node.value) if 0 < node.value <= 0x10FFFF else ""  # noqa: PLR2004  the last character
        return next(iter(sorted(self.strings(node, depth=depth))), "")

    def _fold_item(self, node: nodes.Item, depth: int) -> Strings:
        """Fold an item or a slice of a constant, and an item of a table of constants."""
        if isinstance(node.owner, nodes.Sequence | nodes.Table):
            items = node.owner.items[:MAX_TEMPLATE_STRINGS]
            return self._few(s for item in items for s in self.strings(item, depth=depth))
        texts = self.strings(node.owner, depth=depth)
        index = node.index
        if isinstance(index, nodes.Slice):
            bounds = [_integer(part) for part in index.parts[:3]]
            if bounds[2:] != [0]:
                return self._few(text[slice(*bounds)] for text in texts)
        number = _integer(index)
        return _NONE if number is None else self._few(t[number : number + 1 or None] for t in texts)


def _rendered(node: Node) -> str:
    """Return what a piece of a body renders to, where that is constant."""
    match node:
        case nodes.Text(text=text) | nodes.Raw(text=text):
            return text.strip()
        case nodes.Output(values=(nodes.Literal(value=str() as text),)):
            return text
        case _:
            return ""


def _pairs(target: Node, value: Node) -> Iterable[tuple[str, Node]]:
    """Return the names that an assignment binds; those of a namespace begin with a dot."""
    match target, value:
        case nodes.Name(name=name), _:
            return ((name, value),)
        case nodes.Attribute(name=name), _:
            return ((f".{name}", value),)
        case nodes.Sequence(items=targets), nodes.Sequence(items=values):
            return tuple(
                (each.name, part)
                for each, part in zip(targets, values, strict=False)
                if isinstance(each, nodes.Name)
            )
        case _:
            return ()


def _integer(node: Node | None) -> int | None:
    match node:
        case nodes.Literal(value=bool()):
            return None
        case nodes.Literal(value=int() as number):
            return number
        case nodes.Unary(operator="-", operand=nodes.Literal(value=int() as number)):
            return -number
        case _:
            return None
