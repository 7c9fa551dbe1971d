"""
The parts of a JSON document that somebody wants, without the rest ever being in memory.

A tokenizer is a JSON document of 25 MB, of which a scan wants a handful of settings; as values
of Python it would take ten times as much. Containers that are larger than a window are read in
parts, each of which is decoded, as strictly as a whole document is, by itself.
"""

import json
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.values import frozen
from weighbridge.formats.json.cuts import Cut, CutKind, find_cut
from weighbridge.formats.json.document import (
    JsonValue,
    check_count,
    check_depth,
    count_values,
    decode,
    make_decoder,
    malformed,
    refuse_bom,
)

_WINDOW: Final = 256 * 1024
"""Bytes of one part: enough for the decoder to be fast, too little to matter as values."""

_HEAD: Final = 8
"""Items that are kept of each array on top."""

_BUCKETS: Final = 256
_SPACE: Final = b" \t\r\n"
_Members: TypeAlias = dict[str, JsonValue] | list[JsonValue]
_CLOSING: Final = {b"{": b"}", b"[": b"]"}


@frozen
class Wanted:
    """
    What is kept of containers that are too large to be read at once.

    Attributes:
        keys: Members under these keys are kept, and arrays and objects that have such a key
            anywhere within them.
        arrays_on_top: Whether the outermost object keeps its arrays, cut to their first items.
    """

    keys: frozenset[str]
    arrays_on_top: bool = False


def read_wanted(
    source: ByteSource,
    *,
    what: str,
    wanted: Wanted,
    window: int = _WINDOW,
    between: Callable[[], None] = lambda: None,
) -> JsonValue:
    """
    Return the JSON document in *source*, its large containers reduced to what is *wanted*.

    The whole document is held to everything that `parse_json` asks for, but for NaN and the
    infinities: training states have them, and no reader takes them for something else. A
    container of more than *window* bytes loses its other members, or has None in their places if
    it is an array; every smaller one is whole or gone. So what is wanted stands where it stood.

    *between* is called before each part, and may raise to end the reading.

    Raises:
        MalformedContentError: Not JSON, or JSON that two readers may read differently. Of a key
            that is twice in a large object only the place of the object is told.
        LimitExceededError: Too deep, or too many values.
    """
    if source.size <= window:
        return _read_whole(source, what=what, decoder=make_decoder(None, finite=False))
    return _Reading(source, what, wanted, window, between).run()


def _read_whole(source: ByteSource, *, what: str, decoder: json.JSONDecoder) -> JsonValue:
    """Read a document that fits, or that is one long scalar."""
    data = source.read_at(0, source.size)
    refuse_bom(data, what=what)
    check_count(count_values(data), what=what)
    check_depth(data, what=what)
    return decode(data, decoder, what=what)


class _Keys:
    """
    The keys of an object, by their hashes: eight bytes for each, whatever its length.

    Two keys that only share their hash are taken for one: for a million keys that is one
    document in ten million, and not to be had on purpose, since the hash is a secret of the
    process.
    """

    def __init__(self) -> None:
        self._buckets: list[array[int]] = []

    def add(self, keys: Iterable[str]) -> None:
        """Take *keys*, all different from each other."""
        buckets = self._buckets
        if not buckets:
            buckets.extend(array("q") for _ in range(_BUCKETS))
        # Of the encoded key: Python hashes the memory of a string, which "bk" and U+6B62 share.
        for each in map(hash, map(str.encode, keys)):
            buckets[each % _BUCKETS].append(each)

    def has_twice(self) -> bool:
        """Tell whether a key was added twice."""
        return any(len(set(bucket)) != len(bucket) for bucket in self._buckets)


@dataclass(slots=True)
class _Container:
    """
    A container that is being read in parts.

    Attributes:
        opening: Its first bracket.
        whole: Whether all of it is wanted.
        key: Under which its own container has it; None in an array.
        kept: What is kept so far.
        keys: Its keys so far, to find one that is there twice.
        after_comma: Whether a member has to follow.
    """

    opening: bytes
    whole: bool
    key: str | None = None
    kept: _Members = field(default_factory=dict)
    keys: _Keys = field(default_factory=_Keys)
    after_comma: bool = False


