"""File names: which are canonical (one spelling, no trick), and which lie below which."""

import unicodedata
from collections.abc import Collection
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import one_line

_BIDIRECTIONAL: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def name_problem(name: str, /) -> tuple[Code, str] | None:
    """
    Tell what is wrong with one path component, or None.

    Args:
        name: As `os.scandir` gives it: bytes that are not UTF-8 are lone surrogates.
    """
    if name.isascii() and name.isprintable() and "\\" not in name:
        return None
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return Code.NAME_NOT_UTF8, "the name's bytes are not UTF-8"
    for character in name:
        if character == "\\":
            return Code.NAME_NOT_CANONICAL, "the name has a backslash, a separator elsewhere"
        if unicodedata.category(character) in _REFUSED_CATEGORIES or character in _BIDIRECTIONAL:
            return Code.NAME_NOT_CANONICAL, f"the name has the control character {character!a}"
    if not unicodedata.is_normalized("NFC", name):
        return Code.NAME_NOT_CANONICAL, "the name is not in Unicode normalization form C"
    return None


def displayed(name: str, /) -> str:
    """Return a refused *name* as text of one line: bytes and characters that act are escaped."""
    return one_line(as_text(name))


def as_text(name: str, /) -> str:
    """Return *name*, with bytes that are not UTF-8 escaped: documents cannot hold them."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_under(path: str, roots: Collection[str], /) -> bool:
    """Tell whether *path* is one of *roots* or lies below one; `.` has nothing below it."""
    if path in roots:
        return True
    slash = path.find("/")
    while slash >= 0:
        if path[:slash] in roots:
            return True
        slash = path.find("/", slash + 1)
    return False
