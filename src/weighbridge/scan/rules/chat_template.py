"""Rule `chat-template`: a chat template does more than format text."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.templates import TemplateCode, TemplateFacts

_DUNDER: Final = re.compile(r"__\w+?__")
_STATEMENT: Final = re.compile(r"[-+\s]*(?:import|include|extends|from)\b")
_CODE: Final = (
    (_DUNDER, "the template reaches for Python internals"),
    (
        re.compile(
            r"\.\s*(?:_\w+|mro\b|(?:gi|cr|ag|tb)_(?:frame|code|next)\b"
            r"|(?:f|func|co)_(?:globals|locals|builtins|back|code|consts)\b)"
        ),
        "the template reaches for private attributes",
    ),
    (re.compile(r"\|\s*attr\b"), "the template takes attributes by computed names"),
    (
        re.compile(r"(?<![.\w])(?:cycler|joiner|lipsum|self|request|get_flashed_messages)\b"),
        "the template uses an object known as a way to Python internals",
    ),
    (
        re.compile(
            r"\b(?:subprocess|builtins|importlib)\s*\.|\.\s*(?:popen|system|eval|exec)\s*\("
        ),
        "the template calls into the system",
    ),
)
"""What no chat template needs (CVE-2024-34359, and the sandbox escapes that Jinja documents)."""


class ChatTemplate(Rule[TemplateFacts]):
    """A chat template does more than format text."""

    id: ClassVar[str] = "chat-template"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = TemplateFacts

    def check(self, facts: TemplateFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.unclosed:
            yield Match(
                message="the template does not end: it cannot be read to its end",
                severity=Severity.MEDIUM,
                evidence=(facts.where,),
            )
        for block in facts.blocks:
            yield from _check_block(facts.where, block)


def _check_block(where: str, block: TemplateCode) -> Iterator[Match]:
    """Yield what speaks against one block of code."""
    strings = "\n".join(block.literals)
    for pattern, message in _CODE:
        if match := pattern.search(block.code):
            yield _match(where, block, match.group(), message)
    if match := _DUNDER.search(strings):
        yield _match(where, block, match.group(), "the template names Python internals in a string")
    elif "__" in strings or any(literal == "_" for literal in block.literals):
        yield _match(
            where,
            block,
            strings,
            "the template holds pieces from which names of Python internals can be made",
            severity=Severity.MEDIUM,
            confidence=Confidence.LOW,
        )
    if block.statement and (match := _STATEMENT.match(block.code)):
        yield _match(where, block, match.group(), "the template loads another template")


def _match(
    where: str,
    block: TemplateCode,
    text: str,
    message: str,
    *,
    severity: Severity | None = None,
    confidence: Confidence | None = None,
) -> Match:
    """Return the match for *text* in *block*."""
    return Match(
        message=message,
        severity=severity,
        confidence=confidence,
        evidence=(f"{where}, character {block.offset}: {text}",),
    )
