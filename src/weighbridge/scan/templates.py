"""
Chat templates: Jinja programs that come with a model.

A template is cut into its code (what stands in `{{ }}` and `{% %}`) and its literal text
without evaluating anything. This is a lexical reading: it knows strings, comments and raw
blocks, and no grammar.
"""

import re
from dataclasses import dataclass
from typing import Final

from weighbridge.scan.interface import Facts, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateCode:
    """
    One block of code in a template.

    Attributes:
        offset: Characters from the start of the template.
        statement: Whether it is `{% %}`, not `{{ }}`.
        code: The block's text; each string in it stands as `""`.
        literals: The contents of its strings, with escapes resolved.
    """

    offset: int
    statement: bool
    code: str
    literals: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFacts(Facts):
    """
    A template that a framework renders.

    Attributes:
        where: Where in the file it stands.
        blocks: Its code, in order.
        unclosed: Whether the last block has no end.
    """

    where: str
    blocks: tuple[TemplateCode, ...]
    unclosed: bool


_OPENING: Final = re.compile(r"\{\{|\{%|\{#")
# What ends a stretch of code, or may hide its end. Jinja's strings have no prefixes and end at
# the first quote that no backslash escapes; brackets must balance before a block can end.
_TOKEN: Final = re.compile(
    # Possessive: a failed match of a long string must not keep a state for each character.
    r"'(?:[^'\\]++|\\.)*+'|\"(?:[^\"\\]++|\\.)*+\"|%\}|\}\}|[\[({})\]'\"]",
    re.DOTALL,
)
_CLOSING: Final = {"{{": "}}", "{%": "%}"}
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3}))"
)
_MAX_CODE_POINT: Final = 0x10FFFF


def template_facts(subject: Subject, template: str, *, where: str) -> TemplateFacts:
    """Return what *template*, found at *where* in *subject*, consists of."""
    blocks: list[TemplateCode] = []
    unclosed = False
    position = 0
    while opening := _OPENING.search(template, position):
        subject.check_time()
        if opening.group() == "{#":
            end = template.find("#}", opening.end())
            position = end + 2 if end >= 0 else len(template)
            unclosed = unclosed or end < 0
            continue
        code, literals, position = _read_block(template, opening)
        unclosed = unclosed or position < 0
        blocks.append(
            TemplateCode(
                offset=opening.start(),
                statement=opening.group() == "{%",
                code=code,
                literals=literals,
            )
        )
        if position < 0:
            break
    return TemplateFacts(subject=subject, where=where, blocks=tuple(blocks), unclosed=unclosed)


def _read_block(template: str, opening: re.Match[str]) -> tuple[str, tuple[str, ...], int]:
    """Return a block's code, its literals and the position behind it, -1 when it has no end."""
    closing = _CLOSING[opening.group()]
    code: list[str] = []
    literals: list[str] = []
    start = position = opening.end()
    depth = 0
    while token := _TOKEN.search(template, position):
        text = token.group()
        position = token.end()
        if text == closing and depth == 0:
            code.append(template[start : token.start()])
            return "".join(code), tuple(literals), position
        if text in {"'", '"'}:  # a string without an end
            break
        if text[0] in "'\"":
            code.append(template[start : token.start()] + '""')
            literals.append(_unescape(text[1:-1]))
            start = position
        elif text[0] in "[({":
            depth += 1
        else:
            # `}}` with brackets open closes one of them; the second brace is looked at again.
            position = token.start() + 1 if text == "}}" else position
            depth = max(depth - 1, 0)
    code.append(template[start:])
    return "".join(code), tuple(literals), -1


def _unescape(text: str) -> str:
    """Resolve the numeric escapes with which a name can be hidden in a string."""

    def character(match: re.Match[str]) -> str:
        octal = match.group(4)
        digits = match.group(1) or match.group(2) or match.group(3)
        value = int(octal, 8) if octal else int(digits, 16)
        return chr(value) if value <= _MAX_CODE_POINT else match.group()

    return _ESCAPE.sub(character, text)
