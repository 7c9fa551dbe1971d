"""
The syntax tree of a template.

As in Jinja's own `nodes.py`, with what no judgement needs left out: contexts of names,
white-space control, and which of two notations was used.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias

Constant: TypeAlias = str | int | float | bool | None
"""The value of a literal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """
    Anything in a template.

    Attributes:
        offset: Characters from the start of the template.
    """

    offset: int


# -- expressions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    """A variable, read or bound."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    """
    A constant.

    Attributes:
        value: Of strings that stand side by side, all of them together.
        source: How it is written, quotes and escapes included.
    """

    value: Constant
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence(Node):
    """A tuple or a list."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Node):
    """A dictionary: keys and values in turn."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute(Node):
    """`owner.name`."""

    owner: Node
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Node):
    """`owner[index]`."""

    owner: Node
    index: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Node):
    """`start:stop:step` between brackets."""

    parts: tuple[Node | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments(Node):
    """
    What is passed to a call, a filter or a test.

    Attributes:
        positional: The first ones.
        keywords: Names and values.
        spread: Values behind `*` and `**`.
    """

    positional: tuple[Node, ...] = ()
    keywords: tuple[tuple[str, Node], ...] = ()
    spread: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """`function(arguments)`."""

    function: Node
    arguments: Arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Node):
    """`value | name(arguments)`; without a value where it is applied to a block."""

    value: Node | None
    name: str
    arguments: Arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Test(Node):
    """`value is name(arguments)`."""

    value: Node
    name: str
    arguments: Arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Node):
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    """Two operands; chains of comparisons are nested to the left."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Node):
    """`body if test else orelse`."""

    test: Node
    body: Node
    orelse: Node | None


# -- statements --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Node):
    """Text that is rendered as it stands; without an underscore it is left out of the tree."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw(Node):
    """Text between `raw` and `endraw`, which is not read as code."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Node):
    """`{{ value }}`, and the statements `print` and `do`."""

    values: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class For(Node):
    """A loop."""

    target: Node
    iterable: Node
    test: Node | None
    body: tuple[Node, ...]
    orelse: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class If(Node):
    """One branch of a condition; `elif` is an `If` in `orelse`."""

    test: Node
    body: tuple[Node, ...]
    orelse: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment(Node):
    """
    `set` and each pair of `with`.

    Attributes:
        value: None where the body is rendered for it.
        through: The filter that the rendered body goes through.
    """

    target: Node
    value: Node | None
    through: Node | None = None
    body: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro(Node):
    """A macro, or the body of a call block, which has no name."""

    name: str
    parameters: tuple[str, ...]
    defaults: tuple[Node, ...]
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Node):
    """`import`, `from`, `include` or `extends`: the template named is loaded and run."""

    statement: str
    template: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Node):
    """Any other statement with a body: `with`, `block`, `filter`, `autoescape`, `generation`."""

    statement: str
    values: tuple[Node, ...]
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump(Node):
    """`break` or `continue`."""

    statement: str


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Yield *nodes* and everything in them, outermost first, without recursion."""
    rest: list[object] = [nodes]
    while rest:
        item = rest.pop()
        if isinstance(item, Node):
            yield item
            rest.extend(getattr(item, field.name) for field in reversed(fields(item)))
        elif isinstance(item, tuple):
            rest.extend(reversed(item))
