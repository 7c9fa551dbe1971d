"""
Whether a listed name gets only what its entry in the allow-list admits.

Every function here answers with None for "admitted" or with the reason for a refusal. What is
not understood is refused.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.formats.pickle.containers import is_opaque
from weighbridge.formats.pickle.trace import Change, ChangeKind
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    PersistentNode,
    SetNode,
    TupleNode,
    Value,
    children,
)
from weighbridge.scan.allowlist import Arguments, Entry, Kind, State, find_entry
from weighbridge.scan.numpy_types import RECORD_CLASSES, find_type_fault, read_type
from weighbridge.scan.pickle_facts import literal_bytes
from weighbridge.scan.pickle_storage import read_storage

Refusal = str | None
"""Why something is not admitted; None for admitted."""

_SPECIAL: Final = frozenset(
    {
        Arguments.NESTED_PICKLE,
        Arguments.REBUILD,
        Arguments.CLASS_FIRST,
        Arguments.CALLABLE_FIRST,
        Arguments.OWN_MODULE,
    }
)
"""Functions that may not be stored for a later call: what they get then is nobody's to check."""

_FACTORIES: Final = frozenset(
    f"builtins.{name}" for name in ("list", "dict", "int", "float", "str", "set", "tuple", "bool")
) | {"collections.OrderedDict", "collections.Counter", "collections.defaultdict"}


class Judge:
    """Checks the calls and changes of one trace; remembers which containers it has walked."""

    def __init__(self) -> None:
        self._plain: dict[int, Value] = {}

    def refuse_call(self, call: CallNode, entry: Entry) -> Refusal:
        """Say why *entry* does not admit *call*."""
        if entry.kind is Kind.CONSTANT:
            return "a constant is not called"
        if call.positional is None:
            return "the stream computes the arguments"
        return _CHECKS[entry.args](self, call, call.positional)

    def refuse_change(self, change: Change) -> Refusal:
        """Say why the value that a listed name made may not be changed so."""
        target = change.target
        entry = _entry_of(target) if isinstance(target, CallNode) else None
        if entry is None or not isinstance(target, CallNode):
            return "a value is changed that no listed name made"
        state = self._resolve(entry.state, target)
        if change.kind is not ChangeKind.BUILD:
            admitted = state in {State.ITEMS, State.BOTH}
            return None if admitted else f"items are given to the result of {entry.name}"
        (content,) = change.items
        if state in _STATES:
            return _STATES[state](self, content)
        return f"a state is given to the result of {entry.name}"

    def _resolve(self, state: State, call: CallNode) -> State:
        """Return what the class admits that a call makes an instance of."""
        if state is not State.OF_CLASS:
            return state
        first = (call.positional or (None,))[0]
        entry = find_entry(first.dotted) if isinstance(first, GlobalNode) else None
        return entry.state if entry and entry.state is not State.OF_CLASS else State.NONE

    def is_plain(self, value: Value) -> bool:
        """Tell whether *value* is made of constants and containers only."""
        fresh: dict[int, Value] = {}
        pending = [value]
        while pending:
            item = pending.pop()
            if is_opaque(item):
                return False
            if isinstance(item, ListNode | TupleNode | SetNode | DictNode):
                key = id(item)
                if key not in self._plain and key not in fresh:
                    fresh[key] = item
                    pending.extend(children(item))
        self._plain.update(fresh)
        return True

    def are_plain(self, call: CallNode, values: tuple[Value, ...]) -> bool:
        """Tell whether *values* and the keyword arguments are plain."""
        return all(map(self.is_plain, values)) and self.is_plain(call.kwargs)


def _entry_of(call: CallNode) -> Entry | None:
    """Return the entry of what *call* calls."""
    return find_entry(call.target) if call.target else None


def _uncalled(_judge: Judge, _call: CallNode, _args: tuple[Value, ...]) -> Refusal:
    return "it may be named and not called"


