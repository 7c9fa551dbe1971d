"""
Numbers and strings in text form, as each of CPython's two unpicklers reads them.

The C one (`Modules/_pickle.c`) hands the line to C functions that stop at a NUL and know
octal; the Python one (`Lib/pickle.py`) calls `int` and `float`. Each function here returns
None where the respective unpickler raises.
"""

import re
from typing import Final

MAX_DIGITS: Final = 4300
"""Decimal digits that `int` converts (CVE-2020-10735). Interpreters without that limit go on
where newer ones stop, so a longer number counts as read, as 0."""

_STRTOL: Final = re.compile(
    rb"[ \t\n\v\f\r]*([+-]?)(?:(0[xX][0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]{0,18}))"
)
_DECIMAL: Final = re.compile(rb"\s*[+-]?[0-9](?:_?[0-9])*\s*")
_C_FLOAT: Final = re.compile(
    rb"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE
)
_ESCAPE: Final = re.compile(rb"\\(\n|[\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|.|\Z)", re.DOTALL)
_SIMPLE: Final = {
    b"\n": b"",
    b"\\": b"\\",
    b"'": b"'",
    b'"': b'"',
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
_INT64: Final = 1 << 63


def c_int(line: bytes) -> int | None:
    """Read the argument of INT as the C unpickler does: `strtol`, then a Python int."""
    if not line:
        return None
    text = line.split(b"\0", 1)[0]
    if not text:
        return False if len(line) == 2 else 0  # noqa: PLR2004  two characters mean a bool
    found = _STRTOL.fullmatch(text)
    if found:
        sign, hexadecimal, octal, decimal = found.groups()
        value = int(hexadecimal or octal or decimal, 16 if hexadecimal else 8 if octal else 10)
        value = -value if sign == b"-" else value
        if -_INT64 <= value < _INT64:
            is_bool = len(line) == 2 and value in {0, 1}  # noqa: PLR2004  as above
            return bool(value) if is_bool else value
    return _python_int(text, base=0)


def pure_int(line: bytes) -> int | None:
    """Read the argument of INT as the Python unpickler does."""
    if line in {b"00", b"01"}:
        return line == b"01"
    return _python_int(line, base=0)


def c_long(line: bytes) -> int | None:
    """Read the argument of LONG as the C unpickler does."""
    return _python_int(line.removesuffix(b"L").split(b"\0", 1)[0], base=0)


def pure_long(line: bytes) -> int | None:
    """Read the argument of LONG as the Python unpickler does."""
    return _python_int(line.removesuffix(b"L"), base=0)


def c_float(line: bytes) -> float | None:
    """Read the argument of FLOAT as the C unpickler does: no spaces, no overflow."""
    text = line.split(b"\0", 1)[0]
    if not _C_FLOAT.fullmatch(text):
        return None
    value = float(text)
    if value in {float("inf"), float("-inf")} and b"n" not in text.lower():
        return None
    return value


def pure_float(line: bytes) -> float | None:
    """Read the argument of FLOAT as the Python unpickler does."""
    try:
        return float(line)
    except ValueError:
        return None


def c_index(line: bytes) -> int | None:
    """Read the argument of GET or PUT as the C unpickler does."""
    value = _python_int(line.split(b"\0", 1)[0], base=10)
    return value if value is not None and -_INT64 <= value < _INT64 else None


def pure_index(line: bytes) -> int | None:
    """Read the argument of GET or PUT as the Python unpickler does."""
    return _python_int(line, base=10)


def unquote(line: bytes) -> bytes | None:
    """Read the argument of STRING: quoted, with the escapes of a bytes literal."""
    if len(line) < 2 or line[0] != line[-1] or line[0] not in b"'\"":  # noqa: PLR2004  the quotes
        return None
    body = line[1:-1]
    if b"\\" not in body:
        return body
    try:
        return _ESCAPE.sub(_unescape, body)
    except ValueError:
        return None


def _unescape(found: re.Match[bytes]) -> bytes:
    """Return what one escape stands for; an unknown one stands for itself."""
    text = found[1]
    if text in _SIMPLE:
        return _SIMPLE[text]
    if not text or text == b"x":
        raise ValueError("truncated escape")
    if text[:1] == b"x":
        return bytes([int(text[1:], 16)])
    if text[:1] in b"01234567":
        return bytes([int(text, 8) & 0xFF])
    return found[0]


def _python_int(text: bytes, *, base: int) -> int | None:
    """Call `int`; more digits than it converts count as 0."""
    if len(text) > MAX_DIGITS and _DECIMAL.fullmatch(text):
        return 0
    try:
        return int(text, base)
    except ValueError:
        return None
