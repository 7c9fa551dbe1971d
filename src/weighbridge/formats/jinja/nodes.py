"""
The syntax tree of a template.

As in Jinja's own `nodes.py`, with what no judgement needs left out: contexts of names,
white-space control, and which of two notations was used.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import TypeAlias

from weighbridge.core.values import frozen

Constant: TypeAlias = str | int | float | bool | None
"""The value of a literal."""


@frozen
class Node:
    """
    Anything in a template.

    Attributes:
        offset: Characters from the start of the template.
    """

    offset: int


# -- expressions -------------------------------------------------------------------------------


@frozen
class Name(Node):
    """A variable, read or bound."""

    name: str


@frozen
class Literal(Node):
    """
    A constant.

    Attributes:
        value: Of strings that stand side by side, all of them together.
        source: How it is written, quotes and escapes included.
    """

    value: Constant
    source: str


@frozen
class Sequence(Node):
    """A tuple or a list."""

    items: tuple[Node, ...]


@frozen
class Table(Node):
    """A dictionary: keys and values in turn."""

    items: tuple[Node, ...]


@frozen
class Attribute(Node):
    """`owner.name`."""

    owner: Node
    name: str


@frozen
class Item(Node):
    """`owner[index]`."""

    owner: Node
    index: Node


@frozen
class Slice(Node):
    """`start:stop:step` between brackets."""

    parts: tuple[Node | None, ...]


@frozen
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


@frozen
class Call(Node):
    """`function(arguments)`."""

    function: Node
    arguments: Arguments


@frozen
class Filter(Node):
    """`value | name(arguments)`; without a value where it is applied to a block."""

    value: Node | None
    name: str
    arguments: Arguments


@frozen
class Test(Node):
    """`value is name(arguments)`."""

    value: Node
    name: str
    arguments: Arguments


@frozen
class Unary(Node):
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: Node


@frozen
class Binary(Node):
    """Two operands; chains of comparisons are nested to the left."""

    operator: str
    left: Node
    right: Node


@frozen
class Choice(Node):
    """`body if test else orelse`."""

    test: Node
    body: Node
    orelse: Node | None


# -- statements --------------------------------------------------------------------------------


@frozen
class Text(Node):
    """Text that is rendered as it stands; without an underscore it is left out of the tree."""

    text: str


@frozen
class Raw(Node):
    """Text between `raw` and `endraw`, which is not read as code."""

    text: str


@frozen
class Output(Node):
    """`{{ value }}`, and the statements `print` and `do`."""

    values: tuple[Node, ...]


@frozen
class For(Node):
    """A loop."""

    target: Node
    iterable: Node
    test: Node | None
    body: tuple[Node, ...]
    orelse: tuple[Node, ...]


@frozen
class If(Node):
    """One branch of a condition; `elif` is an `If` in `orelse`."""

    test: Node
    body: tuple[Node, ...]
    orelse: tuple[Node, ...]


@frozen
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


@frozen
class Macro(Node):
    """A macro, or the body of a call block, which has no name."""

    name: str
    parameters: tuple[str, ...]
    defaults: tuple[Node, ...]
    body: tuple[Node, ...]


@frozen
class Load(Node):
    """`import`, `from`, `include` or `extends`: the template named is loaded and run."""

    statement: str
    template: Node


@frozen
class Block(Node):
    """Any other statement with a body: `with`, `block`, `filter`, `autoescape`, `generation`."""

    statement: str
    values: tuple[Node, ...]
    body: tuple[Node, ...]


@frozen
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
