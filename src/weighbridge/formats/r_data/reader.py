"""
Walk through an R serialization and note the objects that hold code.

An item begins with an integer of flags: the kind of the object in the lowest byte, whether
attributes and a tag belong to it above. The walk keeps a stack of what is still to be read, so
that nesting costs nothing; it builds no values but the names of symbols, which are referred to
by number afterwards.

Source: R Internals, 1.8, and `ReadItem` in `src/main/serialize.c` of R 4.4.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.weights import MAX_R_DEPTH, MAX_R_ITEMS, MAX_R_NAMES
from weighbridge.core.values import frozen
from weighbridge.formats.r_data.encodings import Binary, Decoder, Letters, Window, malformed

_CLOSURE: Final = 3
_ENVIRONMENT: Final = 4
_PROMISE: Final = 5
_CALL: Final = 6
_BYTECODE: Final = 21
_PERSISTENT: Final = 247
_SYMBOL: Final = 1
_CHARACTERS: Final = 9
_REFERENCE: Final = 255
_ALTERNATIVE: Final = 238

_EMPTY: Final = frozenset({0, 241, 242, 250, 251, 252, 253, 254})
"""NULL, the environments that every R has, and the marks for what is missing or not bound."""

_PAIRS: Final = frozenset({2, _CLOSURE, _PROMISE, _CALL, 17})
"""Kinds of two items, before which attributes and a tag may stand."""

_NUMBERS: Final = {10: 4, 13: 4, 14: 8, 15: 16, 24: 1}
"""Bytes of an item of a logical, integer, real, complex or raw vector."""

_LISTS: Final = frozenset({16, 19, 20})
"""Vectors of strings, of anything, and of expressions."""

_BUILTINS: Final = frozenset({7, 8})
_NAMED_ENVIRONMENTS: Final = frozenset({_PERSISTENT, 248, 249})
_LONG: Final = -1
_HAS_ATTRIBUTES: Final = 0x200
_HAS_TAG: Final = 0x400
_MAX_NAME: Final = 256


class Role(Enum):
    """What the next item on the stack is to its owner."""

    ITEM = auto()
    FUNCTION = auto()  # the function of a call
    SYMBOL = auto()  # the name of a symbol
    FUNCTION_SYMBOL = auto()  # and of one that is called


@frozen
class Contents:
    """
    What an R serialization holds beside data.

    Attributes:
        promises, closures, calls, bytecodes, persistent: Where each such object begins, up to
            a bound.
        functions: Names that are called somewhere, each once.
        complete: Whether everything was read; bytecode ends the reading.
        end: Where the reading ended.
    """

    promises: tuple[int, ...]
    closures: tuple[int, ...]
    calls: tuple[int, ...]
    bytecodes: tuple[int, ...]
    persistent: tuple[int, ...]
    functions: tuple[str, ...]
    complete: bool
    end: int


@dataclass(slots=True)
class _Walk:
    """The state of one reading."""

    decoder: Decoder
    check: Callable[[], None]
    stack: list[tuple[Role, int]] = field(default_factory=list)
    places: dict[int, list[int]] = field(default_factory=dict)
    functions: dict[str, None] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    items: int = 0
    ended: bool = False

    def run(self) -> None:
        """Read until nothing is left to be read."""
        self.push(Role.ITEM)
        while self.stack and not self.ended:
            role, count = self.stack.pop()
            if count > 1:
                self.stack.append((role, count - 1))
            self.items += 1
            if not self.items % 4096:
                self.check()
            if self.items > MAX_R_ITEMS or len(self.stack) > MAX_R_DEPTH:
                raise LimitExceededError(
                    "the R data has too many objects", expected=f"at most {MAX_R_ITEMS}"
                )
            self.item(role)

    def push(self, *roles: Role, count: int = 1) -> None:
        """Have *roles* read next, the first of them first, the last one *count* times."""
        if count:
            self.stack.append((roles[-1], count))
        self.stack.extend((role, 1) for role in reversed(roles[:-1]))

    def item(self, role: Role) -> None:
        """Read one item."""
        offset = self.decoder.offset
        flags = self.decoder.integer()
        kind = flags & 0xFF
        self.note(kind, offset)
        if kind in _EMPTY:
            return
        if kind == _REFERENCE:
            self.reference(role, flags >> 8, offset)
        elif kind == _SYMBOL:
            called = role is Role.FUNCTION
            self.push(Role.FUNCTION_SYMBOL if called else Role.SYMBOL)
        elif kind == _CHARACTERS:
            self.characters(role, offset)
        elif kind in _PAIRS:
            self.pair(kind, flags)
        else:
            self.other(kind, flags, offset)

    def note(self, kind: int, offset: int) -> None:
        """Note an object that holds code."""
        if kind in {_PROMISE, _CLOSURE, _CALL, _BYTECODE, _PERSISTENT}:
            places = self.places.setdefault(kind, [])
            if len(places) < MAX_R_NAMES:
                places.append(offset)

    def reference(self, role: Role, number: int, offset: int) -> None:
        """Take a reference to a symbol or an environment that was read before."""
        index = number or self.decoder.integer()
        if not 0 < index <= len(self.references):
            raise malformed(offset, expected="a reference to what was read", found=str(index))
        if role is Role.FUNCTION:
            self.call(self.references[index - 1])

    def characters(self, role: Role, offset: int) -> None:
        """Read a string; where it is a symbol's name, it can be referred to from now on."""
        length = self.decoder.integer()
        if length < _LONG:
            raise malformed(offset, expected="a length", found=str(length))
        if role in {Role.SYMBOL, Role.FUNCTION_SYMBOL}:
            name = self.decoder.text(max(length, 0))[:_MAX_NAME].decode("utf-8", "replace")
            self.references.append(name)
            if role is Role.FUNCTION_SYMBOL:
                self.call(name)
        elif length > 0:
            self.skip_text(length)

    def skip_text(self, length: int) -> None:
        """Step over a string."""
        if isinstance(self.decoder, Letters):
            self.decoder.text(length)
        else:
            self.decoder.skip(length, 1)

    def call(self, name: str) -> None:
        """Note that a function of this name is called."""
        if len(self.functions) < MAX_R_NAMES:
            self.functions[name] = None

    def pair(self, kind: int, flags: int) -> None:
        """Read attributes, tag, head and rest."""
        first = Role.FUNCTION if kind == _CALL else Role.ITEM
        before = [Role.ITEM] * bool(flags & _HAS_ATTRIBUTES) + [Role.ITEM] * bool(flags & _HAS_TAG)
        self.push(*before, first, Role.ITEM)

    def other(self, kind: int, flags: int, offset: int) -> None:
        """Read what is neither a pair nor a symbol."""
        attributes = flags & _HAS_ATTRIBUTES
        if kind in _NUMBERS or kind in _LISTS:
            count = self.length(offset)
            if attributes:
                self.push(Role.ITEM)
            if kind in _NUMBERS:
                self.decoder.skip(count, _NUMBERS[kind])
            else:
                self.push(Role.ITEM, count=count)
        elif kind == _BYTECODE:
            # What follows is laid out as the interpreter's tables are; nothing that holds it
            # is data, so it is reported and the rest is not read.
            self.ended = True
        elif kind == _ENVIRONMENT:
            self.references.append("")
            self.decoder.integer()
            self.push(Role.ITEM, count=4)
        elif kind in _NAMED_ENVIRONMENTS:
            self.named_environment(offset)
        elif kind in _BUILTINS:
            self.call(self.decoder.text(self.length(offset))[:_MAX_NAME].decode("utf-8", "replace"))
        else:
            self.rare(kind, offset, attributes=bool(attributes))

    def rare(self, kind: int, offset: int, *, attributes: bool) -> None:
        """Read pointers, S4 objects, and vectors that are kept in another form."""
        match kind:
            case 22:  # an external pointer: what it protects, and a tag
                self.references.append("")
                self.push(Role.ITEM, count=3 if attributes else 2)
            case 23:  # a weak reference
                self.references.append("")
                self.push(Role.ITEM, count=int(attributes))
            case 25:  # an S4 object: its attributes
                self.push(Role.ITEM, count=int(attributes))
            case 238:  # an alternative form: class, state, attributes
                self.push(Role.ITEM, count=3)
            case _:
                raise malformed(offset, expected="an object of R", found=f"kind {kind}")

    def named_environment(self, offset: int) -> None:
        """Read the names by which a package or a hook is found."""
        if self.decoder.integer() != 0:
            raise malformed(offset, expected="names of a package", found="another form")
        count = self.length(offset)
        self.references.append("")
        self.push(Role.ITEM, count=count)

    def length(self, offset: int) -> int:
        """Read the length of a vector."""
        length = self.decoder.integer()
        if length == _LONG:
            length = (self.decoder.integer() << 32) + self.decoder.integer()
        if length < 0:
            raise malformed(offset, expected="a length", found=str(length))
        return length


