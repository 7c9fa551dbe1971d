"""
The form of an allow-list file, read strictly.

::

    pack = "numpy"
    versions = ">=1.13"

    [[allow]]
    kind = "class"
    args = "plain"
    state = "none"
    reason = "..."
    names = ["numpy.dtype"]

Names are exact: no wildcard, no prefix. What is not listed is unknown, and unknown is denied.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a name is."""

    CLASS = "class"
    FUNCTION = "function"
    CONSTANT = "constant"


class Arguments(StrEnum):
    """What a stream may pass when it calls a name, or makes an instance of it."""

    UNCALLED = "uncalled"
    """Nothing: the name may be referred to and not called."""

    NONE = "none"
    """No arguments at all."""

    PLAIN = "plain"
    """Constants and containers of them."""

    ALLOWED = "allowed"
    """Anything: every reference and call among the arguments is judged on its own."""

    PAIRS = "pairs"
    """One list of pairs, or nothing."""

    SEQUENCE = "sequence"
    """One list or tuple of integers."""

    CONTENT = "content"
    """Nothing, or strings and bytes: never a length to allocate."""

    FACTORY = "factory"
    """Nothing, None or a class of `builtins` or `collections`, which makes missing values."""

    CLASS_FIRST = "class-first"
    """A listed class, then a class of `builtins` or a value of one, or data."""

    CALLABLE_FIRST = "callable-first"
    """A listed name that is not called with anything special, then plain values."""

    OWN_MODULE = "own-module"
    """Plain values, results of calls, and names of the callable's own package."""

    NESTED_PICKLE = "nested-pickle"
    """One bytes literal, which is unpickled: it is examined as a file within the file."""

    ENCODE = "encode"
    """A string and the encoding latin1, which is how old protocols write bytes."""

    TENSOR = "tensor"
    """A storage, then offset, size and stride that lie within it."""

    REBUILD = "rebuild"
    """A listed function, a listed class, the arguments of the function, and attributes."""

    ARRAY_SHELL = "array-shell"
    """A listed array class, the shape (0,) and a type code: an array to be filled by BUILD."""

    DTYPE_CODE = "dtype-code"
    """A type code, or NumPy's record class, and plain values."""

    SCALAR = "scalar"
    """A type without objects and the bytes of one value."""


class State(StrEnum):
    """What a stream may do to the result: BUILD, and appending or assigning items."""

    NONE = "none"
    """Nothing."""

    ATTRIBUTES = "attributes"
    """A dict of attributes (or a pair of dicts), of which no name is `__special__`."""

    ITEMS = "items"
    """Items only."""

    BOTH = "both"
    """Attributes and items."""

    ARRAY = "array"
    """The state of an array: version, shape, type, order, and bytes, or a list for objects."""

    DTYPE = "dtype"
    """The state of a NumPy type, without fields that hold objects or lie outside it."""

    CALLABLE = "callable"
    """The state of `functools.partial`: as its arguments."""

    DATA = "data"
    """Anything: every reference and call in it is judged on its own."""

    OF_CLASS = "of-class"
    """What the class that is the first argument may get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One name that may occur in a pickle.

    Attributes:
        name: `module.qualname`, as the unpickler imports it.
        kind: What it is.
        args: What it may be called with.
        state: What may be done to the result.
        reason: Why that is harmless.
        pack: The framework.
    """

    name: str
    kind: Kind
    args: Arguments
    state: State
    reason: str
    pack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """The entries of one framework, and the versions that they were compiled from."""

    name: str
    versions: str
    entries: tuple[Entry, ...]


_NAME: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
_PACK_KEYS: Final = {"pack", "versions", "allow"}
_GROUP_KEYS: Final = {"kind", "args", "state", "reason", "names"}


def parse_pack(text: str, *, source: str) -> Pack:
    """
    Return the pack in *text*; *source* names it in errors.

    Raises:
        ValueError: The file does not follow the form. The files are our own, so this is a bug.
    """
    document = tomllib.loads(text)
    _expect(set(document) == _PACK_KEYS, f"{source}: keys are {sorted(document)}")
    pack = _text(document["pack"], source)
    entries: list[Entry] = []
    for number, group in enumerate(document["allow"], start=1):
        where = f"{source}, group {number}"
        _expect(isinstance(group, dict) and set(group) == _GROUP_KEYS, f"{where}: wrong keys")
        for name in group["names"]:
            text_of_name = _text(name, where)
            _expect(bool(_NAME.fullmatch(text_of_name)), f"{where}: {name!r} is not an exact name")
            entries.append(
                Entry(
                    name=text_of_name,
                    kind=Kind(group["kind"]),
                    args=Arguments(group["args"]),
                    state=State(group["state"]),
                    reason=_text(group["reason"], where),
                    pack=pack,
                )
            )
    return Pack(name=pack, versions=_text(document["versions"], source), entries=tuple(entries))


def _text(value: object, where: str) -> str:
    """Return *value*, a non-empty string."""
    _expect(isinstance(value, str) and bool(value.strip()), f"{where}: expected text")
    return str(value)


def _expect(condition: bool, message: str) -> None:  # noqa: FBT001  a condition is a boolean
    """Raise ValueError with *message* unless *condition* holds."""
    if not condition:
        raise ValueError(message)
