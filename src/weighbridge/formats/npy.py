"""
The header of a NumPy .npy file (NEP 1, numpy.lib.format), versions 1.0, 2.0 and 3.0.

The header is a Python dictionary literal. NumPy hands it to `ast.literal_eval`; here a reader
of the few kinds of literals that NumPy's writer emits does, so that nothing recurses without a
bound and no surprise of Python's grammar comes in. An array of objects is a pickle behind the
header, which is why `has_object` is what matters most.
"""

import math
import re
from typing import Final, TypeAlias

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_NPY_HEADER_BYTES, MAX_TENSOR_RANK
from weighbridge.core.values import frozen

MAGIC: Final = b"\x93NUMPY"

_LENGTH_BYTES: Final = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
_KEYS: Final = {"descr", "fortran_order", "shape"}
_MAX_DEPTH: Final = 16
_PAIR: Final = 2
_WHERE: Final = "NumPy header"

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
      | (?P<number>-?(?:0|[1-9][0-9]{0,19}))L?
      | (?P<word>[A-Za-z_]+)
      | (?P<mark>[(){}\[\],:])
    )""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(
    r"""\\(?:
        (?P<plain>[\\'"nrt])
      | x(?P<byte>[0-9a-fA-F]{2})
      | u(?P<wide>[0-9a-fA-F]{4})
      | U00(?P<full>0[0-9a-fA-F]{5}|10[0-9a-fA-F]{4})
      | .
    )""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN: Final = {"n": "\n", "r": "\r", "t": "\t"}
_DESCR: Final = re.compile(
    r"""[<>|=]?(?:
        b1
      | [iufc](?:1|2|4|8|10|12|16|20|24|32)
      | (?P<time>[mM])8(?:\[[0-9]{0,9}[A-Za-z]{1,7}(?:/[0-9]{1,9})?\])?
      | (?P<run>[SUVa])[0-9]{1,10}
      | (?P<object>O)[0-9]{0,2}
    )""",
    re.VERBOSE,
)

Literal: TypeAlias = (
    bool | int | str | list["Literal"] | tuple["Literal", ...] | dict[str, "Literal"] | None
)
"""A value of the header."""


@frozen
class NpyHeader:
    """
    What the header says.

    Attributes:
        version: Major and minor.
        shape: Empty for a scalar.
        descr: The type as NumPy writes it: `'<f4'`, or the repr of a list of fields.
        has_object: Whether the type holds Python objects, at any depth: then a pickle follows.
        fortran_order: Whether the first index varies fastest.
        item_size: Bytes of an element; None where it holds objects.
        data_offset: Where the data starts.
    """

    version: tuple[int, int]
    shape: tuple[int, ...]
    descr: str
    has_object: bool
    fortran_order: bool
    item_size: int | None
    data_offset: int

    @property
    def data_size(self) -> int | None:
        """Bytes that the data must have; None where a pickle follows."""
        return None if self.item_size is None else math.prod(self.shape) * self.item_size


def parse_header(source: ByteSource) -> NpyHeader:
    """
    Return the header of the .npy file *source*; reads nothing of the data.

    The caller compares `data_size` with what follows.

    Raises:
        MalformedContentError: Not a header that NumPy writes.
        LimitExceededError: A header longer than `MAX_NPY_HEADER_BYTES`, or nested too deeply.
    """
    prefix = source.read_at(0, 12)
    if not prefix.startswith(MAGIC) or len(prefix) < 10:  # noqa: PLR2004  the shortest prefix
        raise _malformed("not a .npy file", expected=repr(MAGIC), found=repr(prefix[:6]))
    version = (prefix[6], prefix[7])
    width = _LENGTH_BYTES.get(version)
    if width is None:
        raise _malformed("an unknown version", expected="1.0, 2.0 or 3.0", found=str(version))
    length = int.from_bytes(prefix[8 : 8 + width], "little")
    if length > MAX_NPY_HEADER_BYTES:
        raise _too_large("header bytes", limit=MAX_NPY_HEADER_BYTES, found=str(length))
    data_offset = 8 + width + length
    raw = source.read_at(8 + width, length)
    if len(raw) != length:
        raise _malformed("the header is cut", expected=f"{length} bytes", found=str(len(raw)))
    try:
        text = raw.decode("utf-8" if version >= (3, 0) else "latin-1")
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is not"
        raise _malformed("the header is no text", expected="UTF-8", found=found) from error
    return _build(_LiteralReader(text).read(), version=version, data_offset=data_offset)


def _build(value: Literal, *, version: tuple[int, int], data_offset: int) -> NpyHeader:
    """Return the header that the dictionary *value* describes."""
    if not isinstance(value, dict) or value.keys() != _KEYS:
        found = str(value)[:200]
        expected = "descr, fortran_order and shape, and no more"
        raise _malformed("the header has other keys", expected=expected, found=found)
    order, shape = value["fortran_order"], value["shape"]
    if not isinstance(order, bool):
        raise _malformed("fortran_order", expected="True or False", found=str(order)[:200])
    descr = value["descr"]
    if not isinstance(descr, str | list):
        expected = "a type or a list of fields"
        raise _malformed("descr", expected=expected, found=str(descr)[:200])
    has_object, item_size = _examine_descr(descr, depth=0)
    return NpyHeader(
        version=version,
        shape=_read_shape(shape),
        descr=descr if isinstance(descr, str) else repr(descr),
        has_object=has_object,
        fortran_order=order,
        item_size=item_size,
        data_offset=data_offset,
    )


def _read_shape(value: Literal) -> tuple[int, ...]:
    """Return *value* as a shape."""
    if not isinstance(value, tuple):
        raise _malformed("shape", expected="a tuple", found=str(value)[:200])
    if len(value) > MAX_TENSOR_RANK:
        raise _too_large("dimensions", limit=MAX_TENSOR_RANK, found=str(len(value)))
    shape = []
    for item in value:
        if type(item) is not int or item < 0:
            expected = "integers that are not negative"
            raise _malformed("shape", expected=expected, found=str(value)[:200])
        shape.append(item)
    return tuple(shape)


def _examine_descr(descr: Literal, *, depth: int) -> tuple[bool, int | None]:
    """
    Return whether *descr* holds objects, and its size where that is known.

    The forms are those of `numpy.lib.format.descr_to_dtype`: a type, a tuple of a form and a
    shape, a list of fields.
    """
    if depth > _MAX_DEPTH:
        raise _too_large("nested types", limit=_MAX_DEPTH, found="more")
    match descr:
        case str():
            return _examine_type(descr)
        case list() if descr:
            parts = [_examine_field(field, depth=depth) for field in descr]
            sizes = [size for _, size in parts if size is not None]
            total = sum(sizes) if len(sizes) == len(parts) else None
            return any(has_object for has_object, _ in parts), total
        case (_, _) as pair:
            has_object, size = _examine_descr(pair[0], depth=depth + 1)
            count = math.prod(_read_shape(pair[1]))
            return has_object, None if size is None else size * count
        case _:
            raise _malformed("descr", expected="a type", found=str(descr)[:200])


def _examine_field(field: Literal, *, depth: int) -> tuple[bool, int | None]:
    """Return what `_examine_descr` does for one field: a name, a form and perhaps a shape."""
    if isinstance(field, tuple) and _is_field_name(field[:1]):
        match field:
            case (_, form):
                return _examine_descr(form, depth=depth + 1)
            case (_, form, tuple() as shape):
                return _examine_descr((form, shape), depth=depth + 1)
            case _:
                pass
    expected = "a name, a type and perhaps a shape"
    raise _malformed("a field of descr", expected=expected, found=str(field)[:200])


def _is_field_name(name: tuple[Literal, ...]) -> bool:
    """Tell whether *name* holds a field's name, or its title and name."""
    match name:
        case (str(),):
            return True
        case (tuple() as pair,):
            return len(pair) == _PAIR and all(isinstance(part, str) for part in pair)
        case _:
            return False


def _examine_type(descr: str) -> tuple[bool, int | None]:
    """Return whether the type *descr* is the object type, and its size."""
    match = _DESCR.fullmatch(descr)
    if match is None:
        raise _malformed("descr", expected="a type such as '<f4'", found=repr(descr[:200]))
    if match["object"]:
        return True, None
    if match["time"]:
        return False, 8
    size = int(descr.lstrip("<>|=")[1:])
    return False, size * (4 if match["run"] == "U" else 1)


class _LiteralReader:
    """Reads the one literal that a text is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Literal:
        """Return the literal; only blank space may follow."""
        value = self._value(depth=0)
        if self._text[self._at :].strip(" \t\r\n"):
            raise self._unexpected("the end of the header")
        return value

    def _next(self) -> re.Match[str]:
        """Take the next token."""
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise self._unexpected("a literal")
        self._at = match.end()
        return match

    def _take(self, mark: str) -> bool:
        """Take *mark* if it comes next, and tell whether it did."""
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["mark"] != mark:
            return False
        self._at = match.end()
        return True

    def _value(self, *, depth: int) -> Literal:
        """Take a value."""
        if depth > _MAX_DEPTH * 2:
            raise _too_large("nested literals", limit=_MAX_DEPTH * 2, found="more")
        start = self._at
        token = self._next()
        if token["string"]:
            return self._string(token["string"])
        if token["number"]:
            return int(token["number"])
        match token["mark"] or token["word"]:
            case "(":
                items, comma = self._items(")", depth=depth)
                return items[0] if len(items) == 1 and not comma else tuple(items)
            case "[":
                return self._items("]", depth=depth)[0]
            case "{":
                return self._members(depth=depth)
            case "True":
                return True
            case "False":
                return False
            case "None":
                return None
            case _:
                self._at = start
                raise self._unexpected("a literal")

    def _items(self, closing: str, *, depth: int) -> tuple[list[Literal], bool]:
        """Take values up to *closing*; tell whether a comma came last."""
        items: list[Literal] = []
        comma = False
        while not self._take(closing):
            if items and not comma:
                raise self._unexpected(f"a comma or '{closing}'")
            items.append(self._value(depth=depth + 1))
            comma = self._take(",")
        return items, comma

    def _members(self, *, depth: int) -> dict[str, Literal]:
        """Take the members of a dictionary; no key may occur twice."""
        members: dict[str, Literal] = {}
        comma = True
        while not self._take("}"):
            if not comma:
                raise self._unexpected("a comma or '}'")
            key = self._value(depth=depth + 1)
            if not isinstance(key, str) or key in members or not self._take(":"):
                raise self._unexpected(f"a new key and a colon instead of {str(key)[:200]!r}")
            members[key] = self._value(depth=depth + 1)
            comma = self._take(",")
        return members

    def _string(self, token: str) -> str:
        """Return what a string token says."""

        def expand(match: re.Match[str]) -> str:
            if match.lastgroup is None:
                raise self._unexpected("no such escape")
            value = match[match.lastgroup]
            if match.lastgroup == "plain":
                return _PLAIN.get(value, value)
            code = int(value, 16)
            if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004  surrogates are no text
                raise self._unexpected("no half of a surrogate pair")
            return chr(code)

        return _ESCAPE.sub(expand, token[1:-1])

    def _unexpected(self, expected: str) -> MalformedContentError:
        """Build the error for the text at hand."""
        found = repr(self._text[self._at : self._at + 40])
        return _malformed(f"at character {self._at}", expected=expected, found=found)


def _malformed(message: str, *, expected: str, found: str) -> MalformedContentError:
    """Build the error for a header that breaks the format."""
    return MalformedContentError(message, where=_WHERE, expected=expected, found=found)


def _too_large(what: str, *, limit: int, found: str) -> LimitExceededError:
    """Build the error for a header beyond the limits."""
    return LimitExceededError(
        f"too many {what}", where=_WHERE, expected=f"at most {limit}", found=found
    )