def read_r_data(source: ByteSource, *, between: Callable[[], None] = lambda: None) -> Contents:
    """
    Return what the serialization in *source* holds beside data.

    *between* is called now and then, and may raise to end the reading.

    Raises:
        MalformedContentError: Not R's serialization, version 2 or 3, without compression.
        LimitExceededError: More objects than `MAX_R_ITEMS`.
    """
    walk = _Walk(decoder=_open(source), check=between)
    walk.run()
    return Contents(
        promises=tuple(walk.places.get(_PROMISE, ())),
        closures=tuple(walk.places.get(_CLOSURE, ())),
        calls=tuple(walk.places.get(_CALL, ())),
        bytecodes=tuple(walk.places.get(_BYTECODE, ())),
        persistent=tuple(walk.places.get(_PERSISTENT, ())),
        functions=tuple(walk.functions),
        complete=not walk.ended,
        end=walk.decoder.offset,
    )


def _open(source: ByteSource) -> Decoder:
    """Read the header; return the decoder behind it."""
    start = source.read_at(0, 8)
    offset = 0
    if start[:2] == b"RD":
        offset = 6 if start[4:6] == b"\r\n" else 5
    mark = source.read_at(offset, 3)
    behind = offset + (3 if mark[1:3] == b"\r\n" else 2)
    window = Window(source, behind)
    decoder: Decoder
    match mark[:1]:
        case b"X":
            decoder = Binary(window, little=False)
        case b"B":
            decoder = Binary(window, little=True)
        case b"A":
            decoder = Letters(window)
        case other:
            raise malformed(offset, expected="X, B or A", found=repr(other))
    version = decoder.integer()
    decoder.integer()
    decoder.integer()
    if version not in {2, 3}:
        raise malformed(behind, expected="version 2 or 3", found=str(version))
    if version == 3:  # noqa: PLR2004  it names the encoding of its strings
        length = decoder.integer()
        if not 0 <= length <= _MAX_NAME:
            raise malformed(behind, expected="the name of an encoding", found=str(length))
        decoder.text(length)
    return decoder
