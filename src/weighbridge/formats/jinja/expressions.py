"""
The expressions of a template, by recursive descent (Jinja 3.1, `parser.py`).

Nesting is counted, so that a hostile template ends in an error of ours and not in one of the
interpreter.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_TEMPLATE_DEPTH
from weighbridge.formats.jinja import nodes
from weighbridge.formats.jinja.lexer import Kind, Token, malformed, tokens_of
from weighbridge.formats.jinja.nodes import Node

_LITERALS: Final = {
    "true": True, "True": True, "false": False, "False": False, "none": None, "None": None,
}  # fmt: skip
_COMPARISONS: Final = frozenset({"==", "!=", ">", ">=", "<", "<="})
_TEST_ENDS: Final = frozenset({"else", "or", "and", "is"})

T = TypeVar("T")


class Expressions:
    """A stream of tokens, and the grammar of expressions over it."""

    def __init__(self, template: str) -> None:
        self._tokens = tokens_of(template)
        self._depth = 0
        self.current: Token = next(self._tokens)
        self._ahead: Token | None = None

    # -- the stream ----------------------------------------------------------------------------

    def advance(self) -> Token:
        """Return the current token and go on to the next."""
        token = self.current
        if token.kind is not Kind.FINISH:
            self.current = self._ahead or next(self._tokens)
            self._ahead = None
        return token

    def look(self) -> Token:
        """Return the token behind the current one."""
        if self._ahead is None:
            self._ahead = next(self._tokens, self.current)
        return self._ahead

    def at_name(self, *names: str) -> bool:
        """Tell whether the current token is one of *names*."""
        return self.current.kind is Kind.NAME and self.current.text in names

    def at_operator(self, *operators: str) -> bool:
        """Tell whether the current token is one of *operators*."""
        return self.current.kind is Kind.OPERATOR and self.current.text in operators

    def skip_name(self, name: str) -> bool:
        """Step over the name *name* where it is the current token."""
        return self.at_name(name) and bool(self.advance())

    def skip_operator(self, operator: str) -> bool:
        """Step over *operator* where it is the current token."""
        return self.at_operator(operator) and bool(self.advance())

    def expect_operator(self, operator: str) -> None:
        """Step over *operator*, which has to be the current token."""
        if not self.skip_operator(operator):
            raise self.unexpected(f"`{operator}`")

    def expect_name(self) -> str:
        """Return the current token, which has to be a name."""
        if self.current.kind is not Kind.NAME:
            raise self.unexpected("a name")
        return self.advance().text

    def unexpected(self, expected: str) -> MalformedContentError:
        """Build the error for the current token."""
        found = repr(self.current.text[:40]) if self.current.text else "the end of the template"
        return malformed(self.current.offset, expected=expected, found=found)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Count a level of nesting."""
        self._depth += 1
        if self._depth > MAX_TEMPLATE_DEPTH:
            raise LimitExceededError(
                "the template is nested too deeply", expected=f"at most {MAX_TEMPLATE_DEPTH} levels"
            )
        try:
            yield
        finally:
            self._depth -= 1

    # -- the grammar ---------------------------------------------------------------------------

    def expression(self, *, conditional: bool = True) -> Node:
        """Parse an expression; *conditional* is False where an `if` ends it."""
        with self.deeper():
            left = self._or()
            while conditional and self.at_name("if"):
                offset = self.advance().offset
                test = self._or()
                orelse = self.expression() if self.skip_name("else") else None
                left = nodes.Choice(offset=offset, test=test, body=left, orelse=orelse)
            return left

    def tuple_of(
        self, *, conditional: bool = True, ends: tuple[str, ...] = (), empty: bool = False
    ) -> Node:
        """Parse expressions between commas; a single one without a comma stands for itself."""
        return self._tuple(lambda: self.expression(conditional=conditional), ends, empty=empty)

    def target(self, *, ends: tuple[str, ...] = ()) -> Node:
        """Parse what is assigned to: names, `namespace.name`, tuples of them."""
        return self._tuple(self._target, ends, empty=False)

    def arguments(self) -> nodes.Arguments:
        """Parse what stands in the parentheses of a call."""
        offset = self.current.offset
        self.expect_operator("(")
        positional: list[Node] = []
        keywords: list[tuple[str, Node]] = []
        spread: list[Node] = []
        while not self.at_operator(")"):
            if self.skip_operator("*") or self.skip_operator("**"):
                spread.append(self.expression())
            elif self.current.kind is Kind.NAME and self._is_assignment(self.look()):
                name = self.advance().text
                self.advance()
                keywords.append((name, self.expression()))
            else:
                positional.append(self.expression())
            if not self.at_operator(")"):
                self.expect_operator(",")
        self.advance()
        return nodes.Arguments(
            offset=offset,
            positional=tuple(positional),
            keywords=tuple(keywords),
            spread=tuple(spread),
        )

    def filters(self, value: Node | None, *, inline: bool = False) -> Node | None:
        """Parse filters behind *value*; with *inline* the first has no `|` before it."""
        while inline or self.skip_operator("|"):
            inline = False
            offset = self.current.offset
            name = self._dotted_name()
            arguments = self._optional_arguments()
            value = nodes.Filter(offset=offset, value=value, name=name, arguments=arguments)
        return value

    @staticmethod
    def _is_assignment(token: Token) -> bool:
        return token.kind is Kind.OPERATOR and token.text == "="

    def _tuple(self, parse: Callable[[], Node], ends: tuple[str, ...], *, empty: bool) -> Node:
        offset = self.current.offset
        items: list[Node] = []
        commas = 0
        while not self._at_tuple_end(ends):
            items.append(parse())
            if not self.skip_operator(","):
                break
            commas += 1
        if not commas and (items or not empty):
            if not items:
                raise self.unexpected("an expression")
            return items[0]
        return nodes.Sequence(offset=offset, items=tuple(items))

    def _at_tuple_end(self, ends: tuple[str, ...]) -> bool:
        return self.current.kind is Kind.END or self.at_operator(")") or self.at_name(*ends)

    def _target(self) -> Node:
        token = self.current
        if self.skip_operator("("):
            inner = self.target()
            self.expect_operator(")")
            return inner
        name: Node = nodes.Name(offset=token.offset, name=self.expect_name())
        if self.skip_operator("."):
            return nodes.Attribute(offset=token.offset, owner=name, name=self.expect_name())
        return name

    def _chain(self, parse: Callable[[], Node], *operators: str) -> Node:
        """Parse operands between *operators*, which group to the left."""
        left = parse()
        while self.current.text in operators and self.current.kind in (Kind.OPERATOR, Kind.NAME):
            token = self.advance()
            right = parse()
            left = nodes.Binary(offset=token.offset, operator=token.text, left=left, right=right)
        return left

    def _or(self) -> Node:
        return self._chain(self._and, "or")

    def _and(self) -> Node:
        return self._chain(self._not, "and")

    def _not(self) -> Node:
        if self.at_name("not"):
            with self.deeper():
                offset = self.advance().offset
                return nodes.Unary(offset=offset, operator="not", operand=self._not())
        return self._compare()

    def _compare(self) -> Node:
        left = self._sum()
        while True:
            offset = self.current.offset
            if self.at_operator(*_COMPARISONS) or self.at_name("in"):
                operator = self.advance().text
            elif self.at_name("not") and self.look().text == "in":
                self.advance()
                self.advance()
                operator = "not in"
            else:
                return left
            left = nodes.Binary(offset=offset, operator=operator, left=left, right=self._sum())

    def _sum(self) -> Node:
        return self._chain(self._concatenation, "+", "-")

    def _concatenation(self) -> Node:
        return self._chain(self._product, "~")

    def _product(self) -> Node:
        return self._chain(self._power, "*", "/", "//", "%")

    def _power(self) -> Node:
        return self._chain(self._unary, "**")

    def _unary(self, *, filtered: bool = True) -> Node:
        if self.at_operator("-", "+"):
            with self.deeper():
                token = self.advance()
                operand = self._unary(filtered=False)
            node: Node = nodes.Unary(offset=token.offset, operator=token.text, operand=operand)
        else:
            node = self._primary()
        node = self._postfix(node)
        return self._filtered(node) if filtered else node

    def _primary(self) -> Node:
        token = self.current
        if token.kind is Kind.NAME:
            self.advance()
            if token.text in _LITERALS:
                value = _LITERALS[token.text]
                return nodes.Literal(offset=token.offset, value=value, source=token.text)
            return nodes.Name(offset=token.offset, name=token.text)
        if token.kind is Kind.CONSTANT:
            return self._constant()
        if self.skip_operator("("):
            with self.deeper():
                inner = self.tuple_of(empty=True)
            self.expect_operator(")")
            return inner
        if self.skip_operator("["):
            return nodes.Sequence(offset=token.offset, items=self._items("]", pairs=False))
        if self.skip_operator("{"):
            return nodes.Table(offset=token.offset, items=self._items("}", pairs=True))
        raise self.unexpected("an expression")

    def _constant(self) -> Node:
        """Parse a number, or strings that stand side by side and are one."""
        token = self.advance()
        if not isinstance(token.value, str):
            return nodes.Literal(offset=token.offset, value=token.value, source=token.text)
        values, sources = [token.value], [token.text]
        while self.current.kind is Kind.CONSTANT and isinstance(self.current.value, str):
            values.append(self.current.value)
            sources.append(self.advance().text)
        return nodes.Literal(offset=token.offset, value="".join(values), source=" ".join(sources))

    def _items(self, end: str, *, pairs: bool) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self.at_operator(end):
            items.append(self.expression())
            if pairs:
                self.expect_operator(":")
                items.append(self.expression())
            if not self.at_operator(end):
                self.expect_operator(",")
        self.advance()
        return tuple(items)

    def _postfix(self, node: Node) -> Node:
        while True:
            offset = self.current.offset
            if self.skip_operator("."):
                node = self._member(node, offset)
            elif self.skip_operator("["):
                node = nodes.Item(offset=offset, owner=node, index=self._index())
            elif self.at_operator("("):
                node = nodes.Call(offset=offset, function=node, arguments=self.arguments())
            else:
                return node

    def _member(self, owner: Node, offset: int) -> Node:
        """Parse what stands behind a dot: a name, or the number of an item."""
        token = self.current
        if token.kind is Kind.CONSTANT and isinstance(token.value, int):
            return nodes.Item(offset=offset, owner=owner, index=self._constant())
        return nodes.Attribute(offset=offset, owner=owner, name=self.expect_name())

    def _index(self) -> Node:
        offset = self.current.offset
        parts: list[Node] = []
        while not self.at_operator("]"):
            parts.append(self._subscript())
            if not self.at_operator("]"):
                self.expect_operator(",")
        self.advance()
        if len(parts) == 1:
            return parts[0]
        return nodes.Sequence(offset=offset, items=tuple(parts))

    def _subscript(self) -> Node:
        offset = self.current.offset
        parts: list[Node | None] = [None if self.at_operator(":") else self.expression()]
        while self.skip_operator(":"):
            at_end = self.at_operator(":", "]", ",")
            parts.append(None if at_end else self.expression())
        first = parts[0]
        if len(parts) == 1 and first is not None:
            return first
        return nodes.Slice(offset=offset, parts=tuple(parts))

    def _filtered(self, node: Node) -> Node:
        while True:
            if self.at_operator("|"):
                node = self.filters(node) or node
            elif self.at_name("is"):
                node = self._test(node)
            elif self.at_operator("("):
                offset = self.current.offset
                node = nodes.Call(offset=offset, function=node, arguments=self.arguments())
            else:
                return node

    def _test(self, value: Node) -> Node:
        offset = self.advance().offset
        negated = self.skip_name("not")
        name = self._dotted_name()
        arguments = nodes.Arguments(offset=self.current.offset)
        if self.at_operator("("):
            arguments = self.arguments()
        elif self._at_test_argument():
            argument = self._postfix(self._primary())
            arguments = nodes.Arguments(offset=argument.offset, positional=(argument,))
        test = nodes.Test(offset=offset, value=value, name=name, arguments=arguments)
        return nodes.Unary(offset=offset, operator="not", operand=test) if negated else test

    def _at_test_argument(self) -> bool:
        if self.current.kind is Kind.NAME:
            return self.current.text not in _TEST_ENDS
        return self.current.kind is Kind.CONSTANT or self.at_operator("[", "{")

    def _dotted_name(self) -> str:
        name = self.expect_name()
        while self.skip_operator("."):
            name += f".{self.expect_name()}"
        return name

    def _optional_arguments(self) -> nodes.Arguments:
        if self.at_operator("("):
            return self.arguments()
        return nodes.Arguments(offset=self.current.offset)
