"""
Whether what a listed name made gets only the state that its entry admits.

Every function answers with None for "admitted" or with the reason for a refusal. What is not
understood is refused.
"""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.formats.pickle.containers import is_opaque
from weighbridge.formats.pickle.values import (
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    TupleNode,
    Value,
)
from weighbridge.scan.allowlist import Arguments, Entry, State, find_entry
from weighbridge.scan.formulas import refuse_formula
from weighbridge.scan.numpy_types import is_string_type, read_type
from weighbridge.scan.pickle_arrow import is_arrow_array
from weighbridge.scan.pickle_plain import PlainValues, Refusal, integers, is_text

NOT_CALLED_BY_OTHERS: Final = frozenset(
    {
        Arguments.NESTED_PICKLE,
        Arguments.REBUILD,
        Arguments.CLASS_FIRST,
        Arguments.OWN_CLASS,
        Arguments.CALLABLE_FIRST,
        Arguments.OWN_MODULE,
        Arguments.MEMBER,
        Arguments.SINGLETON,
        Arguments.ARROW,
        Arguments.GRAPH,
    }
)
"""Functions that may not be called by another: what they get then is nobody's to check."""

NOT_STORED: Final = NOT_CALLED_BY_OTHERS | {Arguments.NEW, Arguments.NONE}
"""What may not be stored for a later call; a class's `__init__` was not read for that."""

_ARGUMENTS: Final = r"(?:[A-Za-z_]\w{0,31}, ){0,8}"
_SCALE: Final = r"(?:loc=0(?:, scale=1)?)"
_TEMPLATE: Final = re.compile(
    rf"\s*def _parse_args\(self, ({_ARGUMENTS}) {_SCALE}\):"
    r"\s+return \(\1\), loc(?:, scale|, 1)"
    rf"\s+def _parse_args_rvs\(self, \1 {_SCALE}, size=None\):"
    r"\s+return self\._argcheck_rvs\(\1 loc(?:, scale|, 1), size=size\)"
    rf"\s+def _parse_args_stats\(self, \1 {_SCALE}, moments='mv'\):"
    r"\s+return \(\1\), loc(?:, scale|, 1), moments\s*",
    re.ASCII,
)
"""The code that SciPy makes from the names of a distribution's parameters, and runs."""

_MAX_TEMPLATE: Final = 4096

_NAME_AT: Final = 2
_NETWORKS: Final = "ultralytics.nn.tasks"
_LAYER: Final = re.compile(r"(?:(?:torch\.)?nn\.|torchvision\.ops\.)?(?:[A-Z]|v[0-9])\w*", re.ASCII)
_ACTIVATION: Final = re.compile(
    r"(?:torch\.)?nn\.[A-Z]\w*\((?:[a-z_]+=)?(?:[0-9.e-]*|True|False)\)", re.ASCII
)
"""An activation as configurations have it: a layer of torch with at most one constant."""

_OWN: Final = frozenset({"__networkx_cache__"})
"""Names of frameworks that only look special."""

_ARROW_KEYS: Final = frozenset({"_data", "_pa_array"})
"""Where pandas keeps an array of Arrow (`ArrowExtensionArray.__setstate__`)."""

_COPIED: Final = frozenset({"__doc__", "__module__", "__name__", "__qualname__"})
"""Special attributes that are only text."""


def refuse_state(plain: PlainValues, entry: Entry, state: State, content: Value) -> Refusal:
    """Say why BUILD may not give *content* to what *entry* made; *state* is what it admits."""
    if state not in _STATES:
        return f"a state is given to the result of {entry.name}"
    refused = _STATES[state](plain, content)
    if refused is None and entry.module == _NETWORKS:
        refused = _network(content)
    if refused is None and entry.forbids:
        return _forbidden(entry, content)
    return refused


def refuse_attributes(plain: PlainValues, state: Value) -> Refusal:
    """Admit a dict of attributes, or None; a pair only where the second is empty."""
    if isinstance(state, TupleNode) and len(state.items) == 2:  # noqa: PLR2004  dict and slots
        attributes, slots = state.items
        if slots is None or (isinstance(slots, DictNode) and not slots.flat):
            return refuse_attributes(plain, attributes)
        return "it has no slots"
    return _names(state)


