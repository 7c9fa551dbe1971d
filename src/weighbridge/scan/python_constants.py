"""
Which string an expression of Python always is, where constants alone make it.

Names of functions hide in strings that are put together: `'so'[::-1]`, `''.join(map(chr, ...))`,
`base64.b64decode(...).decode()`. Nothing is executed: the few operations with which this is done
are repeated here, on short constants only.
"""

import ast
import base64
import binascii
import codecs
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.limits.documents import MAX_PYTHON_NAME_CHARS

Texts = Mapping[str, str]
"""The strings that names of a module are set to."""

_MAX_DEPTH: Final = 32
_MAX_CHARACTER: Final = 0x10FFFF
_METHODS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "capitalize": str.capitalize,
        "casefold": str.casefold,
        "lower": str.lower,
        "strip": str.strip,
        "swapcase": str.swapcase,
        "title": str.title,
        "upper": str.upper,
    }
)
_DECODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "a2b_base64": binascii.a2b_base64,
        "a2b_hex": binascii.a2b_hex,
        "b16decode": base64.b16decode,
        "b32decode": base64.b32decode,
        "b64decode": base64.b64decode,
        "b85decode": base64.b85decode,
        "fromhex": lambda data: bytes.fromhex(data.decode("ascii")),
        "unhexlify": binascii.unhexlify,
        "urlsafe_b64decode": base64.urlsafe_b64decode,
    }
)


def constant_text(node: ast.expr, texts: Texts, *, depth: int = _MAX_DEPTH) -> str | None:
    """Return the string that *node* always is; None where nothing says so."""
    if depth == 0:
        return None
    text = _text(node, texts, depth - 1)
    return text if text is not None and len(text) <= MAX_PYTHON_NAME_CHARS else None


def _text(node: ast.expr, texts: Texts, depth: int) -> str | None:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return texts.get(name)
        case ast.BinOp():
            return _operation(node, texts, depth)
        case ast.JoinedStr(values=values):
            return _joined("", values, texts, depth)
        case ast.FormattedValue(value=value, format_spec=None):
            return constant_text(value, texts, depth=depth)
        case ast.Subscript(value=value, slice=index):
            whole = constant_text(value, texts, depth=depth)
            return None if whole is None else _item(whole, index)
        case ast.Call():
            return _call(node, texts, depth)
        case _:
            return None


def _operation(node: ast.BinOp, texts: Texts, depth: int) -> str | None:
    """Return what `+` and `%` make of constants."""
    left = constant_text(node.left, texts, depth=depth)
    if left is None:
        return None
    if isinstance(node.op, ast.Add):
        right = constant_text(node.right, texts, depth=depth)
        return None if right is None else left + right
    if isinstance(node.op, ast.Mod):
        items = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        for item in items:
            part = constant_text(item, texts, depth=depth)
            if part is None:
                return None
            left = left.replace("%s", part, 1)[: MAX_PYTHON_NAME_CHARS + 1]
        return left
    return None


def _item(whole: str, index: ast.expr) -> str | None:
    """Return an item or a slice of a constant."""
    if isinstance(index, ast.Slice):
        bounds = [_number(part) for part in (index.lower, index.upper, index.step)]
        return None if bounds[2] == 0 else whole[slice(*bounds)]
    number = _number(index)
    return None if number is None else whole[number : number + 1 or None]


def _number(node: ast.expr | None) -> int | None:
    match node:
        case ast.Constant(value=int() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)):
            return -number
        case _:
            return None


def _call(node: ast.Call, texts: Texts, depth: int) -> str | None:
    """Return what a function or a method makes of constants."""
    match node.func, node.args:
        case ast.Name(id="chr"), [argument]:
            return _character(argument)
        case ast.Name(id="str"), [argument]:
            return constant_text(argument, texts, depth=depth)
        case ast.Attribute(attr="join", value=separator), [parts]:
            between = constant_text(separator, texts, depth=depth)
            return None if between is None else _joined_parts(between, parts, texts, depth)
        case ast.Attribute(attr="decode", value=data), _:
            raw = _data(data, texts, depth)
            return _recoded(node, texts, depth) if raw is None else _decode(raw, "utf-8")
        case ast.Attribute(attr=name, value=value), arguments:
            whole = constant_text(value, texts, depth=depth)
            return None if whole is None else _method(whole, name, arguments, texts, depth)
        case _:
            return None


