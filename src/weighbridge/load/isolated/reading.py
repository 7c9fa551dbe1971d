"""
Read what a process of its own handed back: every word of it is taken for hostile.

The bytes are sealed before the first of them is read. They are read in one pass, in which each
value is made of values that are there already: nothing here goes by recursion, follows a place that
was told, imports a name, or takes more memory than the head's own bounds allow.
"""

import json
import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from struct import Struct
from types import MappingProxyType
from typing import Final, NoReturn, Protocol, TypeAlias

from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.limits.isolated import (
    MAX_ISOLATED_COLLISIONS,
    MAX_ISOLATED_DEPTH,
    MAX_ISOLATED_EXPANDED,
    MAX_ISOLATED_HEAD_BYTES,
    MAX_ISOLATED_INLINE_CHARS,
    MAX_ISOLATED_INTEGER_CHARS,
    MAX_ISOLATED_NAME_CHARS,
    MAX_ISOLATED_VALUES,
)
from weighbridge.core.limits.units import MIB
from weighbridge.core.reported import reported
from weighbridge.load.held import HeldFile
from weighbridge.load.isolated.layout import (
    CODES,
    ERROR,
    ERRORS,
    HEAD,
    MAGIC,
    VALUE,
    aligned,
    count_values,
    weight_of,
)
from weighbridge.load.isolated.plain import ArrayKind, Opaque, StoredArray, StoredObjects, What
from weighbridge.load.isolated.types import TENSOR_ONLY, read_shape, read_type
from weighbridge.sandbox import failures

_Node: TypeAlias = list[object]
_Read: TypeAlias = tuple[object, int, int]
"""A value, how deep it is, and how many values it is where it is one tree."""

_DOUBLE: Final = Struct(">d")
_DIGITS: Final = 19
_MOST_INTEGER: Final = (1 << 63) - 1
_HEX: Final = frozenset("0123456789abcdef")


class Build(Protocol):
    """Makes of stored arrays what the caller wants."""

    def array(self, stored: StoredArray, /) -> object:
        """Return what *stored* is to be."""
        ...

    def objects(self, stored: StoredObjects, /) -> object:
        """Return what *stored* is to be."""
        ...


class AsStored:
    """Leaves arrays as they are stored."""

    def array(self, stored: StoredArray, /) -> object:
        """Return *stored*."""
        return stored

    def objects(self, stored: StoredObjects, /) -> object:
        """Return *stored*."""
        return stored


def read_result(block: HeldFile, build: Build, /, *, where: str) -> object:
    """
    Return the value in *block*, or raise the error that is there instead.

    Args:
        block: Bytes that nobody can change.
        build: Makes arrays.
        where: The file that was loaded, for errors.

    Raises:
        MalformedContentError: It follows the form in any way not (`Code.ISOLATED_MALFORMED`).
        WeighbridgeError: What the process reports instead of a value; its words are untrusted.
    """
    try:
        value, error = _parsed(block, build)
    except _BrokenError as broken:
        raise failures.no_answer(where, found=str(broken)) from None
    if error is not None:
        raise error
    return value


def _parsed(block: HeldFile, build: Build) -> tuple[object, WeighbridgeError | None]:
    """Return the value, or else the error that is reported."""
    head, start = _head(block)
    match head:
        case [str(first), value, list(nodes), int(size)] if first == VALUE:
            return _Reader(block, start, build).read(value, nodes, size), None
        case [str(first), *said] if first == ERROR:
            if start != block.size:
                raise _BrokenError("data behind an error")
            return None, _error(said)
        case _:
            raise _BrokenError("neither a value nor an error")


class _BrokenError(Exception):
    """What was handed back is not of the form; says how."""


def _head(block: HeldFile) -> tuple[object, int]:
    """Return the head, and where the data starts."""
    if block.size < HEAD.size:
        raise _BrokenError("fewer bytes than a head has" if block.size else "nothing")
    magic, length = HEAD.unpack(block.read_at(0, HEAD.size))
    if magic != MAGIC:
        raise _BrokenError("another magic")
    start = aligned(HEAD.size + length)
    if length > MAX_ISOLATED_HEAD_BYTES or start > block.size:
        raise _BrokenError("a head that is too long")
    data = block.read_at(HEAD.size, length)
    if any(block.read_at(HEAD.size + length, start - HEAD.size - length)):
        raise _BrokenError("something between the head and the data")
    if count_values(data) > MAX_ISOLATED_VALUES:
        raise _BrokenError("too many values")
    try:
        text = data.decode("ascii")
        return json.loads(
            text,
            object_pairs_hook=_no_object,
            parse_int=_integer,
            parse_constant=_no_constant,
        ), start
    except (ValueError, RecursionError) as error:
        raise _BrokenError(f"a head that is no JSON of ours: {error}"[:200]) from None


