"""
Whether a listed name gets only what its entry in the allow-list admits.

Every function here answers with None for "admitted" or with the reason for a refusal. What is
not understood is refused.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.limits.pickles import MAX_PICKLE_PATTERN_CHARS
from weighbridge.formats.pickle.containers import is_opaque
from weighbridge.formats.pickle.trace import Change, ChangeKind
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallKind,
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    SetNode,
    TupleNode,
    Value,
)
from weighbridge.scan.allowlist import Arguments, Entry, Kind, State, find_entry
from weighbridge.scan.numpy_types import RECORD_CLASSES, find_type_fault, read_type
from weighbridge.scan.pickle_arrow import refuse_arrow
from weighbridge.scan.pickle_companions import Companions
from weighbridge.scan.pickle_facts import literal_bytes, member_of
from weighbridge.scan.pickle_graphs import Graphs
from weighbridge.scan.pickle_model_files import refuse_model_file, refuse_tagger
from weighbridge.scan.pickle_owners import refuse_foreign
from weighbridge.scan.pickle_plain import PlainValues, Refusal, has_keywords, integers, is_text
from weighbridge.scan.pickle_search_trees import refuse_search_tree
from weighbridge.scan.pickle_sharing import Sharing
from weighbridge.scan.pickle_sizes import refuse_size
from weighbridge.scan.pickle_states import (
    NOT_CALLED_BY_OTHERS,
    NOT_STORED,
    is_special,
    refuse_attributes,
    refuse_state,
)
from weighbridge.scan.pickle_tensors import refuse_tensor
from weighbridge.scan.pickle_trees import refuse_tree

_FLAGS: Final = frozenset({"re.RegexFlag", "regex._regex_core.RegexFlag"})
"""What makes the flags of a regular expression."""

_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,3}", re.ASCII)
"""Names of time zones; what looks one up joins it to directories, and imports packages of it."""

_SINGLETONS: Final = frozenset({"builtins.Ellipsis", "builtins.NotImplemented"})

_UFUNC_MODULES: Final = MappingProxyType(
    {
        "numpy": "numpy",
        "numpy.core._multiarray_umath": "numpy",
        "scipy.special": "scipy.special._ufuncs",
        "scipy.special._ufuncs": "scipy.special._ufuncs",
    }
)
"""Where NumPy itself says that arithmetic functions are, and where they are listed."""

_COMPLETED: Final = frozenset({State.TREE, State.SEARCH_TREE})
"""Instances of these without a state have pointers to nothing."""

_RECONSTRUCTOR: Final = "copyreg._reconstructor"

_FACTORIES: Final = frozenset(
    f"builtins.{name}" for name in ("list", "dict", "int", "float", "str", "set", "tuple", "bool")
) | {"collections.OrderedDict", "collections.Counter", "collections.defaultdict"}


class Judge:
    """
    Checks the calls and changes of one trace; remembers which containers it has walked.

    Args:
        companions: What joblib can read beside the pickle.
        sharing: What the stream gives to more than one.
    """

    def __init__(self, companions: Companions, sharing: Sharing) -> None:
        self.plain = PlainValues()
        self.graphs = Graphs()
        self._companions = companions
        self._sharing = sharing
        self._built: set[int] = set()

    def refuse_call(self, call: CallNode, entry: Entry) -> Refusal:
        """Say why *entry* does not admit *call*."""
        if entry.kind is Kind.CONSTANT:
            return "a constant is not called"
        if call.positional is None:
            return "the stream computes the arguments"
        if entry.state in _COMPLETED and len(call.states) != 1:
            return "it gets no state or several, and what has none is no tree"
        return _CHECKS[entry.args](self, call, call.positional)

    def refuse_change(self, change: Change) -> Refusal:
        """Say why the value that a listed name made may not be changed so."""
        target = change.target
        entry = made_by(target) if isinstance(target, CallNode) else None
        if entry is None:
            return "a value is changed that no listed name made"
        if change.kind is not ChangeKind.BUILD:
            return self._refuse_items(change, entry)
        (content,) = change.items
        refused = self._refuse_content(target, entry, content)
        self._built.add(id(target))
        return refused

    def is_built(self, call: CallNode, /) -> bool:
        """Tell whether what *call* made has got its state, before the change that is judged."""
        return id(call) in self._built

    def _refuse_content(self, target: Value, entry: Entry, content: Value) -> Refusal:
        """Say why BUILD may not give *content* to *target*, which *entry* made."""
        if isinstance(target, CallNode) and entry.state is State.DTYPE:
            return find_type_fault(target, content)
        if isinstance(target, CallNode) and entry.state is State.SEARCH_TREE:
            return refuse_search_tree(
                target, content, is_built=self.is_built, sharing=self._sharing
            )
        if isinstance(target, CallNode) and entry.state is State.COMPANION:
            return self._companions.refuse(target, content)
        if isinstance(target, CallNode) and entry.state is State.MODEL_FILE:
            return refuse_model_file(target, content)
        if isinstance(target, CallNode) and entry.state is State.TREE:
            return refuse_tree(target, content, is_built=self.is_built)
        if isinstance(target, CallNode) and content is target and entry.state is State.BOTH:
            # A dict whose items are its attributes, as statsmodels has one.
            content = DictNode(target.assigned)
        refused = refuse_state(self.plain, entry, entry.state, content)
        if refused is None and entry.state in {State.DATA, State.ARRAY}:
            return refuse_foreign(entry, _direct(entry, content), made_by=made_by)
        if refused is None and entry.state is State.TAGGER:
            return refuse_tagger(content, made_by=made_by)
        return refused

    def _refuse_items(self, change: Change, entry: Entry) -> Refusal:
        """
        Say why *change* may not give items to what *entry* made.

        Classes outside of Python's own look items up for attributes that they lack, special ones
        included, and call methods of theirs for an item, which attributes can take the place of.
        Picklers write items first.
        """
        if entry.state not in {State.ITEMS, State.BOTH}:
            return f"items are given to the result of {entry.name}"
        if entry.pack == "python":
            return None
        if id(change.target) in self._built:
            return f"items are given to the result of {entry.name} after its attributes"
        keys = change.items[::2] if change.kind is ChangeKind.ASSIGN else ()
        if entry.pack == "nltk" or entry.module == "sklearn.utils._encode":
            return None  # counts of words or values, which may be any
        if any(map(is_opaque, keys)):
            return f"the key of an item of {entry.name} is computed"
        special = next(filter(is_special, keys), None)
        return None if special is None else f"an item has the special name {special!r}"


def _direct(entry: Entry, content: Value) -> tuple[Value, ...]:
    """Return what a state is made of; objects of an array are kept, parts of its mask are not."""
    if entry.state is State.ARRAY:
        return content.items[5:] if isinstance(content, TupleNode) else ()
    return (content,)


def made_by(call: CallNode) -> Entry | None:
    """Return the entry of the class that *call* makes an instance of, or of what it calls."""
    entry = _entry_of(call)
    if entry is None or entry.state is not State.OF_CLASS:
        return entry
    first = (call.positional or (None,))[0]
    return (find_entry(first.dotted) if isinstance(first, GlobalNode) else None) or entry


def _entry_of(call: CallNode) -> Entry | None:
    """Return the entry of what *call* calls."""
    target = call.target or member_of(call.callable)
    return find_entry(target) if target else None


def _uncalled(_judge: Judge, _call: CallNode, _args: tuple[Value, ...]) -> Refusal:
    return "it may be named and not called"


def _new(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if args or has_keywords(call):
        return "it takes no arguments here"
    # INST and OBJ without arguments make an empty instance as well.
    return "its __init__ would run" if call.kind is CallKind.REDUCE else None


def _none(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    return "it takes no arguments here" if args or has_keywords(call) else None


def _plain(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if call.target in _FLAGS and len(args) == 1 and _is_flag(args[0]):
        return None
    if not judge.plain.hold(call, args):
        return "it takes constants only"
    return refuse_size(call, args)


def _is_flag(value: Value) -> bool:
    """Tell whether *value* is a flag of regular expressions, of which another is made."""
    return isinstance(value, CallNode) and value.target in _FLAGS


def _allowed(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    return _foreign(call, (*args, call.kwargs))


def _foreign(call: CallNode, values: tuple[Value, ...]) -> Refusal:
    """Refuse instances of other frameworks among *values*."""
    entry = find_entry(call.target or "")
    return None if entry is None else refuse_foreign(entry, values, made_by=made_by)


def _container(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    written = all(isinstance(item, ListNode | TupleNode | SetNode | DictNode) for item in args)
    if len(args) <= 1 and written and not has_keywords(call):
        return None
    return "it takes one container that the stream writes out"


def _pairs(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if not args and not has_keywords(call):
        return None
    well_formed = len(args) == 1 and not has_keywords(call) and _is_pairs(args[0])
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
    well_formed = len(args) == 1 and not has_keywords(call) and integers(args[0]) is not None
    return None if well_formed else "it takes one sequence of integers"


def _content(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    held = all(is_text(item) or isinstance(item, ByteArrayNode) for item in args)
    admitted = held and not has_keywords(call)
    return None if admitted else "it takes text or bytes"


def _factory(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if not args:
        return None
    factory = args[0]
    plain = factory is None or (isinstance(factory, GlobalNode) and factory.dotted in _FACTORIES)
    if plain and len(args) == 1 and not has_keywords(call):
        return None
    return "its factory is not a plain class"


def _class_first(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    entry = find_entry(first.dotted) if isinstance(first, GlobalNode) else None
    if entry is None or entry.kind is not Kind.CLASS or has_keywords(call):
        return "its first argument is not a listed class"
    base = args[1] if len(args) > 1 else None
    if call.target == _RECONSTRUCTOR and not isinstance(base, GlobalNode):
        return "the base that makes the instance is no class"
    functions = (
        item.dotted
        for item in args[1:]
        if isinstance(item, GlobalNode) and not item.dotted.startswith("builtins.")
    )
    refused = next((f"{name} is among its arguments" for name in functions), None)
    rest = args[1:]
    if call.target == _RECONSTRUCTOR:
        # A base of Python copies a container as it stands, and goes through anything else.
        rest = tuple(item for item in rest if isinstance(item, CallNode))
    return refused or _foreign(call, rest)


def _own_class(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    entry = find_entry(first.dotted) if isinstance(first, GlobalNode) else None
    own = find_entry(call.target or "")
    if entry is None or own is None or entry.pack != own.pack:
        return "its first argument is not a listed class of the same framework"
    return _class_first(judge, call, args)


def _own_instance(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    own = find_entry(call.target or "")
    for item in args:
        entry = _entry_of(item) if isinstance(item, CallNode) else None
        if entry is None or own is None or entry.pack != own.pack:
            return "it takes instances of listed classes of the same framework"
    return "it takes no keywords" if has_keywords(call) else None


def _callable_first(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    entry = find_entry(first.dotted) if isinstance(first, GlobalNode) else None
    if entry is None or entry.args in NOT_STORED:
        return "its first argument is not a listed function of plain values"
    return None if judge.plain.hold(call, args[1:]) else "it stores arguments that are not plain"


def _own_module(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    package = ".".join((call.target or "").split(".")[:2]) + "."
    for item in args:
        if isinstance(item, GlobalNode):
            if not item.dotted.startswith(package):
                return f"{item.dotted} is among its arguments"
        elif not isinstance(item, CallNode) and not judge.plain.holds(item):
            return "its arguments hold something other than data"
    return "it takes no keywords" if has_keywords(call) else None


def _nested_pickle(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    literal = len(args) == 1 and literal_bytes(args[0]) is not None
    return (
        None
        if literal and not has_keywords(call)
        else "it unpickles bytes that the stream computes"
    )


def _pattern(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    expression = args[0] if args else None
    expression = literal_bytes(expression) or expression
    if not isinstance(expression, str | bytes) or len(expression) > MAX_PICKLE_PATTERN_CHARS:
        return f"it takes a regular expression of at most {MAX_PICKLE_PATTERN_CHARS} characters"
    flags = args[1:]
    made = all(isinstance(f, CallNode) and f.target in _FLAGS for f in flags)
    plain = len(flags) <= 1 and (made or all(isinstance(f, int) for f in flags))
    return None if plain and not has_keywords(call) else "its flags are computed"


def _encode(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    encodings = {"latin1", "latin-1", "utf-8", "utf8", "ascii"}
    text = bool(args) and isinstance(args[0], str) and not has_keywords(call)
    known = len(args) == 1 or (len(args) == 2 and args[1] in encodings)  # noqa: PLR2004  as it says
    return None if text and known else "it takes a string and an encoding of text"


def _tensor(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    return refuse_tensor(call, args)


def _tensor_first(_judge: Judge, _call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    return None if _is_tensor(first) else "its first argument is no tensor"


def _is_tensor(value: Value) -> bool:
    """Tell whether *value* is what a listed function of torch or NumPy made, and no class."""
    entry = _entry_of(value) if isinstance(value, CallNode) else None
    return (
        entry is not None
        and entry.pack in {"torch", "numpy", "joblib"}
        and (entry.kind is Kind.FUNCTION or entry.pack == "joblib")
        and entry.args is not Arguments.GRAPH
    )


def _rebuild(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if len(args) != 4 or has_keywords(call):  # noqa: PLR2004  function, type, arguments, state
        return "it takes a function, a class, arguments and a state"
    function, kind, inner, state = args
    entry = find_entry(function.dotted) if isinstance(function, GlobalNode) else None
    made = find_entry(kind.dotted) if isinstance(kind, GlobalNode) else None
    if (
        entry is None
        or entry.pack != "torch"
        or entry.args in NOT_CALLED_BY_OTHERS - {Arguments.NESTED_PICKLE}
    ):
        return "its function is not listed"
    if made is None or made.kind is not Kind.CLASS:
        return "its class is not listed"
    virtual = CallNode(CallKind.REDUCE, function, inner, call.offset)
    return judge.refuse_call(virtual, entry) or refuse_attributes(judge.plain, state)


def _array_shell(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    entry = find_entry(first.dotted) if isinstance(first, GlobalNode) else None
    if entry is None or entry.state is not State.ARRAY or len(args) != 3:  # noqa: PLR2004  as below
        return "it takes a listed array class, a shape and a type code"
    shape, code = integers(args[1]), args[2]
    made = isinstance(code, CallNode) and code.target == "_codecs.encode"
    if shape not in ((0,), ()) or not (made or isinstance(code, str | bytes)):
        return "the array is not empty"
    return None if judge.plain.holds(call.kwargs) and not has_keywords(call) else "it has keywords"


def _masked_shell(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if len(args) != 4 or has_keywords(call):  # noqa: PLR2004  two classes, a shape, a type code
        return "it takes two array classes, a shape and a type code"
    kinds = [find_entry(item.dotted) for item in args[:2] if isinstance(item, GlobalNode)]
    listed = [kind for kind in kinds if kind is not None and kind.state is State.ARRAY]
    if len(listed) != 2 or integers(args[2]) not in ((0,), ()) or not is_text(args[3]):  # noqa: PLR2004  two classes
        return "the array is not empty, or not of a listed class"
    return None


def _ufunc(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if len(args) == 2 and not has_keywords(call):  # noqa: PLR2004  a module and a name
        module, name = args
        place = _UFUNC_MODULES.get(module) if isinstance(module, str) else None
        listed = find_entry(f"{place}.{name}") if isinstance(name, str) else None
        if place is not None and listed is not None and listed.args is Arguments.UNCALLED:
            return None
    return "it takes the name of an arithmetic function of NumPy"


def _dtype_code(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    first = args[0] if args else None
    record = isinstance(first, GlobalNode) and first.dotted in RECORD_CLASSES
    plain = judge.plain.hold(call, args[1:]) and (record or isinstance(first, str))
    return None if plain else "it takes a type code"


def _string_type(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    coerce, *missing = args or (None,)
    plain = isinstance(coerce, int) and len(missing) <= 1
    held = all(isinstance(item, str | float | None) for item in missing)
    return None if plain and held and not has_keywords(call) else "it takes a number and a constant"


def _scalar(_judge: Judge, _call: CallNode, args: tuple[Value, ...]) -> Refusal:
    kind = read_type(args[0]) if args else None
    if kind is None or kind.has_object:
        return "its type holds objects or is computed"
    return None


def _member(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if len(args) != 2 or has_keywords(call):  # noqa: PLR2004  an object and a name
        return "it takes an object and the name of a member"
    owner, name = args
    if not isinstance(name, str):
        return "the name of the member is computed"
    if isinstance(owner, CallNode):
        entry = made_by(owner)
        listed = entry is not None and name in entry.methods
        shown = "an object" if entry is None else entry.name
    else:
        shown = _class_name(owner)
        member = find_entry(f"{shown}.{name}")
        listed = member is not None and "." in member.qualname
    return None if listed else f"{name!r} is not a listed member of {shown}"


def _class_name(owner: Value) -> str:
    """Return the name of a class, or of that of a value which the stream writes out."""
    if isinstance(owner, GlobalNode):
        return owner.dotted
    for kind, name in ((str, "str"), (ListNode, "list"), (DictNode, "dict")):
        if isinstance(owner, kind):
            return f"builtins.{name}"
    return "this object"


def _singleton(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    if len(args) == 1 and not has_keywords(call):
        (value,) = args
        if value is None or (isinstance(value, GlobalNode) and value.dotted in _SINGLETONS):
            return None
    return "it takes None, Ellipsis or NotImplemented"


def _arrow(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    return refuse_arrow(call, args)


def _graph(judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    return judge.graphs.refuse(call, args, judge.plain)


def _zone(_judge: Judge, call: CallNode, args: tuple[Value, ...]) -> Refusal:
    key = args[0] if args else None
    named = isinstance(key, str) and _ZONE.fullmatch(key) is not None
    rest = len(args) <= 2 and all(isinstance(item, int) for item in args[1:])  # noqa: PLR2004  as it says
    return None if named and rest and not has_keywords(call) else "it takes the name of a time zone"


_CHECKS: Final[Mapping[Arguments, Callable[[Judge, CallNode, tuple[Value, ...]], Refusal]]] = (
    MappingProxyType(
        {
            Arguments.UNCALLED: _uncalled,
            Arguments.NONE: _none,
            Arguments.NEW: _new,
            Arguments.LATER: _new,
            Arguments.CONTAINER: _container,
            Arguments.OWN_CLASS: _own_class,
            Arguments.OWN_INSTANCE: _own_instance,
            Arguments.PATTERN: _pattern,
            Arguments.TENSOR_FIRST: _tensor_first,
            Arguments.PLAIN: _plain,
            Arguments.ALLOWED: _allowed,
            Arguments.PAIRS: _pairs,
            Arguments.SEQUENCE: _sequence,
            Arguments.CONTENT: _content,
            Arguments.NATIVE: _content,
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
            Arguments.STRING_TYPE: _string_type,
            Arguments.MASKED_SHELL: _masked_shell,
            Arguments.UFUNC: _ufunc,
            Arguments.MEMBER: _member,
            Arguments.SINGLETON: _singleton,
            Arguments.ZONE: _zone,
            Arguments.ARROW: _arrow,
            Arguments.GRAPH: _graph,
        }
    )
)
