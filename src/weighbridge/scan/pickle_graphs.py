"""
Graph modules of `torch.fx` in pickles: those of which the source does nothing but compute.

What unpickling one does, in torch 2.0 to 2.15 (`_deserialize_graph_module`):

1. It executes the source: see `fx_source`.
2. It makes the dict of the pickle the attributes of a module, and runs `forward` on it, with a
   tracer that the dict names. Whatever the tracer and the module's methods use is looked up among
   those attributes first. So the tracer is torch's own, and no attribute has the name of a method.
   Modules within are called, and each call is recorded instead of made.
3. It prints the source anew from what was recorded, and executes that as well. The names of
   modules, parameters and buffers are printed without escapes. So they are plain words, those of
   modules within modules, too.
4. It keeps every other attribute: only constants are admitted.

What a name of the source stands for is looked up as torch looks it up, in the tables of the
modules, of which none has a name twice.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.limits.pickles import (
    MAX_GRAPH_ATTRIBUTES,
    MAX_GRAPH_LITERAL_CHARS,
    MAX_GRAPH_SOURCE_CHARS,
)
from weighbridge.core.values import frozen
from weighbridge.formats.pickle.values import (
    CallKind,
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    SetNode,
    TupleNode,
    Value,
)
from weighbridge.scan.allowlist import Arguments, Kind, find_entry
from weighbridge.scan.fx_body import Reached
from weighbridge.scan.fx_names import SHADOWED
from weighbridge.scan.fx_source import refuse_source
from weighbridge.scan.pickle_plain import PlainValues, Refusal, has_keywords

GRAPH_MODULE: Final = "torch.fx.graph_module.reduce_graph_module"
_TRACER: Final = "torch.fx._symbolic_trace.Tracer"

_NAME: Final = re.compile(rf"[\w/:-]{{1,{MAX_GRAPH_LITERAL_CHARS}}}", re.ASCII)
_IDENTIFIER: Final = re.compile(r"[A-Za-z]\w{0,127}", re.ASCII)
_CONSTANT: Final = re.compile(r"_(?:tensor|param)_constant_?[0-9]{1,6}")
"""How torch.fx names constants of a graph; other names that begin so are its own."""

_LAYER_TENSOR: Final = re.compile(
    r"(?:weight|bias)(?:_(?:ih|hh)_l[0-9]{1,3}(?:_reverse)?|_(?:ih|hh)|_[kv])?"
    r"|in_proj_(?:weight|bias)|[qkv]_proj_weight|running_(?:mean|var)|num_batches_tracked"
)
"""Tensors of torch's layers; none of their classes has a method or property of such a name."""

_TABLES: Final[Mapping[str, Reached]] = MappingProxyType(
    {
        "_parameters": Reached.PARAMETER,
        "_buffers": Reached.BUFFER,
        "_modules": Reached.MODULE,
    }
)

_HOOKS: Final = frozenset(
    {
        "_backward_hooks",
        "_backward_pre_hooks",
        "_create_node_hooks",
        "_deepcopy_hooks",
        "_erase_node_hooks",
        "_forward_hooks",
        "_forward_hooks_always_called",
        "_forward_hooks_with_kwargs",
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_load_state_dict_post_hooks",
        "_load_state_dict_pre_hooks",
        "_replace_hooks",
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_tracer_extras",
    }
)
"""Attributes of a graph module that have to be empty."""

_REFUSED: Final = frozenset(
    {"_graph", "_graphmodule_graph_node_meta_stack_trace", "_in_spec", "_out_spec", "code"}
)
"""Attributes that torch reads in ways of their own."""

_BUFFER_NAMES: Final = "_non_persistent_buffers_set"

_LAYERS: Final = "torch.nn.modules."
_OPEN: Final = frozenset(
    {
        GRAPH_MODULE,
        "torch.nn.modules.container.ModuleDict",
        "torch.nn.modules.container.ModuleList",
        "torch.nn.modules.container.Sequential",
        "torch.nn.modules.module.Module",
    }
)
"""Modules of which a source names the modules within."""

_MODULES: Final = (
    _LAYERS,
    "onnx2torch.node_converters.",
    "torch.ao.nn.",
    "torch.nn.intrinsic.",
    "torch.nn.qat.",
    "torch.nn.quantized.",
)
"""Where listed classes are modules, and are called as `torch.nn.Module` is."""

_NO_MODULES: Final = frozenset({"torch.nn.modules.module._WrappedHook"})
"""Listed classes that stand there and are none: they call what they hold."""

_PARAMETER: Final = "torch._utils._rebuild_parameter"
_TENSORS: Final = frozenset(
    {
        _PARAMETER,
        "torch._utils._rebuild_qtensor",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
    }
)


@frozen
class _Module:
    """
    One module of a tree.

    Attributes:
        tables: Its parameters, buffers and modules, by name.
        names: Which of these a source may name; what is in other modules is their own business.
    """

    tables: Mapping[str, tuple[Reached, Value]]
    names: re.Pattern[str] | None