class _Reading:
    """One document: where the reading is, and the containers around it."""

    def __init__(
        self,
        source: ByteSource,
        what: str,
        wanted: Wanted,
        window: int,
        between: Callable[[], None],
    ) -> None:
        self._source = source
        self._what = what
        self._wanted = wanted
        self._window = window
        self._between = between
        self._at = 0
        self._values = 0
        self._around: list[_Container] = []
        self._mentioned = False
        self._decoder: json.JSONDecoder = make_decoder(self._look_at, finite=False)

    def run(self) -> JsonValue:
        """Read the document."""
        refuse_bom(self._source.read_at(0, 3), what=self._what)
        opening = self._next_byte()
        if opening not in _CLOSING:
            return _read_whole(self._source, what=self._what, decoder=self._decoder)
        root = self._open(opening, key=None, whole=False)
        while self._around:
            self._between()
            self._read_part(self._around[-1])
        if self._next_byte():
            raise self._malformed("nothing behind the document", "something")
        return root.kept

    # -- one part ------------------------------------------------------------------------------

    def _read_part(self, container: _Container) -> None:
        """Read the next members of *container*, its end, or the start of a large member."""
        data, cut = self._next_cut()
        inside = data[: cut.at]
        match cut.kind:
            case CutKind.COMMA:
                self._add(container, inside)
                container.after_comma = True
                self._at += cut.at + 1
            case CutKind.CLOSE:
                if inside.strip(_SPACE) or container.after_comma:
                    self._add(container, inside)
                self._close(container, data[cut.at : cut.at + 1])
                self._at += cut.at + 1
                self._go_on()
            case CutKind.OPEN:
                key = self._key_before(container, inside)
                self._at += cut.at
                whole = container.whole or key in self._wanted.keys
                self._open(self._next_byte(), key=key, whole=whole)
            case CutKind.NONE:
                raise self._malformed("one JSON document", "no end of the last container")
            case CutKind.BROKEN:
                raise self._malformed("a comma or a colon between strings", "none")

    def _next_cut(self) -> tuple[bytes, Cut]:
        """Return the bytes from here on and where to cut them; more of them for a long string."""
        length = self._window
        while True:
            data = self._source.read_at(self._at, length)
            cut = find_cut(data, what=self._what)
            if cut.kind is not CutKind.NONE or self._at + len(data) >= self._source.size:
                return data, cut
            length *= 2

    def _add(self, container: _Container, inside: bytes) -> None:
        """Decode the members in *inside* and keep those that are wanted."""
        value = self._decode(container, inside)
        if not value:
            raise self._malformed("a value", "none beside a comma")
        if isinstance(container.kept, list):
            assert isinstance(value, list)
            start = len(container.kept)
            container.kept.extend(value if container.whole else self._wanted_items(value, start))
        else:
            assert isinstance(value, dict)
            container.keys.add(value)
            container.kept.update(value if container.whole else self._wanted_members(value))

    def _decode(
        self, container: _Container, inside: bytes
    ) -> dict[str, JsonValue] | list[JsonValue]:
        """Return the members in *inside*, as a container of its own."""
        check_depth(inside, what=self._what, around=len(self._around))
        self._values += count_values(inside)
        check_count(self._values, what=self._what)
        self._mentioned = False
        where = f"{self._what}, in the part at byte {self._at}"
        text = container.opening + inside + _CLOSING[container.opening]
        value = decode(text, self._decoder, what=where)
        assert isinstance(value, dict | list)
        return value

    def _key_before(self, container: _Container, inside: bytes) -> str | None:
        """Return the key of the large member behind *inside*; None in an array."""
        if container.opening == b"[":
            if inside.strip(_SPACE):
                raise self._malformed("a comma between values", "none")
            return None
        if not inside.rstrip(_SPACE).endswith(b":"):
            raise self._malformed("a colon behind the key", "none")
        members = self._decode(container, inside + b"0")
        if len(members) != 1:
            raise self._malformed("one key in front of a value", f"{len(members)}")
        (key,) = members
        assert isinstance(key, str)
        container.keys.add([key])
        return key

    # -- containers ----------------------------------------------------------------------------

    def _open(self, opening: bytes, *, key: str | None, whole: bool) -> _Container:
        """Enter the container whose first bracket is here."""
        kept: _Members = [] if opening == b"[" else {}
        container = _Container(opening=opening, whole=whole, key=key, kept=kept)
        self._around.append(container)
        check_depth(b"", what=self._what, around=len(self._around))
        self._at += 1
        return container

    def _close(self, container: _Container, closing: bytes) -> None:
        """Leave *container* and put what was kept of it into its own container."""
        if closing != _CLOSING[container.opening]:
            expected = _CLOSING[container.opening].decode()
            raise self._malformed(f"{expected} at the end of the container", closing.decode())
        if container.keys.has_twice():
            raise self._malformed("every key once", "one twice in the object that ends here")
        self._around.pop()
        if not self._around:
            return
        outer = self._around[-1].kept
        if isinstance(outer, list):
            outer.append(container.kept)
        elif container.key is not None:
            outer[container.key] = container.kept

    def _go_on(self) -> None:
        """Go past the comma behind a container that was read in parts, if there is one."""
        if not self._around:
            return
        container = self._around[-1]
        found = self._next_byte()
        container.after_comma = found == b","
        if container.after_comma:
            self._at += 1
        elif found != _CLOSING[container.opening]:
            raise self._malformed("a comma or the container's end", found.decode("latin-1"))

    def _next_byte(self) -> bytes:
        """Go to the next byte that is not white space and return it, or nothing at the end."""
        while True:
            data = self._source.read_at(self._at, self._window)
            rest = data.lstrip(_SPACE)
            self._at += len(data) - len(rest)
            if rest or not data:
                return rest[:1]

    # -- what is wanted ------------------------------------------------------------------------

    def _look_at(self, members: dict[str, JsonValue]) -> None:
        """Note whether an object of this part has a wanted key."""
        if not self._wanted.keys.isdisjoint(members):
            self._mentioned = True

    def _wanted_items(self, items: list[JsonValue], start: int) -> list[JsonValue]:
        """Return *items* with None for those that nobody wants; the first one is item *start*."""
        head = max(0, _HEAD - start) if self._is_on_top(levels=2) else 0
        if not self._mentioned:
            return items[:head] + [None] * len(items[head:])
        return items[:head] + [item if self._mentions(item) else None for item in items[head:]]

    def _wanted_members(self, members: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Return those of *members* that are wanted."""
        on_top = self._is_on_top(levels=1)
        kept: dict[str, JsonValue] = {}
        if not self._mentioned and not on_top:
            return kept
        for key, value in members.items():
            if self._mentioned and (key in self._wanted.keys or self._mentions(value)):
                kept[key] = value
            elif on_top and isinstance(value, list):
                kept[key] = value[:_HEAD]
        return kept

    def _is_on_top(self, *, levels: int) -> bool:
        """Tell whether arrays on top are wanted, and *levels* containers of an object are open."""
        on_top = len(self._around) == levels and self._around[0].opening == b"{"
        return on_top and self._wanted.arrays_on_top

    def _mentions(self, value: JsonValue) -> bool:
        """Tell whether an object with a wanted key is in *value*."""
        rest = [value]
        while rest:
            match rest.pop():
                case list() as items:
                    rest.extend(items)
                case dict() as members:
                    if not self._wanted.keys.isdisjoint(members):
                        return True
                    rest.extend(members.values())
                case _:
                    continue
        return False

    def _malformed(self, expected: str, found: str) -> MalformedContentError:
        """Return the error for what is here."""
        return malformed(f"{self._what}, byte {self._at}", expected=expected, found=found)
