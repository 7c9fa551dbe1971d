"""
PEM files, read strictly: one spelling for each content.

Source: RFC 7468. A general PEM reader skips what it does not understand, so that a changed
byte may go unnoticed. Here a block must be exactly what a writer of RFC 7468 produces: lines of
64 characters, canonical base64, one line break style throughout. Explanatory text before a
block (section 2) is allowed, since tools write it; it is no part of the content.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES
from weighbridge.core.values import frozen

_LINE_CHARS: Final = 64
_BLOCK: Final = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]{1,64})-----\n"
    r"(?P<body>(?:(?!-----).)*)"
    r"-----END (?P=label)-----(?:\n|\Z)",
    re.DOTALL,
)
_HEADERS: Final = re.compile(
    r"Proc-Type: 4,ENCRYPTED\nDEK-Info: [A-Z0-9-]{1,64},[0-9A-F]{1,64}\n\n"
)
"""Of private keys that OpenSSL encrypted the old way (RFC 1421 4.6)."""


@frozen
class PemBlock:
    """
    One block of a PEM file.

    Attributes:
        label: Such as `PUBLIC KEY`.
        der: The content; still encrypted where `text` has headers that say so.
        text: The block itself, with plain line feeds and the final one.
    """

    label: str
    der: bytes
    text: bytes


def read_blocks(data: bytes, *, where: str, code: Code = Code.KEY_MALFORMED) -> list[PemBlock]:
    """
    Return the blocks of the PEM file *data*; at least one.

    Raises:
        KeyRejectedError: Too large, not ASCII where it counts, or anything that a writer of
            PEM does not produce.
    """

    def refuse(found: str, *, expected: str = "a PEM file") -> KeyRejectedError:
        return KeyRejectedError(
            "the file cannot be used", code=code, where=where, expected=expected, found=found
        )

    if len(data) > MAX_KEY_FILE_BYTES:
        raise refuse(f"{len(data)} bytes", expected=f"at most {MAX_KEY_FILE_BYTES} bytes")
    text = _plain_lines(data)
    if text is None:
        raise refuse("bytes that are not UTF-8, or mixed line breaks")
    blocks = []
    position = 0
    for match in _BLOCK.finditer(text):
        if "-----" in text[position : match.start()] or not _at_line_start(text, match.start()):
            raise refuse("a damaged BEGIN or END line")
        blocks.append(_block(match, refuse))
        position = match.end()
    if not blocks:
        raise refuse("no BEGIN and END lines that belong together")
    if text[position:]:
        raise refuse("something after the last END line", expected="at most one line break")
    return blocks


def _plain_lines(data: bytes) -> str | None:
    """Return the text with line feeds, whichever of the two styles it uses throughout."""
    if b"\r" in data:
        if data.count(b"\r\n") != data.count(b"\n") or data.count(b"\r") != data.count(b"\n"):
            return None
        data = data.replace(b"\r\n", b"\n")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _at_line_start(text: str, position: int) -> bool:
    return position == 0 or text[position - 1] == "\n"


def _block(match: re.Match[str], refuse: Callable[[str], KeyRejectedError]) -> PemBlock:
    """Decode one block; its body must be what an encoder makes of the content."""
    body = match["body"]
    headers = _HEADERS.match(body)
    encoded = body[headers.end() :] if headers else body
    try:
        der = base64.b64decode(encoded.replace("\n", "").encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        der = b""
    if not der or _wrapped(der) != encoded:
        raise refuse("a block whose base64 is not canonical in lines of 64 characters")
    return PemBlock(label=match["label"], der=der, text=match[0].rstrip("\n").encode() + b"\n")


def _wrapped(der: bytes) -> str:
    """Return the one canonical body for *der*."""
    text = base64.b64encode(der).decode("ascii")
    return "".join(f"{text[i : i + _LINE_CHARS]}\n" for i in range(0, len(text), _LINE_CHARS))
