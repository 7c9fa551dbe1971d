"""
The form of an allow-list file, read strictly.

::

    pack = "numpy"
    packages = ["numpy"]
    versions = "1.14.6 to 2.4.6"

    [[allow]]
    kind = "class"
    args = "dtype-code"
    state = "dtype"
    versions = "1.14.6 to 2.4.6"
    reason = "..."
    [allow.names]
    "numpy" = "dtype"

Names are exact: a module and, behind it, the qualified names in it. There is no wildcard and no
prefix. What is not listed is unknown, and unknown is denied. `versions` says in which releases
the names were seen; nothing depends on what is installed.
"""

import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from weighbridge.core.values import frozen


class Kind(StrEnum):
    """What a name is."""

    CLASS = "class"
    FUNCTION = "function"
    CONSTANT = "constant"
    ENUM = "enum"
    """A class of fixed members; calling it with a value looks one up."""


class Arguments(StrEnum):
    """What a stream may pass when it calls a name, or makes an instance of it."""

    UNCALLED = "uncalled"
    """Nothing: the name may be referred to and not called."""

    NONE = "none"
    """No arguments at all."""

    NEW = "new"
    """Nothing, and `__init__` is not run: an empty instance, as unpicklers make it."""

    LATER = "later"
    """As `new`; but a stored `functools.partial` may call it later with plain values."""

    PLAIN = "plain"
    """Constants and containers of them."""

    ALLOWED = "allowed"
    """Anything: every reference and call among the arguments is judged on its own."""

    PAIRS = "pairs"
    """One list of pairs, or nothing."""

    CONTAINER = "container"
    """Nothing, or one container that the stream wrote out: nothing that iterates by code."""

    SEQUENCE = "sequence"
    """One list or tuple of integers."""

    CONTENT = "content"
    """Nothing, or strings and bytes: never a length to allocate."""

    NATIVE = "native"
    """As `content`, for the framework's own parser: see the rule `pickle-native-state`."""

    FACTORY = "factory"
    """Nothing, None or a class of `builtins` or `collections`, which makes missing values."""

    CLASS_FIRST = "class-first"
    """A listed class, then a class of `builtins` or a value of one, or data."""

    OWN_CLASS = "own-class"
    """A listed class of the callable's own package, then data."""

    OWN_INSTANCE = "own-instance"
    """Nothing, or instances of listed classes of the callable's own package."""

    CALLABLE_FIRST = "callable-first"
    """A listed name that is not called with anything special, then plain values."""

    OWN_MODULE = "own-module"
    """Plain values, results of calls, and names of the callable's own package."""

    NESTED_PICKLE = "nested-pickle"
    """One bytes literal, which is unpickled: it is examined as a file within the file."""

    PATTERN = "pattern"
    """A regular expression of bounded length and its flags."""

    ENCODE = "encode"
    """A string and the encoding latin1, which is how old protocols write bytes."""

    TENSOR = "tensor"
    """A storage, then offset, size and stride that lie within it."""

    TENSOR_FIRST = "tensor-first"
    """What a listed function of torch made, then values that are judged themselves."""

    REBUILD = "rebuild"
    """A listed function, a listed class, the arguments of the function, and attributes."""

    ARRAY_SHELL = "array-shell"
    """A listed array class, the shape (0,) and a type code: an array to be filled by BUILD."""

    STRING_TYPE = "string-type"
    """A number, and perhaps what stands for no text: None, a text or another number."""

    MASKED_SHELL = "masked-shell"
    """Two listed array classes, the shape (0,) and a type code."""

    UFUNC = "ufunc"
    """A module of NumPy's and the name of a listed arithmetic function in it."""

    DTYPE_CODE = "dtype-code"
    """A type code, or NumPy's record class, and plain values."""

    SCALAR = "scalar"
    """A type without objects and the bytes of one value."""

    MEMBER = "member"
    """A class and a member of it that is listed, or an instance and one of its entry's methods."""

    SINGLETON = "singleton"
    """One of None, Ellipsis and NotImplemented, of which the type is asked for."""

    ZONE = "zone"
    """The name of a time zone, which is no path, and a number."""

    GRAPH = "graph"
    """The attributes of a graph module of `torch.fx` and its imports: source that only computes."""

    ARROW = "arrow"
    """Bytes; or the parts of an array of Arrow, within such buffers; or a list of such arrays."""