def _method(
    whole: str, name: str, arguments: list[ast.expr], texts: Texts, depth: int
) -> str | None:
    """Return what a method of strings makes of a constant."""
    if name in _METHODS and not arguments:
        return _METHODS[name](whole)
    if name != "replace" or len(arguments) != 2:  # noqa: PLR2004  what, and by what
        return None
    old = constant_text(arguments[0], texts, depth=depth)
    new = constant_text(arguments[1], texts, depth=depth)
    return None if not old or new is None else whole.replace(old, new)


def _recoded(node: ast.Call, texts: Texts, depth: int) -> str | None:
    """Return what `codecs.decode(text, "rot13")` makes of a constant."""
    if len(node.args) != 2:  # noqa: PLR2004  a text and a codec
        return None
    whole, codec = (constant_text(each, texts, depth=depth) for each in node.args)
    if whole is None or codec not in {"rot13", "rot_13"}:
        return None
    return codecs.decode(whole, "rot13")


def _joined_parts(between: str, parts: ast.expr, texts: Texts, depth: int) -> str | None:
    """Return the parts of a sequence, or of a string turned around, put together."""
    match parts:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return _joined(between, items, texts, depth)
        case ast.Call(func=ast.Name(id="reversed"), args=[inner]):
            whole = _joined_parts("", inner, texts, depth - 1) if depth > 0 else None
            return None if whole is None else between.join(reversed(whole))
        case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id="chr"), numbers]):
            return _characters(between, numbers, mask=0)
        case ast.GeneratorExp() | ast.ListComp():
            return _comprehension(between, parts)
        case _:
            whole = constant_text(parts, texts, depth=depth)
            return None if whole is None else between.join(whole)


def _joined(between: str, items: list[ast.expr], texts: Texts, depth: int) -> str | None:
    words = []
    for item in items[: MAX_PYTHON_NAME_CHARS + 1]:
        word = constant_text(item, texts, depth=depth)
        if word is None:
            return None
        words.append(word)
    return between.join(words)


def _comprehension(between: str, node: ast.GeneratorExp | ast.ListComp) -> str | None:
    """Return `chr(i) for i in numbers`, with `i ^ mask` in place of `i` as well."""
    if len(node.generators) != 1 or node.generators[0].ifs:
        return None
    numbers = node.generators[0].iter
    match node.elt:
        case ast.Call(func=ast.Name(id="chr"), args=[ast.Name()]):
            return _characters(between, numbers, mask=0)
        case ast.Call(
            func=ast.Name(id="chr"),
            args=[ast.BinOp(op=ast.BitXor(), right=ast.Constant(value=int() as mask))],
        ):
            return _characters(between, numbers, mask=mask)
        case _:
            return None


def _characters(between: str, numbers: ast.expr, *, mask: int) -> str | None:
    """Return the characters of a sequence of numbers."""
    match numbers:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            codes = [_number(item) for item in items[: MAX_PYTHON_NAME_CHARS + 1]]
        case ast.Constant(value=bytes() as raw):
            codes = list(raw[: MAX_PYTHON_NAME_CHARS + 1])
        case _:
            return None
    masked = [None if code is None else code ^ mask for code in codes]
    if not all(code is not None and 0 <= code <= _MAX_CHARACTER for code in masked):
        return None
    return between.join(chr(code) for code in masked if code is not None)


def _character(node: ast.expr) -> str | None:
    number = _number(node)
    return chr(number) if number is not None and 0 <= number <= _MAX_CHARACTER else None


def _data(node: ast.expr, texts: Texts, depth: int) -> bytes | None:
    """Return the bytes that *node* always is."""
    match node:
        case ast.Constant(value=bytes() as data):
            return data[: 4 * MAX_PYTHON_NAME_CHARS]
        case ast.Call(func=ast.Name(id="bytes"), args=[numbers]):
            text = _characters("", numbers, mask=0)
            return None if text is None else _encode(text, "latin-1")
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[argument]) if (
            name in _DECODERS
        ):
            return _undone(name, argument, texts, depth)
        case _:
            return None


def _undone(name: str, argument: ast.expr, texts: Texts, depth: int) -> bytes | None:
    """Return what a decoder makes of a constant."""
    raw = _data(argument, texts, depth - 1) if depth > 0 else None
    if raw is None:
        text = constant_text(argument, texts, depth=depth)
        raw = None if text is None else _encode(text, "ascii")
    try:
        return None if raw is None else _DECODERS[name](raw)
    except ValueError:  # what is broken, and what is not ASCII
        return None


def _encode(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None


def _decode(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