def _names(state: Value) -> Refusal:
    """Admit a dict of attributes, or None."""
    if state is None:
        return None
    if not isinstance(state, DictNode):
        return "the state is not a dict of attributes"
    for key, value in state.pairs():
        if not isinstance(key, str):
            return "an attribute's name is not a string"
        if not is_special(key):
            continue
        # Wrappers copy what the function that they wrap is called.
        if key not in _COPIED or not isinstance(value, str | None):
            return f"the state sets the special attribute {key!r}"
    return None


def is_special(key: Value) -> bool:
    """Tell whether *key* is a name that Python itself looks up, like `__setstate__`."""
    if not isinstance(key, str) or key in _OWN:
        return False
    return key.startswith("__") and key.endswith("__")


def _slots(plain: PlainValues, state: Value) -> Refusal:
    """Admit attributes, or a pair of dicts: of attributes and of slots."""
    if isinstance(state, TupleNode) and len(state.items) == 2:  # noqa: PLR2004  dict and slots
        return _names(state.items[0]) or _names(state.items[1])
    return refuse_attributes(plain, state)


def _network(state: Value) -> Refusal:
    """
    Refuse the description of a network that runs code when it is trained on.

    Ultralytics builds the network anew from its attribute `yaml`: it evaluates the activation, and
    calls whatever has the name of a layer among its own functions.
    """
    for key, described in state.pairs() if isinstance(state, DictNode) else ():
        if key != "yaml" or not isinstance(described, DictNode):
            continue
        for name, value in described.pairs():
            if name == "activation" and not (
                value is None or (isinstance(value, str) and _ACTIVATION.fullmatch(value))
            ):
                return "its description names an activation that Ultralytics would evaluate"
            if name in {"backbone", "head"} and not all(map(_is_layer, _rows(value))):
                return "its description has a layer that is none"
    return None


def _rows(value: Value) -> tuple[Value, ...]:
    """Return the rows of a part of a description; what is no list is one that is no row."""
    return tuple(value.items) if isinstance(value, ListNode | TupleNode) else (value,)


def _is_layer(row: Value) -> bool:
    """Tell whether a row of a description, (from, number, name, arguments), names a layer."""
    items = row.items if isinstance(row, ListNode | TupleNode) else ()
    name = items[_NAME_AT] if len(items) > _NAME_AT else None
    return isinstance(name, str) and _LAYER.fullmatch(name) is not None


def _forbidden(entry: Entry, state: Value) -> Refusal:
    """Refuse attributes that make a class do more than to keep them."""
    if isinstance(state, TupleNode) and state.items:
        state = state.items[0]
    pairs = state.pairs() if isinstance(state, DictNode) else ()
    found = next((k for k, value in pairs if k in entry.forbids and value is not None), None)
    return None if found is None else f"the state sets {found}, with which its class runs code"


def _array(plain: PlainValues, state: Value) -> Refusal:
    """Admit an array's state: version, shape, type, order, content, and a mask's parts."""
    if not isinstance(state, TupleNode) or len(state.items) not in {5, 7}:
        return "the state of an array has five items"
    _version, shape, kind, _order, content, *mask = state.items
    if is_string_type(kind):
        return _texts(shape, content)
    described, lengths = read_type(kind), integers(shape)
    if lengths is None or described is None or min(lengths, default=0) < 0:
        return "an array has no known shape or type"
    if described.has_object != isinstance(content, ListNode):
        return "objects of an array are not a list"
    if isinstance(content, ListNode) and content.given != math.prod(lengths):
        # NumPy takes as many as the shape says, from beyond the end of the list as well.
        return "an array has more or fewer objects than its shape says"
    makers = {"_codecs.encode", "builtins.bytes"}
    made = isinstance(content, CallNode) and content.target in makers
    if not (made or isinstance(content, ListNode | str | bytes)):
        return "the content of an array is computed"
    del plain, mask
    return None


def _texts(shape: Value, content: Value) -> Refusal:
    """Admit the content of an array of text; NumPy makes text of anything else by calling it."""
    lengths = integers(shape)
    if lengths is None or min(lengths, default=0) < 0 or not isinstance(content, ListNode):
        return "an array of text has no known shape or content"
    if content.given != math.prod(lengths):
        return "an array has more or fewer objects than its shape says"
    plain = all(isinstance(item, str | float | None) for item in content.items)
    return None if plain else "an array of text holds something else"