class State(StrEnum):
    """What a stream may do to the result: BUILD, and appending or assigning items."""

    NONE = "none"
    """Nothing."""

    ATTRIBUTES = "attributes"
    """A dict of attributes (or a pair of dicts), of which no name is `__special__`."""

    PLAIN = "plain"
    """Constants and containers of them."""

    CONTENT = "content"
    """Text or bytes."""

    FORMULA = "formula"
    """As `attributes`, with a formula that only computes where the class evaluates one."""

    SLOTS = "slots"
    """As `attributes`, and a second dict for slots."""

    DISTRIBUTION = "distribution"
    """As `attributes`, with the one piece of code that SciPy makes itself."""

    NATIVE = "native"
    """Attributes, of which one is a model for the framework's own parser: see the rule
    `pickle-native-state`."""

    MODEL_FILE = "model-file"
    """What a new temporary file holds, a model that is examined: see the rule
    `pickle-temporary-file`."""

    TAGGER = "tagger"
    """As `attributes`, with a model in a file that the stream itself makes."""

    BOOSTED = "boosted"
    """As `attributes`, with a booster of XGBoost's own: old releases open what is text instead."""

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

    TREE = "tree"
    """The nodes of a tree of scikit-learn, of which each leads to nodes of it."""

    ARROW = "arrow"
    """As `attributes`, around an array of Arrow that the stream itself makes."""

    SEARCH_TREE = "search-tree"
    """The state of a search tree of SciPy, of which each number leads to what it has."""

    COMPANION = "companion"
    """The name of a file of NumPy beside the pickle, which the same scan examines."""

    OF_CLASS = "of-class"
    """What the class that is the first argument may get."""


@frozen
class Entry:
    """
    One name that may occur in a pickle.

    Attributes:
        module: As the unpickler imports it.
        qualname: Within the module; dots only where the pack writes them.
        kind: What it is.
        args: What it may be called with.
        state: What may be done to the result.
        reason: Why that is harmless.
        pack: The framework.
        versions: The releases in which it was seen.
        forbids: Attributes that the state may not set but to None, whatever else it may.
        methods: What a stream may store of an instance: each was read, and is harmless whatever
            it is called with later.
    """

    module: str
    qualname: str
    kind: Kind
    args: Arguments
    state: State
    reason: str
    pack: str
    versions: str
    forbids: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """`module.qualname`."""
        return f"{self.module}.{self.qualname}"


@frozen
class Pack:
    """
    The entries of one framework.

    Attributes:
        name: The framework.
        packages: First parts of its entries' names; no other pack has entries there.
        versions: The releases that it was compiled from.
        entries: In the order of the file.
    """

    name: str
    packages: tuple[str, ...]
    versions: str
    entries: tuple[Entry, ...]


_MODULE: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_PACK_KEYS: Final = {"pack", "packages", "versions", "allow"}
_GROUP_KEYS: Final = {"kind", "args", "state", "versions", "reason", "names"}
_MORE_KEYS: Final = {"forbids", "methods"}


def parse_pack(text: str, *, source: str) -> Pack:
    """
    Return the pack in *text*; *source* names it in errors.

    Raises:
        ValueError: The file does not follow the form. The files are our own, so this is a bug.
    """
    document = tomllib.loads(text)
    _expect(set(document) == _PACK_KEYS, f"{source}: keys are {sorted(document)}")
    pack = _text(document["pack"], source)
    packages = tuple(_text(package, source) for package in document["packages"])
    entries: list[Entry] = []
    for number, group in enumerate(document["allow"], start=1):
        where = f"{source}, group {number}"
        _expect(
            isinstance(group, dict) and set(group) - _MORE_KEYS == _GROUP_KEYS,
            f"{where}: wrong keys",
        )
        entries.extend(_read_group(group, pack=pack, where=where))
    for entry in entries:
        own = entry.module.partition(".")[0] in packages
        _expect(own, f"{source}: {entry.name} belongs to another pack")
    return Pack(
        name=pack,
        packages=packages,
        versions=_text(document["versions"], source),
        entries=tuple(entries),
    )


def _read_group(group: dict[str, object], *, pack: str, where: str) -> Iterator[Entry]:
    """Yield the entries of one group."""
    modules = group["names"]
    assert isinstance(modules, dict)
    kind, args = Kind(_text(group["kind"], where)), Arguments(_text(group["args"], where))
    state = State(_text(group["state"], where))
    reason, versions = _text(group["reason"], where), _text(group["versions"], where)
    forbidden, methods = (_words(group.get(key, []), where) for key in ("forbids", "methods"))
    for module, names in modules.items():
        _expect(bool(_MODULE.fullmatch(module)), f"{where}: {module!r} is not an exact name")
        for name in _text(names, where).split(" "):
            _expect(bool(_MODULE.fullmatch(name)), f"{where}: {name!r} is not an exact name")
            yield Entry(
                module=module,
                qualname=name,
                kind=kind,
                args=args,
                state=state,
                reason=reason,
                pack=pack,
                versions=versions,
                forbids=forbidden,
                methods=methods,
            )


def _words(value: object, where: str) -> frozenset[str]:
    """Return the strings of a list."""
    assert isinstance(value, list)
    return frozenset(_text(item, where) for item in value)


def _text(value: object, where: str) -> str:
    """Return *value*, a non-empty string."""
    _expect(isinstance(value, str) and bool(value.strip()), f"{where}: expected text")
    return str(value)


def _expect(condition: bool, message: str) -> None:  # noqa: FBT001  a condition is a boolean
    """Raise ValueError with *message* unless *condition* holds."""
    if not condition:
        raise ValueError(message)
