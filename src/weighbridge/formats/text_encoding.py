"""
Which encoding a text has that is not UTF-8, by its first bytes.

YAML and JSON may be UTF-16 and UTF-32 (YAML 1.2.2, 5.2; `json.detect_encoding`), and their readers
in Python take both. Without a byte order mark, zeros beside a bracket tell JSON.
"""

import codecs
from typing import Final

BOM: Final = codecs.BOM_UTF8
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_JSON: Final = tuple(
    (bracket.encode(name), name)
    for name in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
    for bracket in "{["
)
_SPACE: Final = "\t\n\r\f"
MARK: Final = "\ufeff"


def find_encoding(head: bytes) -> str | None:
    """Return the encoding that *head* begins to be; None where it is UTF-8 or no text."""
    for start, name in (*_MARKS, *_JSON):
        if head.startswith(start):
            return name
    return None


def is_marked(head: bytes) -> bool:
    """Tell whether *head* starts with a byte order mark of these encodings."""
    return any(head.startswith(mark) for mark, _ in _MARKS)


def decode_start(head: bytes, *, whole: bool) -> str | None:
    """Return *head* decoded, without its mark; None where it is no text of these encodings."""
    name = find_encoding(head)
    if name is None:
        return None
    try:
        text = codecs.getincrementaldecoder(name)().decode(head, whole)
    except UnicodeDecodeError:
        return None
    if any(c < " " and c not in _SPACE for c in text) or "\x7f" in text:
        return None
    return text.removeprefix(MARK)
