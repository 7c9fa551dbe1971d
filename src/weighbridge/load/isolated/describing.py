"""
Describe any object in plain values: runs where it was unpickled, and nowhere else.

Values of the plain types are told as they are. Of others is told what Python would make them from
again (`__reduce_ex__`): the class, its arguments, the state, the items. Their own code may run for
that, which is why this process has walls around it.
"""

import struct
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from types import BuiltinFunctionType, FunctionType, MappingProxyType, ModuleType
from typing import Any, Final

from weighbridge.core.errors import LimitExceededError, WeighbridgeError
from weighbridge.core.limits.isolated import (
    MAX_ISOLATED_DEPTH,
    MAX_ISOLATED_INTEGER_CHARS,
    MAX_ISOLATED_NAME_CHARS,
    MAX_ISOLATED_VALUES,
)
from weighbridge.load.isolated.collecting import Collector, Wire, is_inline
from weighbridge.load.isolated.plain import What
from weighbridge.load.isolated.stand_ins import StandIn, parts_of

_MOST_INTEGER: Final = (1 << 63) - 1
_PROTOCOL: Final = 4
_MICROSECOND: Final = timedelta(microseconds=1)
_REDUCED: Final = 6
_Extension = Callable[["Describer", Any], "Wire | None"]


class Describer:
    """
    Describes objects; one that occurs twice is described once.

    Args:
        collector: Takes what is told.
        extensions: Describe what belongs to a package; each returns None for what it does not know.
    """

    def __init__(self, collector: Collector, extensions: tuple[_Extension, ...] = ()) -> None:
        self.collector: Final = collector
        self._extensions = extensions
        self._known: dict[int, Wire] = {}
        self._around: set[int] = set()
        # What is described stays: another object could get its number.
        self._kept: list[object] = []

    def describe(self, value: object, /) -> Wire:
        """
        Return *value* as it is handed back.

        Raises:
            LimitExceededError: A bound was met.
        """
        found = _inline(value)
        if found is not _NOT_INLINE:
            return found  # type: ignore[return-value]  # it is no more than that
        number = id(value)
        if number in self._known:
            return self._known[number]
        if number in self._around:
            return self.opaque(name_of(type(value)), what=What.AGAIN)
        if len(self._around) > MAX_ISOLATED_DEPTH:
            raise LimitExceededError(
                "the file holds values within too many values to be handed back",
                expected=f"at most {MAX_ISOLATED_DEPTH}",
            )
        self._around.add(number)
        try:
            told = self._tell(value)
        finally:
            self._around.discard(number)
        self._known[number] = told
        self._kept.append(value)
        return told

    def opaque(
        self,
        name: str,
        *,
        what: What = What.OBJECT,
        arguments: Iterable[object] = (),
        state: object = None,
        items: object = None,
        note: str = "",
    ) -> Wire:
        """Return the description of an object; see `plain.Opaque`."""
        holds = [
            self.collector.node("tuple", holds=[self.describe(each) for each in arguments]),
            self.describe(state),
            self.describe(items),
        ]
        return self.collector.node("opaque", _short(name), str(what), _short(note), holds=holds)

    def _tell(self, value: object) -> Wire:
        told = _EXACT.get(type(value))
        if told is not None:
            found = told(self, value)
            if found is not None:
                return found
        for extension in self._extensions:
            found = extension(self, value)
            if found is not None:
                return found
        return self._object(value)

    # -- plain types -------------------------------------------------------------------------

    def _integer(self, value: int) -> Wire:
        digits = f"{value:x}"
        if len(digits) > MAX_ISOLATED_INTEGER_CHARS:
            return self.opaque("builtins.int", note=f"an integer of {value.bit_length()} bits")
        return self.collector.node("int", digits)

    def _number(self, value: float) -> Wire:
        return self.collector.node("float", struct.pack(">d", value).hex())

    def _complex(self, value: complex) -> Wire:
        parts = (struct.pack(">d", part).hex() for part in (value.real, value.imag))
        return self.collector.node("complex", *parts)

    def _text(self, value: str) -> Wire:
        data = value.encode("utf-8", "surrogatepass")
        return self.collector.piece("text", len(data), size=len(data), piece=lambda: data)

    def _bytes(self, value: "bytes | bytearray") -> Wire:
        kind = type(value).__name__
        data = bytes(value)
        return self.collector.piece(kind, len(data), size=len(data), piece=lambda: data)

    def _date(self, value: date) -> Wire:
        return self.collector.node("date", value.year, value.month, value.day)

    def _duration(self, value: timedelta) -> Wire:
        return self.collector.node("timedelta", value.days, value.seconds, value.microseconds)

    def _time(self, value: time) -> "Wire | None":
        offset = _offset(value.tzinfo)
        if offset is _NO_OFFSET:
            return None
        clock = (value.hour, value.minute, value.second, value.microsecond, value.fold)
        return self.collector.node("time", *clock, offset)

    def _moment(self, value: datetime) -> "Wire | None":
        offset = _offset(value.tzinfo)
        if offset is _NO_OFFSET:
            return None
        day = (value.year, value.month, value.day)
        clock = (value.hour, value.minute, value.second, value.microsecond, value.fold)
        return self.collector.node("datetime", *day, *clock, offset)

    def _sequence(self, value: "Iterable[object]") -> Wire:
        told = [self.describe(each) for each in value]
        return self.collector.node(type(value).__name__, holds=told)

    def _queue(self, value: "deque[object]") -> Wire:
        told = [self.describe(each) for each in value]
        return self.collector.node("deque", value.maxlen, holds=told)

    def _mapping(self, value: "Mapping[object, object]") -> Wire:
        told: list[Wire] = []
        for key, held in value.items():
            told += (self.describe(key), self.describe(held))
        return self.collector.node(type(value).__name__, holds=told)

    # -- all others --------------------------------------------------------------------------

    def _object(self, value: object) -> Wire:
        if isinstance(value, type | FunctionType | BuiltinFunctionType | ModuleType):
            return self.opaque(name_of(value), what=What.NAME)
        if isinstance(value, StandIn):
            return self._stand_in(value)
        name = name_of(type(value))
        try:
            reduced = value.__reduce_ex__(_PROTOCOL)
            if type(reduced) is str:
                module = getattr(value, "__module__", None) or type(value).__module__
                return self.opaque(f"{module}.{reduced}", what=What.NAME)
            arguments, state, items = _parts(reduced)
        except WeighbridgeError:
            raise
        except Exception as error:  # noqa: BLE001  whatever its own code raises, it is described
            return self.opaque(name, note=f"cannot be taken apart: {type(error).__name__}: {error}")
        return self.opaque(name, arguments=arguments, state=state, items=items)

    def _stand_in(self, value: StandIn) -> Wire:
        arguments, state, items = parts_of(value)
        return self.opaque(
            name_of(type(value)), what=What.MISSING, arguments=arguments, state=state, items=items
        )


