"""
The text form of protobuf messages, as far as its tokens go.

Without the schema, a text says which fields have which texts; nothing else is looked for. The
tokens are those of the text format's specification: texts in either quotes with C's escapes,
adjoining texts being one, comments, names and numbers.
"""

import re
from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import MalformedContentError

_TOKEN: Final = re.compile(
    r"""(?P<space>(?:[ \t\r\n\f\v]|\#[^\n]*)+)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<word>[A-Za-z0-9_.+/-]+)
      | (?P<mark>[{}<>\[\]:;,])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(
    r"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)
_NAMED: Final = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def read_texts(document: str) -> Iterator[tuple[str, str, int]]:
    """
    Yield each field that has a text: its name, the text, and where it starts, in characters.

    Raises:
        MalformedContentError: Something is no token of the format.
    """
    name = ""
    parts: list[str] = []
    start = at = 0
    while at < len(document):
        match = _TOKEN.match(document, at)
        if match is None:
            raise MalformedContentError(
                f"at character {at}",
                where="protobuf text",
                expected="a name, a text or a mark",
                found=repr(document[at : at + 40]),
            )
        if match["text"]:
            start = start if parts else at
            parts.append(_ESCAPE.sub(_expand, match["text"][1:-1]))
        elif not match["space"]:
            if parts:
                yield name, "".join(parts), start
                parts = []
            if match["word"]:
                name = match["word"]
        at = match.end()
    if parts:
        yield name, "".join(parts), start


def _expand(match: re.Match[str]) -> str:
    """Return the character that an escape stands for."""
    octal, two, four, eight, other = match.groups()
    if octal:
        return chr(int(octal, 8) & 0xFF)
    code = two or four or eight
    if code:
        number = int(code, 16)
        return chr(number) if number <= 0x10FFFF else "�"  # noqa: PLR2004  the last character
    return _NAMED.get(other, other)