def _none(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    return "it takes no arguments here" if args or _has_keywords(call) else None


def _plain(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    return None if judge.are_plain(call, args) else "it takes constants only"


def _allowed(_judge: Judge, _call: CallNode, _args: tuple[Value, ...]) -> Refusal:
    return None


def _pairs(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if not args and not _has_keywords(call):
        return None
    well_formed = len(args) == 1 and not _has_keywords(call) and _is_pairs(args[0])
    return None if well_formed else "it takes one list of pairs"


def _is_pairs(value: Value) -> bool:
    """Tell whether *value* is a list of pairs, or a dict."""
    if isinstance(value, DictNode):
        return True
    return isinstance(value, ListNode) and all(
        isinstance(item, TupleNode | ListNode) and len(item.items) == 2  # noqa: PLR2004  a pair
        for item in value.items
    )


def _sequence(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    well_formed = len(args) == 1 and not _has_keywords(call) and _integers(args[0]) is not None
    return None if well_formed else "it takes one sequence of integers"


def _content(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    def is_text(value: Value) -> bool:
        made = isinstance(value, CallNode) and value.target == "_codecs.encode"
        return made or isinstance(value, str | bytes | ByteArrayNode)

    admitted = not _has_keywords(call) and all(map(is_text, args))
    return None if admitted else "it takes text or bytes"


def _factory(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if not args:
        return None
    factory = args[0]
    plain = factory is None or (isinstance(factory, GlobalNode) and factory.dotted in _FACTORIES)
    if plain and len(args) == 1 and not _has_keywords(call):
        return None
    return "its factory is not a plain class"


def _class_first(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    entry = find_entry(first.dotted) if isinstance(first, GlobalNode) else None
    if entry is None or entry.kind is not Kind.CLASS or _has_keywords(call):
        return "its first argument is not a listed class"
    functions = (
        item.dotted
        for item in args[1:]
        if isinstance(item, GlobalNode) and not item.dotted.startswith("builtins.")
    )
    return next((f"{name} is among its arguments" for name in functions), None)


def _callable_first(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    entry = find_entry(first.dotted) if isinstance(first, GlobalNode) else None
    if entry is None or entry.args in _SPECIAL:
        return "its first argument is not a listed function of plain values"
    return None if judge.are_plain(call, args[1:]) else "it stores arguments that are not plain"


def _own_module(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    package = ".".join((call.target or "").split(".")[:2]) + "."
    for item in args:
        if isinstance(item, GlobalNode):
            if not item.dotted.startswith(package):
                return f"{item.dotted} is among its arguments"
        elif not isinstance(item, CallNode) and not judge.is_plain(item):
            return "its arguments hold something other than data"
    return "it takes no keywords" if _has_keywords(call) else None


def _nested_pickle(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    literal = len(args) == 1 and literal_bytes(args[0]) is not None
    return (
        None
        if literal and not _has_keywords(call)
        else "it unpickles bytes that the stream computes"
    )


def _encode(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    encodings = {"latin1", "latin-1", "utf-8", "utf8", "ascii"}
    text = bool(args) and isinstance(args[0], str) and not _has_keywords(call)
    known = len(args) == 1 or (len(args) == 2 and args[1] in encodings)  # noqa: PLR2004  as it says
    return None if text and known else "it takes a string and an encoding of text"


def _tensor(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if len(args) < 4 or _has_keywords(call):  # noqa: PLR2004  storage, offset, size, stride
        return "it takes a storage, an offset, a size and a stride"
    offset, size, stride = args[1], _integers(args[2]), _integers(args[3])
    if not isinstance(offset, int) or size is None or stride is None or len(size) != len(stride):
        return "offset, size and stride are not integers"
    if any(n < 0 for n in (offset, *size, *stride)):
        return "offset, size or stride is negative"
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
    if not math.prod(size):
        last = offset
    return _refuse_storage(args[0], last)


def _refuse_storage(storage: Value, last: int) -> Refusal:
    """Say why the storage of a tensor does not hold its first *last* elements."""
    if isinstance(storage, CallNode):
        # A storage that a nested checkpoint gives: torch itself compares sizes in set_().
        known = storage.target == "torch.storage._load_from_bytes"
        return None if known else "its storage is computed"
    if not isinstance(storage, PersistentNode):
        return "its first argument is no storage"
    described = read_storage(storage.pid)
    if described is None:
        return "its storage has no known form"
    room = described.elements
    return None if last <= room else f"it reaches element {last} of a storage of {room}"


def _rebuild(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if len(args) != 4 or _has_keywords(call):  # noqa: PLR2004  function, type, arguments, state
        return "it takes a function, a class, arguments and a state"
    function, kind, inner, state = args
    entry = find_entry(function.dotted) if isinstance(function, GlobalNode) else None
    made = find_entry(kind.dotted) if isinstance(kind, GlobalNode) else None
    if entry is None or entry.args in _SPECIAL - {Arguments.NESTED_PICKLE}:
        return "its function is not listed"
    if made is None or made.kind is not Kind.CLASS:
        return "its class is not listed"
    virtual = CallNode(call.kind, function, inner, call.offset)
    return judge.refuse_call(virtual, entry) or _attributes(judge, state)


def _array_shell(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    entry = find_entry(first.dotted) if isinstance(first, GlobalNode) else None
    if entry is None or entry.state is not State.ARRAY or len(args) != 3:  # noqa: PLR2004  as below
        return "it takes a listed array class, a shape and a type code"
    shape, code = _integers(args[1]), args[2]
    made = isinstance(code, CallNode) and code.target == "_codecs.encode"
    if shape not in ((0,), ()) or not (made or isinstance(code, str | bytes)):
        return "the array is not empty"
    return None if judge.is_plain(call.kwargs) and not _has_keywords(call) else "it has keywords"


def _dtype_code(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    record = isinstance(first, GlobalNode) and first.dotted in RECORD_CLASSES
    plain = judge.are_plain(call, args[1:]) and (record or isinstance(first, str))
    return None if plain else "it takes a type code"


def _scalar(_judge: Judge, _call: CallNode, args: tuple[Value, ...]) -> Refusal:
    kind = read_type(args[0]) if args else None
    if kind is None or kind.has_object:
        return "its type holds objects or is computed"
    return None


def _has_keywords(call: CallNode) -> bool:
    """Tell whether *call* has keyword arguments."""
    return not (call.kwargs is None or (isinstance(call.kwargs, DictNode) and not call.kwargs.flat))


def _integers(value: Value) -> tuple[int, ...] | None:
    """Return the integers in a tuple or list, also one that torch.Size made."""
    if isinstance(value, CallNode) and value.target == "torch.Size":
        value = (value.positional or (None,))[0]
    if not isinstance(value, TupleNode | ListNode):
        return None
    found = tuple(item for item in value.items if isinstance(item, int))
    return found if len(found) == len(value.items) else None


def _attributes(judge: Judge, state: Value) -> Refusal:
    """Admit a dict of attributes, or None, or a pair of those."""
    if isinstance(state, TupleNode) and len(state.items) == 2:  # noqa: PLR2004  dict and slots
        return _attributes(judge, state.items[0]) or _attributes(judge, state.items[1])
    if state is None:
        return None
    if not isinstance(state, DictNode):
        return "the state is not a dict of attributes"
    for key in state.flat[::2]:
        if not isinstance(key, str):
            return "an attribute's name is not a string"
        if key.startswith("__") and key.endswith("__"):
            return f"the state sets the special attribute {key}"
    return None


def _array(judge: Judge, state: Value) -> Refusal:
    """Admit an array's state: version, shape, type, order, content, and a mask's parts."""
    if not isinstance(state, TupleNode) or len(state.items) not in {5, 7}:
        return "the state of an array has five items"
    _version, shape, kind, _order, content, *mask = state.items
    described = read_type(kind)
    if _integers(shape) is None or described is None:
        return "an array has no known shape or type"
    if described.has_object != isinstance(content, ListNode):
        return "objects of an array are not a list"
    makers = {"_codecs.encode", "builtins.bytes"}
    made = isinstance(content, CallNode) and content.target in makers
    if not (made or isinstance(content, ListNode | str | bytes)):
        return "the content of an array is computed"
    del judge, mask
    return None


def _dtype(judge: Judge, state: Value) -> Refusal:
    """Admit the state of a NumPy type."""
    del judge
    return find_type_fault(state)


def _callable(judge: Judge, state: Value) -> Refusal:
    """Admit the state of functools.partial: function, arguments, keywords, attributes."""
    if not isinstance(state, TupleNode) or len(state.items) != 4:  # noqa: PLR2004  as it says
        return "the state of a partial function has four items"
    function, args, keywords, attributes = state.items
    entry = find_entry(function.dotted) if isinstance(function, GlobalNode) else None
    if entry is None or entry.args in _SPECIAL:
        return "its function is not a listed function of plain values"
    plain = all(map(judge.is_plain, (args, keywords, attributes)))
    return None if plain else "it stores arguments that are not plain"


def _any(_judge: Judge, _state: Value) -> Refusal:
    return None


_CHECKS: Final[Mapping[Arguments, Callable[[Judge, CallNode, tuple[Value, ...]], Refusal]]] = (
    MappingProxyType(
        {
            Arguments.UNCALLED: _uncalled,
            Arguments.NONE: _none,
            Arguments.PLAIN: _plain,
            Arguments.ALLOWED: _allowed,
            Arguments.PAIRS: _pairs,
            Arguments.SEQUENCE: _sequence,
            Arguments.CONTENT: _content,
            Arguments.FACTORY: _factory,
            Arguments.CLASS_FIRST: _class_first,
            Arguments.CALLABLE_FIRST: _callable_first,
            Arguments.OWN_MODULE: _own_module,
            Arguments.NESTED_PICKLE: _nested_pickle,
            Arguments.ENCODE: _encode,
            Arguments.TENSOR: _tensor,
            Arguments.REBUILD: _rebuild,
            Arguments.ARRAY_SHELL: _array_shell,
            Arguments.SCALAR: _scalar,
            Arguments.DTYPE_CODE: _dtype_code,
        }
    )
)

_STATES: Final[Mapping[State, Callable[[Judge, Value], Refusal]]] = MappingProxyType(
    {
        State.ATTRIBUTES: _attributes,
        State.BOTH: _attributes,
        State.ARRAY: _array,
        State.DTYPE: _dtype,
        State.CALLABLE: _callable,
        State.DATA: _any,
    }
)