def name_of(what: object, /) -> str:
    """Return module and qualified name of a class, function or module, as far as they are texts."""
    if isinstance(what, ModuleType):
        return str(getattr(what, "__name__", "?"))
    module = getattr(what, "__module__", None)
    name = getattr(what, "__qualname__", None) or getattr(what, "__name__", "?")
    return f"{module}.{name}" if type(module) is str else str(name)


_NOT_INLINE: Final = object()
_NO_OFFSET: Final = object()


def _inline(value: object) -> object:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) <= _MOST_INTEGER else _NOT_INLINE  # type: ignore[arg-type]  # an int
    if kind is float:
        return value if value - value == 0 else _NOT_INLINE  # type: ignore[operator]  # a float
    if kind is str:
        return value if is_inline(value) else _NOT_INLINE  # type: ignore[arg-type]  # a str
    return _NOT_INLINE


def _offset(zone: object) -> object:
    """Return microseconds east of UTC, None for no zone, or `_NO_OFFSET` for any other."""
    if zone is None:
        return None
    if type(zone) is timezone:
        found = zone.__getinitargs__()  # type: ignore[attr-defined]  # as pickles have it
        if len(found) == 1:
            return found[0] // _MICROSECOND
    return _NO_OFFSET


def _parts(reduced: Any) -> tuple[tuple[object, ...], object, object]:  # noqa: ANN401  whatever it returns
    """Return arguments, state and items of what `__reduce_ex__` returns."""
    padded: list[Any] = [*reduced, *(None,) * (_REDUCED - len(reduced))]
    made, given, state, items, pairs, _ = padded
    arguments: tuple[Any, ...] = tuple(given or ())
    by = name_of(made)
    held: object = None
    if by in {"copyreg.__newobj__", "copyreg.__newobj_ex__"}:
        arguments = arguments[1:]
    elif by == "copyreg._reconstructor":
        _, base, held = arguments
        arguments, held = (), None if base is object else held
    if items is not None:
        held = list(_bounded(items)) or held
    if pairs is not None:
        held = dict(_bounded(pairs)) or held
    return arguments, state, held


def _bounded(items: "Iterator[Any]") -> "Iterator[Any]":
    """Yield *items*, which may have no end."""
    for count, item in enumerate(items):
        if count > MAX_ISOLATED_VALUES:
            raise LimitExceededError("the file holds an object without an end")
        yield item


def _short(text: object) -> str:
    return str(text)[:MAX_ISOLATED_NAME_CHARS]


_Tell = Callable[[Describer, Any], "Wire | None"]

_EXACT: Final[Mapping[type, _Tell]] = MappingProxyType(
    {
        int: Describer._integer,  # noqa: SLF001  its own table
        float: Describer._number,  # noqa: SLF001
        complex: Describer._complex,  # noqa: SLF001
        str: Describer._text,  # noqa: SLF001
        bytes: Describer._bytes,  # noqa: SLF001
        bytearray: Describer._bytes,  # noqa: SLF001
        date: Describer._date,  # noqa: SLF001
        time: Describer._time,  # noqa: SLF001
        datetime: Describer._moment,  # noqa: SLF001
        timedelta: Describer._duration,  # noqa: SLF001
        list: Describer._sequence,  # noqa: SLF001
        tuple: Describer._sequence,  # noqa: SLF001
        set: Describer._sequence,  # noqa: SLF001
        frozenset: Describer._sequence,  # noqa: SLF001
        deque: Describer._queue,  # noqa: SLF001
        dict: Describer._mapping,  # noqa: SLF001
        OrderedDict: Describer._mapping,  # noqa: SLF001
        Counter: Describer._mapping,  # noqa: SLF001
    }
)