class _Budget:
    """
    How many attributes are still looked at.

    Attributes:
        left: Of them; negative where there were more.
    """

    def __init__(self) -> None:
        self.left = MAX_GRAPH_ATTRIBUTES

    def items(self, node: DictNode) -> dict[str, Value] | None:
        """Return the items of *node*; None where a key is no text, or is there twice."""
        self.left -= 1 + len(node.flat) // 2
        if self.left < 0:
            return None
        found: dict[str, Value] = {}
        for key, value in node.pairs():
            if not isinstance(key, str) or key in found:
                return None
            found[key] = value
        return found


class Graphs:
    """Judges the graph modules of one pickle, and keeps count of what that costs."""

    def __init__(self) -> None:
        self._chars = MAX_GRAPH_SOURCE_CHARS
        self._budget = _Budget()

    def refuse(self, call: CallNode, args: tuple[Value, ...], plain: PlainValues) -> Refusal:
        """Say why *call* may not make a graph module of *args*: its attributes, and imports."""
        refused = self._refuse(call, args, plain)
        if self._budget.left < 0:
            return f"graph modules have more than {MAX_GRAPH_ATTRIBUTES} attributes"
        return refused

    def _refuse(self, call: CallNode, args: tuple[Value, ...], plain: PlainValues) -> Refusal:
        """Say the same, without regard to the bound on attributes."""
        if len(args) != 2 or has_keywords(call):  # noqa: PLR2004  as it says
            return "it takes a dict of attributes and the imports of its source"
        body, imports = args
        attributes = self._budget.items(body) if isinstance(body, DictNode) else None
        if attributes is None or not isinstance(imports, str):
            return "it takes a dict in which no name is twice, and the imports of its source"
        source = attributes.get("_code")
        if not isinstance(source, str) or not source:
            return "its source is no text"
        self._chars -= len(imports) + len(source)
        if self._chars < 0:
            return f"the sources have more than {MAX_GRAPH_SOURCE_CHARS} characters"
        own = (_refuse_own(name, value, plain) for name, value in attributes.items())
        refused = next((reason for reason in own if reason is not None), None)
        if refused is not None:
            return refused
        tree = _Tree(attributes, self._budget)
        return tree.refuse() or refuse_source(imports + source, tree.reach)


def _refuse_own(name: str, value: Value, plain: PlainValues) -> Refusal:
    """Say why a graph module may not have the attribute *name*: torch writes no such value."""
    if name in _TABLES or value is None:
        return None
    if name in _REFUSED:
        return f"it sets {name}"
    if name in _HOOKS:
        return None if _is_empty(value) else f"{name} is not empty"
    if name == "_tracer_cls":
        own = isinstance(value, GlobalNode) and value.dotted == _TRACER
        return None if own else f"its tracer is not {_TRACER}"
    if name == "_graphmodule_cls_name":
        named = isinstance(value, str) and _IDENTIFIER.fullmatch(value)
        return None if named else "the name of its class is none"
    made = _is_set(value, plain) if name == _BUFFER_NAMES else plain.holds(value)
    return None if made else f"its attribute {name!r} is not made of constants"


def _is_empty(value: Value) -> bool:
    """Tell whether *value* is a container with nothing in it."""
    if isinstance(value, CallNode):
        return value.target == "collections.OrderedDict" and not _unordered(value)
    return isinstance(value, DictNode | ListNode) and not (
        value.flat if isinstance(value, DictNode) else value.items
    )


def _unordered(call: CallNode) -> bool:
    """Tell whether an ordered dict gets more than what is assigned to it at first."""
    given = call.kind is not CallKind.REDUCE or call.positional != () or has_keywords(call)
    return bool(given or call.states or call.appended or call.assigned)


def _is_set(value: Value, plain: PlainValues) -> bool:
    """Tell whether *value* is a set of constants, as the protocols write it."""
    if not isinstance(value, CallNode):
        return isinstance(value, SetNode) and plain.holds(value)
    changed = value.states or value.appended or value.assigned
    return value.target == "builtins.set" and not changed and plain.holds(value.args)


