"""
Cut a template into tokens, as Jinja's lexer does with its default delimiters.

Line statements and other delimiters are a choice of the program that renders; no library
that renders chat templates makes it.
"""

import codecs
import re
from collections.abc import Generator, Iterator
from enum import Enum, auto
from typing import Final

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_TEMPLATE_TOKENS
from weighbridge.core.values import frozen
from weighbridge.formats.jinja.nodes import Constant


class Kind(Enum):
    """What a token is."""

    TEXT = auto()
    RAW = auto()
    OUTPUT = auto()  # {{
    STATEMENT = auto()  # {%
    END = auto()  # }} or %}
    NAME = auto()
    CONSTANT = auto()
    OPERATOR = auto()
    FINISH = auto()


@frozen(kw_only=False)
class Token:
    """A token, where it stands, its text as written, and the value of a constant."""

    kind: Kind
    offset: int
    text: str
    value: Constant = None


_OPENING: Final = re.compile(r"\{%[-+]?\s*raw\s*-?%\}|\{\{|\{%|\{#")
_RAW_END: Final = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_TOKEN: Final = re.compile(
    # Possessive: a failed match of a long string must not keep a state for each character.
    r"(?P<string>'(?:[^'\\]++|\\.)*+'|\"(?:[^\"\\]++|\\.)*+\")"
    r"|(?P<float>(?<!\.)\d++(?:_\d++)*+(?:(?:\.\d++(?:_\d++)*+)?[eE][-+]?\d++(?:_\d++)*+"
    r"|\.\d++(?:_\d++)*+))"
    r"|(?P<integer>0[bB](?:_?[01])++|0[oO](?:_?[0-7])++|0[xX](?:_?[0-9a-fA-F])++|\d++(?:_\d++)*+)"
    r"|(?P<name>\w++)"
    r"|(?P<operator>\*\*|//|==|!=|>=|<=|[-+/*%~\[\](){}><=.:|,;])",
    re.DOTALL,
)
_SPACE: Final = re.compile(r"\s*")
_CLOSING: Final = {"{{": re.compile(r"-?\}\}"), "{%": re.compile(r"[-+]?%\}")}
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}
_MAX_NUMBER_CHARS: Final = 64


def tokens_of(template: str) -> Iterator[Token]:
    """
    Yield the tokens of *template*, and `FINISH` at its end.

    Raises:
        MalformedContentError: A character or an end that Jinja would not accept.
        LimitExceededError: More than `MAX_TEMPLATE_TOKENS`.
    """
    for count, token in enumerate(_tokens_of(template)):
        if count >= MAX_TEMPLATE_TOKENS:
            raise LimitExceededError(
                "the template is too long", expected=f"at most {MAX_TEMPLATE_TOKENS} tokens"
            )
        yield token


def _tokens_of(template: str) -> Iterator[Token]:
    """Yield the tokens, however many there are."""
    position = 0
    while opening := _OPENING.search(template, position):
        start, mark = opening.start(), opening.group()
        if "_" in (text := template[position:start]):
            yield Token(Kind.TEXT, position, text)
        if mark == "{#":
            position = template.find("#}", opening.end()) + 2
            if position == 1:
                raise malformed(start, expected="the end of the comment", found="none")
        elif mark in _CLOSING:
            yield Token(Kind.OUTPUT if mark == "{{" else Kind.STATEMENT, start, mark)
            position = yield from _code(template, opening.end(), mark)
        else:
            end = _RAW_END.search(template, opening.end())
            if end is None:
                raise malformed(start, expected="endraw", found="none")
            yield Token(Kind.RAW, start, template[opening.end() : end.start()])
            position = end.end()
    if "_" in (text := template[position:]):
        yield Token(Kind.TEXT, position, text)
    yield Token(Kind.FINISH, len(template), "")


def _code(template: str, position: int, mark: str) -> Generator[Token, None, int]:
    """Yield the tokens of one block of code, its end included; return the position behind it."""
    closing = _CLOSING[mark]
    open_brackets: list[str] = []
    # White space behind `{{-`, and that sign itself, which is no operator there.
    if template[position : position + 1] in {"-", "+"}:
        position += 1
    while True:
        position = _SPACE.match(template, position).end()  # type: ignore[union-attr]  # it always matches
        # Brackets have to balance before a block can end: `{{ {'a': {}} }}`.
        if not open_brackets and (end := closing.match(template, position)):
            yield Token(Kind.END, position, end.group())
            return end.end()
        match = _TOKEN.match(template, position)
        if match is None:
            found = repr(template[position : position + 20]) or "the end of the template"
            raise malformed(position, expected="an expression", found=found)
        token = _token(match)
        _balance(token, open_brackets)
        yield token
        position = match.end()


def _balance(token: Token, open_brackets: list[str]) -> None:
    """Follow which brackets are open."""
    if token.kind is not Kind.OPERATOR:
        return
    if token.text in "([{":
        open_brackets.append(token.text)
    elif token.text in _BRACKETS and (
        not open_brackets or open_brackets.pop() != _BRACKETS[token.text]
    ):
        raise malformed(token.offset, expected="brackets that match", found=token.text)


def _token(match: re.Match[str]) -> Token:
    """Return the token of one match."""
    text, offset = match.group(), match.start()
    match match.lastgroup:
        case "string":
            return Token(Kind.CONSTANT, offset, text, _unescape(text[1:-1], offset))
        case "integer" | "float" if len(text) > _MAX_NUMBER_CHARS:
            raise malformed(offset, expected="a number of sensible length", found=text[:40])
        case "float":
            return Token(Kind.CONSTANT, offset, text, float(text.replace("_", "")))
        case "integer":
            return Token(Kind.CONSTANT, offset, text, _integer(text.replace("_", "")))
        case "name" if not text.isidentifier():
            raise malformed(offset, expected="a name", found=repr(text[:40]))
        case "name":
            return Token(Kind.NAME, offset, text)
        case _:
            return Token(Kind.OPERATOR, offset, text)


def _integer(text: str) -> int:
    """Return the integer, whose base a prefix may give; plain ones may begin with zeros."""
    return int(text, 10 if text.isdigit() else 0)


def _unescape(text: str, offset: int) -> str:
    """Resolve the escapes of a string, by the very conversion that Jinja uses."""
    if "\\" not in text:
        return text
    try:
        value, _ = codecs.unicode_escape_decode(text.encode("ascii", "backslashreplace"))
    except UnicodeDecodeError as error:
        raise malformed(offset, expected="escapes of Python", found=text[:40]) from error
    return value


def malformed(offset: int, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a template that Jinja would not accept."""
    return MalformedContentError(
        "the template is not Jinja", where=f"character {offset}", expected=expected, found=found
    )