def _no_object(_pairs: Sequence[object]) -> NoReturn:
    raise _BrokenError("an object of JSON")


def _no_constant(_name: str) -> NoReturn:
    raise _BrokenError("a number that is none")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _DIGITS:
        raise _BrokenError("an integer of more than 64 bits")
    return int(digits)


def _error(said: list[object]) -> WeighbridgeError:
    try:
        return reported(said, ERRORS, codes=CODES, most=MAX_ISOLATED_NAME_CHARS)
    except ValueError as error:
        raise _BrokenError(str(error)) from None


def _text_of(value: object) -> str:
    if type(value) is not str or len(value) > MAX_ISOLATED_NAME_CHARS:
        raise _BrokenError("a text that is none, or too long")
    return value


class _Reader:
    """Makes values of nodes, in their order."""

    def __init__(self, block: HeldFile, start: int, build: Build) -> None:
        self._block = block
        self._start = start
        self._at = 0
        self._room = block.size - start
        self._build = build
        self._made: list[object] = []
        self._extents: list[tuple[int, int]] = []
        self._hashed = 0

    def read(self, value: object, nodes: list[object], size: int) -> object:
        """Return *value*; every byte of the data has to belong to a node."""
        if type(size) is not int or size != self._room:
            raise _BrokenError("another length of data than there is")
        for node in nodes:
            self._add(node)
        if self._at != self._room:
            raise _BrokenError("bytes that belong to nothing")
        return self._value(value)[0]

    def _add(self, node: object) -> None:
        if type(node) is not list or not node or type(node[0]) is not str:
            raise _BrokenError("a node that is none")
        kind, *rest = node
        reads = _KINDS.get(kind)
        if reads is None:
            raise _BrokenError("a node of no kind")
        try:
            made, depth, weight = reads(self, kind, rest)
        except (ValueError, OverflowError, TypeError) as error:
            raise _BrokenError(f"a wrong {kind}: {error}"[:200]) from None
        if depth > MAX_ISOLATED_DEPTH:
            raise _BrokenError("values within too many values")
        if weight > MAX_ISOLATED_EXPANDED:
            raise _BrokenError("too many values, where what is shared is counted each time")
        self._made.append(made)
        self._extents.append((depth, weight))

    # -- values ------------------------------------------------------------------------------

    def _value(self, said: object) -> _Read:
        """Return the value that *said* is."""
        match said:
            case None | bool():
                return said, 0, 1
            case int() if abs(said) <= _MOST_INTEGER:
                return said, 0, 1
            case float() if math.isfinite(said):
                return said, 0, 1
            case str() if len(said) <= MAX_ISOLATED_INLINE_CHARS:
                return said, 0, 1
            case [int(index)] if type(index) is int and 0 <= index < len(self._made):
                return self._made[index], *self._extents[index]
            case _:
                raise _BrokenError("a value that is none, or one that comes later")

    def _values(self, said: Sequence[object]) -> tuple[list[object], int, int]:
        """Return the values of *said*, and how deep and heavy what holds them is."""
        made: list[object] = []
        deepest, weight = 0, 1
        for each in said:
            value, depth, heavy = self._value(each)
            made.append(value)
            deepest = max(deepest, depth)
            weight += heavy
        return made, deepest + 1, weight

    def _require_hashable(self, said: Sequence[object]) -> None:
        """
        Refuse keys that take long: tuples are hashed each time, and compared where hashes meet.

        Hashes of texts and bytes are secret. Others can be chosen, so that many keys have one.
        """
        found: dict[int, int] = {}
        for each in said:
            key, _, weight = self._value(each)
            if type(key) in {str, bytes}:
                continue
            self._spend_on_keys(weight)
            number = hash(key)
            meets = found.get(number, 0)
            if meets >= MAX_ISOLATED_COLLISIONS:
                raise _BrokenError("too many keys of one hash")
            self._spend_on_keys(meets * weight)
            found[number] = meets + 1

    def _spend_on_keys(self, weight: int) -> None:
        self._hashed += weight
        if self._hashed > 2 * MAX_ISOLATED_EXPANDED:
            raise _BrokenError("keys that are too large")

    def _piece(self, size: int) -> int:
        """Return where the next piece of the data, of *size* bytes, starts in the block."""
        if type(size) is not int or size < 0:
            raise _BrokenError("a piece of an impossible length")
        start = aligned(self._at)
        if start + size > self._room:
            raise _BrokenError("a piece beyond the data")
        if any(self._block.read_at(self._start + self._at, start - self._at)):
            raise _BrokenError("something between two pieces")
        self._at = start + size
        return self._start + start

    # -- numbers and texts -------------------------------------------------------------------

    def integer(self, _kind: str, rest: _Node) -> _Read:
        """Read an integer of more than 64 bits."""
        (text,) = rest
        digits = text[1:] if type(text) is str and text[:1] == "-" else text
        if type(digits) is not str or not 0 < len(digits) <= MAX_ISOLATED_INTEGER_CHARS:
            raise _BrokenError("an integer that is none")
        if not _HEX.issuperset(digits):
            raise _BrokenError("an integer that is none")
        value = int(digits, 16)
        return (-value if digits is not text else value), 0, 1

    def floating(self, kind: str, rest: _Node) -> _Read:
        """Read a number that JSON has not, and complex ones."""
        numbers = [_double(text) for text in rest]
        if kind == "float":
            (number,) = numbers
            return number, 0, 1
        real, imaginary = numbers
        return complex(real, imaginary), 0, 1

    def bulk(self, kind: str, rest: _Node) -> _Read:
        """Read a long text, or bytes."""
        (size,) = rest
        assert size is None or isinstance(size, int | float | str | list)
        start = self._piece(size)  # type: ignore[arg-type]  # looked at there
        data = self._block.read_at(start, self._at + self._start - start)
        weight = weight_of(kind, len(data))
        if kind == "text":
            return data.decode("utf-8", "surrogatepass"), 0, weight
        return (bytearray(data) if kind == "bytearray" else data), 0, weight

    # -- dates -------------------------------------------------------------------------------

    def moment(self, kind: str, rest: _Node) -> _Read:
        """Read a date, a time, both, or a duration."""
        if kind == "date":
            return date(*_integers(rest, 3)), 0, 1
        if kind == "timedelta":
            days, seconds, microseconds = _integers(rest, 3)
            return timedelta(days=days, seconds=seconds, microseconds=microseconds), 0, 1
        *numbers, fold, offset = rest
        zone = None
        if offset is not None:
            (microseconds,) = _integers([offset], 1)
            zone = timezone(timedelta(microseconds=microseconds))
        (fold,) = _integers([fold], 1)
        if kind == "time":
            hour, minute, second, micro = _integers(numbers, 4)
            return time(hour, minute, second, micro, tzinfo=zone, fold=fold), 0, 1
        year, month, day, hour, minute, second, micro = _integers(numbers, 7)
        day_of = datetime(year, month, day, hour, minute, second, micro, tzinfo=zone, fold=fold)
        return day_of, 0, 1

    # -- containers --------------------------------------------------------------------------

    def sequence(self, kind: str, rest: _Node) -> _Read:
        """Read a list, a tuple, a set or a queue."""
        if kind == "deque":
            most, *rest = rest
            if most is not None and (type(most) is not int or not len(rest) <= most < 1 << 62):
                raise _BrokenError("a queue that is longer than it can be")
            items, depth, weight = self._values(rest)
            return deque(items, most), depth, weight
        items, depth, weight = self._values(rest)
        if kind == "list":
            return items, depth, weight
        if kind == "tuple":
            return tuple(items), depth, weight
        self._require_hashable(rest)
        made = set(items) if kind == "set" else frozenset(items)
        if len(made) != len(items):
            raise _BrokenError("a set in which something occurs twice")
        return made, depth, weight

    def mapping(self, kind: str, rest: _Node) -> _Read:
        """Read a dict."""
        if len(rest) % 2:
            raise _BrokenError("a key without a value")
        items, depth, weight = self._values(rest)
        keys = items[::2]
        self._require_hashable(rest[::2])
        pairs = zip(keys, items[1::2], strict=True)
        made: dict[object, object]
        if kind == "OrderedDict":
            made = OrderedDict(pairs)
        elif kind == "Counter":
            made = Counter()  # type: ignore[assignment]  # its values can be anything
            # Its own method would add numbers up.
            dict.update(made, pairs)
        else:
            made = dict(pairs)
        if len(made) != len(keys):
            raise _BrokenError("a dict in which a key occurs twice")
        return made, depth, weight

    # -- arrays ------------------------------------------------------------------------------

    def array(self, kind: str, rest: _Node) -> _Read:
        """Read an array, a scalar or a tensor."""
        said, shape, order = rest
        found = read_type(said)
        lengths = read_shape(shape)
        if kind == "tensor" and (found.element is None or order != "C"):
            raise _BrokenError("a tensor that is none")
        if kind != "tensor" and found.word in TENSOR_ONLY:
            raise _BrokenError("an array of no type of NumPy")
        if order not in {"C", "F"} or (kind == "scalar" and lengths):
            raise _BrokenError("an array of no order")
        # NumPy and PyTorch multiply the dimensions of empty arrays too.
        if math.prod(max(1, n) for n in lengths) * max(1, found.itemsize) > _MOST_INTEGER:
            raise _BrokenError("an array of an impossible shape")
        size = math.prod(lengths) * found.itemsize
        stored = StoredArray(
            type=found,
            shape=lengths,
            fortran=order == "F",
            kind=ArrayKind(kind),
            block=self._block,
            start=self._piece(size),
        )
        self._require_truths(stored)
        return self._build.array(stored), 0, weight_of(kind, size, types=found.breadth)

    def _require_truths(self, stored: StoredArray) -> None:
        """Refuse truth values that are neither: compiled code relies on it."""
        if stored.type.word == "b1":
            for at in range(stored.start, stored.start + stored.size, MIB):
                piece = self._block.read_at(at, min(MIB, stored.start + stored.size - at))
                if piece.count(0) + piece.count(1) != len(piece):
                    raise _BrokenError("a truth value that is neither")

    def objects(self, _kind: str, rest: _Node) -> _Read:
        """Read an array of objects."""
        shape, *said = rest
        lengths = read_shape(shape)
        if math.prod(lengths) != len(said) or math.prod(max(1, n) for n in lengths) > 1 << 40:
            raise _BrokenError("an array of another shape than it has objects")
        items, depth, weight = self._values(said)
        return self._build.objects(StoredObjects(shape=lengths, items=tuple(items))), depth, weight

    def opaque(self, _kind: str, rest: _Node) -> _Read:
        """Read the description of an object."""
        name, what, note, *said = rest
        (arguments, state, items), depth, weight = self._values(said)
        if type(arguments) is not tuple:
            raise _BrokenError("arguments that are none")
        described = Opaque(
            _text_of(name),
            what=What(_text_of(what)),
            arguments=arguments,
            state=state,
            items=items,
            note=_text_of(note),
        )
        return described, depth, weight