def _callable(plain: PlainValues, state: Value) -> Refusal:
    """Admit the state of functools.partial: function, arguments, keywords, attributes."""
    if not isinstance(state, TupleNode) or len(state.items) != 4:  # noqa: PLR2004  as it says
        return "the state of a partial function has four items"
    function, args, keywords, attributes = state.items
    entry = find_entry(function.dotted) if isinstance(function, GlobalNode) else None
    if entry is None or entry.args in NOT_STORED:
        return "its function is not a listed function of plain values"
    held = all(map(plain.holds, (args, keywords, attributes)))
    return None if held else "it stores arguments that are not plain"


def _plain(plain: PlainValues, state: Value) -> Refusal:
    """Admit constants and containers of them."""
    return None if plain.holds(state) else "its state is not made of constants"


def _content(_plain: PlainValues, state: Value) -> Refusal:
    """Admit text or bytes."""
    return None if is_text(state) else "its state is not text or bytes"


def _distribution(plain: PlainValues, state: Value) -> Refusal:
    """
    Admit the attributes of a distribution of SciPy, with the code that SciPy itself makes.

    Releases before 1.6 write the arguments of __init__, which checks the names among them, and a
    random generator.
    """
    if isinstance(state, TupleNode) and len(state.items) == 2:  # noqa: PLR2004  as it says
        return None if plain.holds(state.items[0]) else "its arguments are not constants"
    refused = refuse_attributes(plain, state)
    if refused is not None or not isinstance(state, DictNode):
        return refused
    for key, value in state.pairs():
        if key != "_parse_arg_template":
            continue
        if not isinstance(value, str) or len(value) > _MAX_TEMPLATE:
            return "the code in _parse_arg_template is not a string"
        if _TEMPLATE.fullmatch(value) is None:
            return "the state sets _parse_arg_template to code of its own, which SciPy runs"
    return None


def _formula(plain: PlainValues, state: Value) -> Refusal:
    """Admit attributes, and a formula that can be evaluated without harm."""
    for key, value in state.pairs() if isinstance(state, DictNode) else ():
        if key != "formula" or value is None:
            continue
        refused = refuse_formula(value) if isinstance(value, str) else "its formula is no text"
        if refused is not None:
            return refused
    return refuse_attributes(plain, state)


def _boosted(plain: PlainValues, state: Value) -> Refusal:
    """Admit attributes, with a booster that the stream itself makes."""
    for key, value in state.pairs() if isinstance(state, DictNode) else ():
        made = isinstance(value, CallNode) and value.target == "xgboost.core.Booster"
        if key == "_Booster" and value is not None and not made:
            return "its booster is not one that the stream makes"
    return refuse_attributes(plain, state)


def _arrow(plain: PlainValues, state: Value) -> Refusal:
    """Admit attributes around an array of Arrow: pandas goes through what it gets as one."""
    for key, value in state.pairs() if isinstance(state, DictNode) else ():
        if key in _ARROW_KEYS and not is_arrow_array(value):
            return "its array is not one that the stream makes"
    return refuse_attributes(plain, state)


def _data(_plain: PlainValues, state: Value) -> Refusal:
    """
    Admit anything but special attributes, in a dict or in a tuple's dicts.

    What a class does with its state is often to set its items as attributes, and one that is
    called `__setstate__` is what the next BUILD calls.
    """
    parts = state.items if isinstance(state, TupleNode | ListNode) else (state,)
    for part in parts:
        keys = part.flat[::2] if isinstance(part, DictNode) else ()
        for key in keys:
            if is_opaque(key):
                return "the name of an attribute is computed"
            if is_special(key):
                return f"the state sets the special attribute {key!r}"
    return None


_STATES: Final[Mapping[State, Callable[[PlainValues, Value], Refusal]]] = MappingProxyType(
    {
        State.ATTRIBUTES: refuse_attributes,
        State.BOTH: refuse_attributes,
        State.NATIVE: refuse_attributes,
        State.TAGGER: refuse_attributes,
        State.SLOTS: _slots,
        State.FORMULA: _formula,
        State.BOOSTED: _boosted,
        State.ARRAY: _array,
        State.CALLABLE: _callable,
        State.DISTRIBUTION: _distribution,
        State.PLAIN: _plain,
        State.CONTENT: _content,
        State.DATA: _data,
        State.ARROW: _arrow,
    }
)