class _Tree:
    """A graph module and the modules in it, as far as `named_modules` goes."""

    def __init__(self, attributes: Mapping[str, Value], budget: _Budget) -> None:
        self._budget = budget
        self._attributes = attributes
        self._modules: dict[int, _Module] = {}
        self._root: _Module | None = None

    def refuse(self) -> Refusal:
        """Say what in the tree has a name or a kind that torch would take for something else."""
        waiting: list[CallNode] = []
        self._root, refused = self._read(self._attributes, waiting, names=_NAME)
        while waiting and refused is None:
            node = waiting.pop()
            # As often as it is held: torch goes through the modules once for each way to one.
            attributes = self._attributes_of(node)
            if attributes is None:
                return f"it holds {_called(node)}, which is no listed module with a plain state"
            names = _names_in(node.target or "")
            self._modules[id(node)], refused = self._read(attributes, waiting, names=names)
        return refused

    def _read(
        self,
        attributes: Mapping[str, Value],
        waiting: list[CallNode],
        *,
        names: re.Pattern[str] | None,
    ) -> tuple[_Module, Refusal]:
        """Return the module of *attributes*; add the modules in it to *waiting*."""
        found: dict[str, tuple[Reached, Value]] = {}
        refused: Refusal = None
        for name, kind in _TABLES.items():
            table = self._table(attributes.get(name))
            if table is None:
                refused = f"its {name} are no dict of their own"
                break
            for key, value in table.items():
                refused = refused or _refuse_member(key, kind, value)
                if key in attributes or key in found:
                    refused = refused or f"it has {key!r} twice"
                found[key] = (kind, value)
                if kind is Reached.MODULE and isinstance(value, CallNode):
                    waiting.append(value)
        refused = refused or next(_bad_names(attributes), None)
        return _Module(tables=MappingProxyType(found), names=names), refused

    def _table(self, value: Value) -> dict[str, Value] | None:
        """Return what a table of a module holds; None where that cannot be told."""
        if value is None:
            return {}
        listed = value if isinstance(value, DictNode) else _items_of(value)
        return None if listed is None else self._budget.items(listed)

    def _attributes_of(self, node: CallNode) -> dict[str, Value] | None:
        """Return the attributes of a module; None for what is not known to be a plain one."""
        if node.assigned or node.appended:
            return None
        if node.target == GRAPH_MODULE:
            body = (node.positional or (None,))[0]
            known = isinstance(body, DictNode) and not node.states
            return self._budget.items(body) if known and isinstance(body, DictNode) else None
        if not _is_module(node):
            return None
        match node.states:
            case []:
                return {}
            case [DictNode() as state]:
                return self._budget.items(state)
            case _:
                return None

    def reach(self, path: tuple[str, ...]) -> Reached | None:
        """Return what the graph module has under *path*; None where that cannot be told."""
        current = self._root
        for number, name in enumerate(path, start=1):
            if current is None or name not in current.tables:
                return None
            if current.names is None or not current.names.fullmatch(name):
                return None
            kind, value = current.tables[name]
            if number == len(path):
                return _kind_of(kind, value)
            current = self._modules.get(id(value))
        return None


def _kind_of(kind: Reached, value: Value) -> Reached | None:
    """Return what torch finds: a table of parameters may hold tensors that are none."""
    if not isinstance(value, CallNode):
        return None
    own = kind is not Reached.PARAMETER or value.target == _PARAMETER
    return kind if own else Reached.BUFFER


def _names_in(target: str) -> re.Pattern[str] | None:
    """Return which names a source may use of what a module made by *target* holds."""
    if target in _OPEN:
        return _NAME
    return _LAYER_TENSOR if target.startswith(_LAYERS) else None


def _is_module(node: CallNode) -> bool:
    """Tell whether *node* is an instance of a listed class of modules, made without arguments."""
    entry = find_entry(node.target or "")
    return (
        entry is not None
        and entry.kind is Kind.CLASS
        and entry.args in {Arguments.NEW, Arguments.LATER}
        and entry.module.startswith(_MODULES)
        and entry.name not in _NO_MODULES
        and node.positional == ()
    )


def _items_of(value: Value) -> DictNode | None:
    """Return the items of an ordered dict of the pickle's own, in which nothing else was done."""
    if not isinstance(value, CallNode) or value.target != "collections.OrderedDict":
        return None
    if value.kind is not CallKind.REDUCE or has_keywords(value):
        return None
    if value.states or value.appended or value.positional is None or len(value.positional) > 1:
        return None
    pairs: list[Value] = list(value.assigned)
    for listed in value.positional:
        # Python 2 and protocol 1 write the items as one list of pairs.
        for pair in listed.items if isinstance(listed, ListNode) else (None,):
            if not isinstance(pair, TupleNode | ListNode) or len(pair.items) != 2:  # noqa: PLR2004  a pair
                return None
            pairs.extend(pair.items)
    return DictNode(pairs)


def _refuse_member(key: str, kind: Reached, value: Value) -> Refusal:
    """Say why *key* may not stand for *value* in a table of parameters, buffers or modules."""
    if not _NAME.fullmatch(key) or key in SHADOWED:
        return f"it has {key!r}, which is no plain name of a module or tensor"
    if key.startswith("_") and not _CONSTANT.fullmatch(key):
        return f"it has {key!r}, which is a name of torch's own"
    if value is None:
        return None
    if kind is Reached.MODULE:
        return None if isinstance(value, CallNode) else f"its module {key!r} is none"
    made = isinstance(value, CallNode) and value.target in _TENSORS
    return None if made else f"its tensor {key!r} is not one that the stream makes"


def _bad_names(attributes: Mapping[str, Value]) -> Iterator[str]:
    """Yield why attributes may not have their names."""
    for name in attributes:
        if not _NAME.fullmatch(name) or name in SHADOWED or name.startswith("__"):
            yield f"its attribute {name!r} takes the place of a method, or has no plain name"


def _called(node: CallNode) -> str:
    """Return what is called to make *node*."""
    return node.target or "the result of a computed call"