_Reads: TypeAlias = Callable[[_Reader, str, _Node], _Read]

_KINDS: Final[MappingProxyType[object, _Reads]] = MappingProxyType(
    {
        "int": _Reader.integer,
        **dict.fromkeys(("float", "complex"), _Reader.floating),
        **dict.fromkeys(("text", "bytes", "bytearray"), _Reader.bulk),
        **dict.fromkeys(("date", "time", "datetime", "timedelta"), _Reader.moment),
        **dict.fromkeys(("list", "tuple", "set", "frozenset", "deque"), _Reader.sequence),
        **dict.fromkeys(("dict", "OrderedDict", "Counter"), _Reader.mapping),
        **dict.fromkeys(("array", "scalar", "tensor"), _Reader.array),
        "objects": _Reader.objects,
        "opaque": _Reader.opaque,
    }
)


def _double(text: object) -> float:
    if type(text) is not str or len(text) != 16 or not _HEX.issuperset(text):  # noqa: PLR2004  8 bytes
        raise _BrokenError("a number that is none")
    (number,) = _DOUBLE.unpack(bytes.fromhex(text))
    return float(number)


def _integers(said: Sequence[object], count: int) -> list[int]:
    found = [each for each in said if type(each) is int]
    if len(found) != len(said) or len(said) != count:
        raise _BrokenError("numbers that are none")
    return found
