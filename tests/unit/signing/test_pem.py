"""PEM files have one spelling."""

import base64

import pytest

from support.signatures import refused
from weighbridge.core.codes import Code
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES
from weighbridge.signing.pem import read_blocks

LINE = base64.b64encode(b"x" * 48).decode()
BLOCK = f"-----BEGIN THING-----\n{LINE}\neHg=\n-----END THING-----\n"


@pytest.mark.parametrize(
    "text",
    [
        BLOCK,
        BLOCK.rstrip("\n"),
        BLOCK.replace("\n", "\r\n"),
        f"what this is: é\n\n{BLOCK}",
    ],
    ids=["plain", "no final newline", "CRLF throughout", "text before"],
)
def test_each_way_of_writing_a_file_is_read(text: str) -> None:
    """Final newline, line break style and explanatory text do not change the content."""
    (block,) = read_blocks(text.encode(), where="f.pem")
    assert (block.label, block.der, block.text) == ("THING", b"x" * 50, BLOCK.encode())


def test_several_blocks_keep_their_order() -> None:
    """A file with two blocks gives both, in order."""
    second = BLOCK.replace("THING", "OTHER")
    blocks = read_blocks(f"{BLOCK}text\n{second}".encode(), where="f.pem")
    assert [block.label for block in blocks] == ["THING", "OTHER"]


@pytest.mark.parametrize(
    "text",
    {
        "empty": "",
        "no block": "text\n",
        "no end": BLOCK[:40],
        "labels differ": BLOCK.replace("END THING", "END OTHER"),
        "begin damaged": f"{BLOCK}{BLOCK.replace('-----BEGIN', '----_BEGIN')}",
        "not at the start of a line": f"text{BLOCK}",
        "text after": f"{BLOCK}text\n",
        "two final newlines": f"{BLOCK}\n",
        "final space": BLOCK.replace("THING-----\n", "THING----- \n"),
        "mixed line breaks": BLOCK.replace("\n", "\r\n", 1),
        "lone carriage return": BLOCK.replace("\n", "\r"),
        "short line": BLOCK.replace(LINE, f"{LINE[:60]}\n{LINE[60:]}"),
        "blank line": BLOCK.replace("\n", "\n\n", 1),
        "space in the body": BLOCK.replace("eHg=", "eH g="),
        "loose bits": BLOCK.replace("eHg=", "eHh="),
        "no padding": BLOCK.replace("eHg=", "eHg"),
        "no content": "-----BEGIN THING-----\n-----END THING-----\n",
        "beyond ASCII": BLOCK.replace("eHg=", "eHé="),
        "unknown header": BLOCK.replace("THING-----\n", "THING-----\nComment: x\n\n", 1),
    }.values(),
)
def test_each_other_spelling_is_refused(text: str) -> None:
    """A file that no PEM writer produces is refused, naming it."""
    with refused(Code.KEY_MALFORMED, text="f.pem"):
        read_blocks(text.encode(), where="f.pem")


def test_bytes_that_are_not_text_are_refused() -> None:
    """A file that is not UTF-8 is refused."""
    with refused(Code.KEY_MALFORMED):
        read_blocks(b"\xff" + BLOCK.encode(), where="f.pem")


def test_a_file_beyond_the_bound_is_refused() -> None:
    """A file larger than the bound is refused before it is looked at."""
    with refused(Code.CERTIFICATE_MALFORMED, text="at most"):
        read_blocks(b"x" * (MAX_KEY_FILE_BYTES + 1), where="f.pem", code=Code.CERTIFICATE_MALFORMED)
