"""
Which strings a template's expressions can stand for, as far as constants tell.

Names hide in strings that are put together: `'__cl' ~ 'ass__'`, `|join`, `|reverse`, `%c`.
What is assigned to a name anywhere counts everywhere: this over-approximates, and follows
neither loops nor the arguments of macros.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from types import MappingProxyType
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.documents import (
    MAX_TEMPLATE_STRINGS,
    MAX_TEMPLATE_WORD_CHARS,
    MAX_TEMPLATE_WORK,
)
from weighbridge.formats.jinja import nodes, walk
from weighbridge.formats.jinja.nodes import Node

Strings = frozenset[str]
_NONE: Final[Strings] = frozenset()
_EMPTY: Final[Strings] = frozenset({""})
_MAX_DEPTH: Final = 24
_LONGEST_PIECE: Final = 64
_MAX_WORDS: Final = 64

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

BUILDERS: Final = frozenset({"center", "format", "format_map", "join", "ljust", "reverse", "rjust"})
"""
Filters and methods that make a string of several, fill one up, or turn one around.

Those that only change a string (`lower`) make no name of what is none: their result is followed
where the string is a constant. `replace` does where it puts underscores in.
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
        macros = {node.name: node for node in walk(body) if isinstance(node, nodes.Macro)}
        for node in walk(body):
            for name, value in _bindings(node, macros):
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

    def _spend(self, work: int) -> None:
        """Count characters and steps, and end where there are too many."""
        self._work += work
        if self._work > MAX_TEMPLATE_WORK:
            raise LimitExceededError("the template puts too many strings together to follow")

    def holds_mark(self, node: Node, *, depth: int = _MAX_DEPTH) -> bool:
        """Tell whether a constant with an underscore goes into *node*."""
        if depth == 0:
            return True
        for each in walk((node,)):
            self._spend(1)
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
            self._spend(len(text) + 1)
            kept.add(text[:MAX_TEMPLATE_WORD_CHARS])
            if len(kept) >= MAX_TEMPLATE_STRINGS:
                break
        return frozenset(kept)

    def _builds(self, node: Node, depth: int) -> bool:
        match node:
            case nodes.Binary(operator="~") | nodes.Assignment() | nodes.Macro():
                return True
            case nodes.Binary(operator="+" | "*" | "%"):
                return any(self._is_text(side, depth) for side in (node.left, node.right))
            case (
                nodes.Filter(name=name, value=owner)
                | nodes.Call(function=nodes.Attribute(name=name, owner=owner))
            ):
                if name == "replace":
                    return self._underlines(node, depth)
                return name in BUILDERS or (name in _SINGLE and self.is_built(owner, depth=depth))
            case _:
                return any(self.is_built(each, depth=depth) for each in self._sources(node, depth))

    def _underlines(self, node: nodes.Filter | nodes.Call, depth: int) -> bool:
        """Tell whether `replace` puts underscores in."""
        new = node.arguments.positional[1:2]
        return any(self.holds_mark(each, depth=depth) for each in new)

    def _sources(self, node: Node, depth: int) -> list[Node | None]:
        """Return what *node* is one of, or a piece of."""
        match node:
            case nodes.Name():
                return [*self._assigned(node)]
            case nodes.Attribute(owner=owner):
                return [*self._assigned(node), *self._contents(owner, depth)]
            case nodes.Call(function=nodes.Name() as macro):
                return [macro]
            case nodes.Choice(body=body, orelse=orelse):
                return [body, orelse]
            case nodes.Item(owner=owner, index=index):
                # A piece of a string is had by a number; by a name, something else's member.
                by_number = isinstance(index, nodes.Slice) or _integer(index) is not None
                pieces: list[Node | None] = [owner] if by_number else []
                return [*pieces, *self._contents(owner, depth)]
            case _:
                return []

    def _assigned(self, node: nodes.Name | nodes.Attribute) -> list[Node]:
        """Return what the template sets a name to."""
        key = node.name if isinstance(node, nodes.Name) else f".{node.name}"
        return self._values.get(key, [])[:MAX_TEMPLATE_STRINGS]

    def _is_text(self, node: Node, depth: int) -> bool:
        if isinstance(node, nodes.Literal):
            return isinstance(node.value, str)
        if isinstance(node, nodes.Filter) and node.name in _SINGLE:
            return True
        return bool(self.strings(node, depth=depth)) or self.is_built(node, depth=depth)

    def _fold(self, node: Node, depth: int) -> Strings:
        match node:
            case nodes.Literal(value=str() as text):
                return self._few([text])
            case nodes.Name():
                return self._union(self._assigned(node), depth)
            case nodes.Attribute(owner=owner):
                items = self._contents(owner, depth)
                return self._union([*self._assigned(node), *items], depth)
            case nodes.Choice(body=first, orelse=second):
                return self._union([first] if second is None else [first, second], depth)
            case nodes.Assignment(body=body) | nodes.Macro(body=body):
                return self._fold_body(body, depth)
            case _:
                return self._fold_operation(node, depth)

    def _fold_body(self, body: tuple[Node, ...], depth: int) -> Strings:
        """Fold what a body renders to, where all of it is constant."""
        pieces: list[Strings] = []
        for node in body:
            match node:
                case nodes.Text(text=text) | nodes.Raw(text=text):
                    pieces.append(frozenset({text.strip()}))
                case nodes.Output(values=values):
                    pieces.extend(self._rendered(value, depth) for value in values)
                case _:
                    return _NONE
        return self._put_together("", pieces)

    def _rendered(self, node: Node, depth: int) -> Strings:
        """Return the constants that *node* may render to; numbers count as well."""
        if (number := _integer(node)) is not None:
            return frozenset({str(number)})
        return self.strings(node, depth=depth)

    def _put_together(self, between: str, pieces: Iterable[Strings]) -> Strings:
        """Return what the pieces may be as one string; nothing where one of them is not known."""
        known = [sorted(piece) for piece in pieces]
        return self._few(map(between.join, product(*known))) if known else _NONE

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
        if node.operator == "*":
            return self._fold_repeat(node, depth)
        if node.operator not in {"+", "~"}:
            return _NONE
        left = self.strings(node.left, depth=depth)
        right = self.strings(node.right, depth=depth)
        return self._few(a + b for a in left for b in right)

    def _fold_repeat(self, node: nodes.Binary, depth: int) -> Strings:
        """Fold a constant that is repeated a constant number of times."""
        for text, times in ((node.left, node.right), (node.right, node.left)):
            count = _integer(times)
            if count is not None and 0 < count <= _LONGEST_PIECE:
                return self._few(each * count for each in self.strings(text, depth=depth))
        return _NONE

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
            between = self.strings(separator, depth=depth)
            if words and (between or separator is None):
                for mark in between or {""}:
                    found.update(self._put_together(mark, words))
        return self._few(found)

    def _words(self, node: Node | None, depth: int) -> list[Strings]:
        """Return the parts of a sequence of constants, or the keys of `dict(a=1, b=2)`."""
        match node:
            case nodes.Sequence(items=items):
                return [self._rendered(item, depth) for item in items[:_MAX_WORDS]]
            case nodes.Call(function=nodes.Name(name="dict"), arguments=arguments):
                return [frozenset({name}) for name, _ in arguments.keywords[:_MAX_WORDS]]
            case nodes.Filter(value=value, name="list" | "reverse" as name):
                words = self._words(value, max(depth - 1, 0))
                return words[::-1] if name == "reverse" else words
            case nodes.Name() if depth:
                return self._words(next(iter(self._assigned(node)), None), 0)
            case _:
                return []

    def _fold_format(self, value: Node | None, arguments: tuple[Node, ...], depth: int) -> Strings:
        """Fold `%c`, `%s` and `{}`; other conversions make no names."""
        items = [
            each
            for argument in arguments
            for each in (argument.items if isinstance(argument, nodes.Sequence) else (argument,))
        ]
        parts = [self._formatted(item, depth) for item in items]
        found: list[str] = []
        for text in self.strings(value, depth=depth):
            pieces: list[Strings] = []
            rest = iter(parts)
            for piece in _CONVERSION.split(text):
                pieces.extend((frozenset({piece}), next(rest, _EMPTY)))
            found.extend(self._put_together("", pieces))
        return self._few(found)

    def _formatted(self, node: Node, depth: int) -> Strings:
        number = _integer(node)
        if number is not None:
            last = 0x10FFFF
            return frozenset({chr(number)}) if 0 < number <= last else _EMPTY
        return self._rendered(node, depth)

    def _fold_item(self, node: nodes.Item, depth: int) -> Strings:
        """Fold an item or a slice of a constant, and an item of a table of constants."""
        inner = self._contents(node.owner, depth)
        at = _integer(node.index)
        if (
            isinstance(node.owner, nodes.Sequence)
            and at is not None
            and -len(inner) <= at < len(inner)
        ):
            inner = [inner[at]]
        if inner:
            return self._union(inner, depth)
        texts = self.strings(node.owner, depth=depth)
        index = node.index
        if isinstance(index, nodes.Slice):
            bounds = [_integer(part) for part in index.parts[:3]]
            if bounds[2:] != [0]:
                return self._few(text[slice(*bounds)] for text in texts)
        number = _integer(index)
        if number is None:
            return _NONE
        return self._few(t[number : number + 1 or None] for t in texts)

    def _contents(self, node: Node, depth: int) -> list[Node]:
        """Return what is in a list or a table, whichever item is meant."""
        found: list[Node] = []
        if isinstance(node, nodes.Sequence | nodes.Table):
            found = list(node.items[:_MAX_WORDS])
        elif depth and isinstance(node, nodes.Name | nodes.Attribute):
            # One step only: what is set to itself and something more would grow with each.
            found = [each for value in self._assigned(node) for each in self._contents(value, 0)]
        self._spend(1 + 4 * len(found))
        return found


def _bindings(node: Node, macros: Mapping[str, nodes.Macro]) -> Iterable[tuple[str, Node]]:
    """Return the names to which *node* gives a value, with the value."""
    match node:
        case nodes.Assignment(target=target, value=value):
            return _pairs(target, node if value is None else value)
        case nodes.Macro(name=name):
            return ((name, node),)
        case nodes.For(target=target, iterable=nodes.Sequence(items=items)):
            few = items[:MAX_TEMPLATE_STRINGS]
            return tuple(pair for item in few for pair in _pairs(target, item))
        case nodes.Call(function=nodes.Name(name=name), arguments=arguments) if name in macros:
            positional = zip(macros[name].parameters, arguments.positional, strict=False)
            return (*positional, *arguments.keywords)
        case _:
            return ()


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
