"""
The statements of a template (Jinja 3.1, `parser.py`), and those of its extensions.

Known beside Jinja's own: `do`, `break` and `continue` (its extensions), and `generation`, with
which the transformers library marks what an assistant says. Any other tag is an error, as it
would be for the library that renders.
"""

from collections.abc import Callable, Mapping
from typing import Final

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.documents import MAX_TEMPLATE_CHARS
from weighbridge.formats.jinja import nodes
from weighbridge.formats.jinja.expressions import Expressions
from weighbridge.formats.jinja.lexer import Kind
from weighbridge.formats.jinja.nodes import Node

Body = tuple[Node, ...]


def parse_template(template: str) -> Body:
    """
    Return the syntax tree of *template*.

    Raises:
        MalformedContentError: Jinja would not accept it.
        LimitExceededError: Longer or nested deeper than the limits.
    """
    if len(template) > MAX_TEMPLATE_CHARS:
        raise LimitExceededError(
            "the template is too long",
            expected=f"at most {MAX_TEMPLATE_CHARS} characters",
            found=str(len(template)),
        )
    return _Parser(template).template()


class _Parser(Expressions):
    """The grammar of statements."""

    def template(self) -> Body:
        """Parse the whole template."""
        body = self._body()
        if self.current.kind is not Kind.FINISH:
            raise self.unexpected("text or a statement that is known")
        return body

    def _body(self, *ends: str) -> Body:
        """Parse up to a statement in *ends*, which becomes the current token."""
        body: list[Node] = []
        while True:
            token = self.current
            match token.kind:
                case Kind.TEXT:
                    self.advance()
                    body.append(nodes.Text(offset=token.offset, text=token.text))
                case Kind.RAW:
                    self.advance()
                    body.append(nodes.Raw(offset=token.offset, text=token.text))
                case Kind.OUTPUT:
                    self.advance()
                    body.append(nodes.Output(offset=token.offset, values=(self.tuple_of(),)))
                    self._end()
                case Kind.STATEMENT:
                    self.advance()
                    if self.at_name(*ends):
                        return tuple(body)
                    body.extend(self._statement(token.offset))
                    self._end()
                case _ if ends:
                    raise self.unexpected(" or ".join(ends))
                case _:
                    return tuple(body)

    def _end(self) -> None:
        """Step over the end of a block of code."""
        if self.current.kind is not Kind.END:
            raise self.unexpected("the end of the expression or statement")
        self.advance()

    def _block(self, *ends: str) -> Body:
        """Parse the body of a statement whose head is complete, up to the name that ends it."""
        self.skip_operator(":")
        self._end()
        with self.deeper():
            return self._body(*ends)

    def _closed_block(self, end: str) -> Body:
        """Parse a body that only *end* ends, and step over that."""
        body = self._block(end)
        self.advance()
        return body

    def _statement(self, offset: int) -> Body:
        name = self.expect_name()
        parse = _STATEMENTS.get(name)
        if parse is None:
            raise self.unexpected(f"a statement that is known, not `{name[:40]}`, before")
        return parse(self, name, offset)

    def _for(self, _: str, offset: int) -> Body:
        target = self.target(ends=("in",))
        if not self.skip_name("in"):
            raise self.unexpected("in")
        iterable = self.tuple_of(conditional=False, ends=("recursive",))
        test = self.expression() if self.skip_name("if") else None
        self.skip_name("recursive")
        body = self._block("endfor", "else")
        orelse: Body = ()
        if self.advance().text == "else":
            orelse = self._closed_block("endfor")
        return (
            nodes.For(
                offset=offset, target=target, iterable=iterable, test=test, body=body, orelse=orelse
            ),
        )

    def _if(self, _: str, offset: int) -> Body:
        # Branches are collected and nested afterwards: a template may have hundreds of `elif`.
        branches: list[tuple[int, Node, Body]] = []
        orelse: Body = ()
        word, at = "elif", offset
        while word == "elif":
            test = self.tuple_of(conditional=False)
            branches.append((at, test, self._block("elif", "else", "endif")))
            at = self.current.offset
            word = self.advance().text
        if word == "else":
            orelse = self._closed_block("endif")
        for start, test, body in reversed(branches):
            orelse = (nodes.If(offset=start, test=test, body=body, orelse=orelse),)
        return orelse

    def _set(self, _: str, offset: int) -> Body:
        target = self.target()
        if self.skip_operator("="):
            return (nodes.Assignment(offset=offset, target=target, value=self.tuple_of()),)
        through = self.filters(None)
        body = self._closed_block("endset")
        return (
            nodes.Assignment(offset=offset, target=target, value=None, through=through, body=body),
        )

    def _with(self, name: str, offset: int) -> Body:
        pairs: list[Node] = []
        while self.current.kind is not Kind.END:
            if pairs:
                self.expect_operator(",")
            target = self._target()
            self.expect_operator("=")
            value = self.expression()
            pairs.append(nodes.Assignment(offset=target.offset, target=target, value=value))
        body = self._closed_block("endwith")
        return (nodes.Block(offset=offset, statement=name, values=tuple(pairs), body=body),)

    def _macro(self, _: str, offset: int) -> Body:
        name = self.expect_name()
        parameters, defaults = self._signature()
        body = self._closed_block("endmacro")
        return (
            nodes.Macro(
                offset=offset, name=name, parameters=parameters, defaults=defaults, body=body
            ),
        )

    def _call(self, name: str, offset: int) -> Body:
        parameters: tuple[str, ...] = ()
        defaults: Body = ()
        if self.at_operator("("):
            parameters, defaults = self._signature()
        call = self.expression()
        body = self._closed_block("endcall")
        macro = nodes.Macro(
            offset=offset, name="", parameters=parameters, defaults=defaults, body=body
        )
        return (nodes.Block(offset=offset, statement=name, values=(call,), body=(macro,)),)

    def _signature(self) -> tuple[tuple[str, ...], Body]:
        parameters: list[str] = []
        defaults: list[Node] = []
        self.expect_operator("(")
        while not self.at_operator(")"):
            if parameters:
                self.expect_operator(",")
            parameters.append(self.expect_name())
            if self.skip_operator("="):
                defaults.append(self.expression())
        self.advance()
        return tuple(parameters), tuple(defaults)

    def _filter(self, name: str, offset: int) -> Body:
        through = self.filters(None, inline=True)
        body = self._closed_block("endfilter")
        values = () if through is None else (through,)
        return (nodes.Block(offset=offset, statement=name, values=values, body=body),)

    def _autoescape(self, name: str, offset: int) -> Body:
        value = self.expression()
        body = self._closed_block("endautoescape")
        return (nodes.Block(offset=offset, statement=name, values=(value,), body=body),)

    def _generation(self, name: str, offset: int) -> Body:
        body = self._closed_block("endgeneration")
        return (nodes.Block(offset=offset, statement=name, values=(), body=body),)

    def _named_block(self, name: str, offset: int) -> Body:
        self.expect_name()
        self.skip_name("scoped")
        self.skip_name("required")
        body = self._closed_block("endblock")
        if self.current.kind is Kind.NAME:
            self.advance()
        return (nodes.Block(offset=offset, statement=name, values=(), body=body),)

    def _load(self, name: str, offset: int) -> Body:
        template = self.expression()
        # What is imported, under which name, and with which context changes nothing about the
        # judgement: the statement runs a template that is not this one.
        while self.current.kind in (Kind.NAME, Kind.OPERATOR):
            self.advance()
        return (nodes.Load(offset=offset, statement=name, template=template),)

    def _print(self, _: str, offset: int) -> Body:
        return (nodes.Output(offset=offset, values=(self.tuple_of(),)),)

    def _jump(self, name: str, offset: int) -> Body:
        return (nodes.Jump(offset=offset, statement=name),)


_STATEMENTS: Final[Mapping[str, Callable[[_Parser, str, int], Body]]] = {
    "autoescape": _Parser._autoescape,  # noqa: SLF001  the class is of this module, as are the others
    "block": _Parser._named_block,  # noqa: SLF001
    "break": _Parser._jump,  # noqa: SLF001
    "call": _Parser._call,  # noqa: SLF001
    "continue": _Parser._jump,  # noqa: SLF001
    "do": _Parser._print,  # noqa: SLF001
    "extends": _Parser._load,  # noqa: SLF001
    "filter": _Parser._filter,  # noqa: SLF001
    "for": _Parser._for,  # noqa: SLF001
    "from": _Parser._load,  # noqa: SLF001
    "generation": _Parser._generation,  # noqa: SLF001
    "if": _Parser._if,  # noqa: SLF001
    "import": _Parser._load,  # noqa: SLF001
    "include": _Parser._load,  # noqa: SLF001
    "macro": _Parser._macro,  # noqa: SLF001
    "print": _Parser._print,  # noqa: SLF001
    "set": _Parser._set,  # noqa: SLF001
    "with": _Parser._with,  # noqa: SLF001
}
