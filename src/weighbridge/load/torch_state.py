"""
From the symbolic result of a checkpoint's pickle to placed tensors with flat names.

Nothing is called: the meaning of the few calls that `torch_globals` lists is written here.
"""

from collections.abc import Iterator, Sequence

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, LimitExceededError
from weighbridge.core.limits.pickles import (
    MAX_PICKLE_DEPTH,
    MAX_PICKLE_OPCODES,
    MAX_REPEATED_VALUES,
)
from weighbridge.core.limits.weights import MAX_TENSOR_NAME_BYTES, MAX_TENSORS
from weighbridge.core.values import frozen
from weighbridge.formats.pickle.trace import Trace
from weighbridge.formats.pickle.values import (
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    PersistentNode,
    SetNode,
    TupleNode,
    Value,
)
from weighbridge.load.placement import Placement, place
from weighbridge.load.torch_globals import (
    DTYPE_ELEMENTS,
    ORDERED_DICT,
    REBUILD_PARAMETER,
    REBUILD_TENSOR,
    broken,
    refused,
)
from weighbridge.load.torch_storage import StorageId, Storages, read_storage_id

SOLE_NAME = "tensor"
"""The name of a tensor that is the whole checkpoint."""


@frozen(kw_only=False)
class Place:
    """
    Where in the nested containers a value is; names are put together only where they are wanted.

    Attributes:
        parent: Where the container is; None below the outermost one.
        key: Of the value in its container, as text; None where it is neither text nor an index.
        depth: How many containers are around the value.
    """

    parent: "Place | None"
    key: str | None
    depth: int


@frozen(kw_only=False)
class Step:
    """
    A value in the nested containers of a checkpoint.

    Attributes:
        place: Where it is.
        value: The value.
        leaf: Whether it holds no others: it is no container, or an empty one.
    """

    place: Place
    value: Value
    leaf: bool = True


def storages_of(trace: Trace, *, where: str) -> dict[str, StorageId]:
    """
    Return every storage that *trace* refers to, by its key.

    Raises:
        ArtifactRefusedError: A persistent id means something else.
        MalformedContentError: One key stands for two different storages.
    """
    storages: dict[str, StorageId] = {}
    for event in trace.events:
        if isinstance(event, PersistentNode):
            found = read_storage_id(event, where=where)
            if storages.setdefault(found.key, found) != found:
                raise broken(
                    where, expected="one type and size a storage", found=f"two of {found.key}"
                )
    return storages


def place_state(result: Value, storages: Storages, *, where: str) -> dict[str, Placement]:
    """
    Return where every tensor in *result* lies, by its name.

    Names of nested containers are joined by dots; items of lists and tuples go by their index.
    What is no tensor is left out.

    Args:
        result: What the pickle leaves.
        storages: Where the bytes are.
        where: The file, for errors.

    Raises:
        ArtifactRefusedError: A tensor has no name that could be flat, or two have the same.
        MalformedContentError: A tensor is described wrongly or lies outside its storage.
        LimitExceededError: More tensors, nesting or values than the limits allow.
    """
    placer = Placer(storages, where=where)
    placements: dict[str, Placement] = {}
    for step in walk_state(result, where=where):
        if not is_tensor(step.value):
            continue
        name = name_of(step.place, where=where)
        if name in placements:
            raise ArtifactRefusedError(
                "two tensors of the checkpoint have the same name",
                code=Code.LOAD_MALFORMED,
                where=where,
                found=name,
            )
        placements[name] = placer.place(step.value, label=f"{where}: {name}")
        if len(placements) > MAX_TENSORS:
            raise _too_much(where, "tensors", limit=MAX_TENSORS)
    return placements


# -- the containers ------------------------------------------------------------------------------


def walk_state(result: Value, *, where: str) -> Iterator[Step]:
    """
    Yield every value in *result*, containers before what they hold, depth first and in order.

    A container that occurs twice is walked twice, since its tensors have two names. What is in
    such containers is bounded, so that a structure that doubles at each level costs little.

    Raises:
        ArtifactRefusedError: An `OrderedDict` is made of something else than pairs.
        LimitExceededError: More nesting or values than the limits allow.
    """
    pending = [Step(Place(None, SOLE_NAME, 0), result)]
    steps = repeated = 0
    known: set[int] = set()
    while pending:
        step = pending.pop()
        steps += 1
        if steps > MAX_PICKLE_OPCODES:
            raise _too_much(where, "values", limit=MAX_PICKLE_OPCODES)
        if step.place.depth > MAX_PICKLE_DEPTH:
            raise _too_much(where, "nested containers", limit=MAX_PICKLE_DEPTH)
        children = _children(step, where=where)
        if not children:
            yield step
        else:
            if id(step.value) in known:
                repeated += len(children)
                if repeated > MAX_REPEATED_VALUES:
                    raise _too_much(where, "repeated values", limit=MAX_REPEATED_VALUES)
            known.add(id(step.value))
            yield Step(step.place, step.value, leaf=False)
            pending.extend(reversed(children))


def find_item(result: Value, key: str, /, *, where: str) -> Value:
    """
    Return what the container *result* has under *key*, or under the index that it spells.

    Raises:
        KeyError: It has none, or is no container.
        ArtifactRefusedError: It is an `OrderedDict` of something else than pairs.
    """
    for step in _children(Step(Place(None, SOLE_NAME, 0), result), where=where) or ():
        if step.place.key == key:
            return step.value
    raise KeyError(key)


def _children(step: Step, *, where: str) -> list[Step] | None:
    """Return what the container *step* holds, or None where it is none."""
    value = step.value
    if isinstance(value, DictNode):
        return _named(step, value.pairs())
    if isinstance(value, CallNode) and value.target == ORDERED_DICT:
        return _named(step, ordered_pairs(value, where=where))
    if isinstance(value, ListNode | TupleNode):
        return _named(step, ((index, item) for index, item in enumerate(value.items)))
    if isinstance(value, SetNode):
        return [Step(_below(step, None), item) for item in value.items]
    return None


def _named(step: Step, pairs: Iterator[tuple[Value, Value]]) -> list[Step]:
    """Return the values that a program would see: the last one of equal keys, as in a dict."""
    # Nodes are compared by identity. That two of them could be equal does not matter: a tensor
    # below a key that is a node is refused.
    last: dict[Value, Value] = dict(pairs)
    return [Step(_below(step, _key_text(key)), value) for key, value in last.items()]


def _key_text(key: Value) -> str | None:
    if type(key) is str:
        return key
    # Enormous integers have no text (sys.set_int_max_str_digits) and are nobody's index.
    return str(key) if type(key) is int and abs(key) < 1 << 64 else None


def _below(step: Step, key: str | None) -> Place:
    place = step.place
    return Place(None if place.depth == 0 else place, key, place.depth + 1)


def ordered_pairs(call: CallNode, /, *, where: str) -> Iterator[tuple[Value, Value]]:
    """
    Return every assignment to the `OrderedDict` that *call* makes, in order.

    Raises:
        ArtifactRefusedError: It is made of something else than pairs.
    """
    return iter([*_initial_pairs(call, where=where), *call.pairs()])


def _initial_pairs(call: CallNode, *, where: str) -> list[tuple[Value, Value]]:
    """Return the pairs that an OrderedDict is made from, as Python 2 pickled them."""
    arguments = call.positional
    if arguments == ():
        return []
    if arguments is None or len(arguments) != 1 or not isinstance(arguments[0], ListNode):
        raise refused(where, f"{ORDERED_DICT} with other arguments than pairs")
    pairs: list[tuple[Value, Value]] = []
    for item in arguments[0].items:
        if not isinstance(item, ListNode | TupleNode) or len(item.items) != 2:  # noqa: PLR2004  a pair
            raise refused(where, f"{ORDERED_DICT} with other arguments than pairs")
        key, value = item.items
        pairs.append((key, value))
    return pairs


def name_of(place: Place, *, where: str) -> str:
    """
    Return the name of what is at *place*: the keys on the way there, joined by dots.

    Raises:
        ArtifactRefusedError: A key is neither text nor an index.
        LimitExceededError: The name would be longer than the limits allow.
    """
    parts: list[str] = []
    here: Place | None = place
    while here is not None:
        if here.key is None:
            raise refused(where, "a tensor under a key that is neither text nor an index")
        parts.append(here.key)
        here = here.parent
    # Joining first would let a thousand levels of long keys take memory.
    if sum(map(len, parts)) + len(parts) > MAX_TENSOR_NAME_BYTES:
        raise _too_much(where, "characters in a tensor's name", limit=MAX_TENSOR_NAME_BYTES)
    return ".".join(reversed(parts))


# -- the tensors ---------------------------------------------------------------------------------


def is_tensor(value: Value) -> bool:
    """Tell whether *value* is a tensor, or a parameter, whose kind is known here."""
    if not isinstance(value, CallNode):
        return False
    return value.target in REBUILD_TENSOR or value.target == REBUILD_PARAMETER


class Placer:
    """
    Places tensors; one that occurs under several names is placed once.

    Args:
        storages: Where the bytes are.
        where: The file, for errors.
    """

    def __init__(self, storages: Storages, *, where: str) -> None:
        self._storages = storages
        self._where = where
        self._placed: dict[int, Placement] = {}

    def place(self, value: Value, *, label: str) -> Placement:
        """
        Return where the tensor *value* lies; *label* names it in errors.

        Raises:
            ArtifactRefusedError: It has hooks, metadata, or a type that is not known.
            MalformedContentError: It is described wrongly or lies outside its storage.
        """
        found = self._placed.get(id(value))
        if found is None:
            call = self._without_parameter(value, label=label)
            found = self._place(call, label=label)
            self._placed[id(value)] = found
        return found

    def _without_parameter(self, value: Value, *, label: str) -> CallNode:
        """Return the tensor of `_rebuild_parameter(data, requires_grad, backward_hooks)`."""
        if isinstance(value, CallNode) and value.target == REBUILD_PARAMETER:
            arguments = value.positional or ()
            if len(arguments) != 3 or not _is_empty(arguments[2]):  # noqa: PLR2004  see above
                raise refused(label, "a parameter with hooks")
            value = arguments[0]
        if not isinstance(value, CallNode) or value.target not in REBUILD_TENSOR:
            raise refused(label, "a parameter that is no tensor")
        return value

    def _place(self, call: CallNode, *, label: str) -> Placement:
        parts = _read_call(call, label=label)
        # Hooks are code, and metadata has the conjugate and negative bits: other values.
        if not all(_is_empty(each) for each in parts.empty):
            raise refused(label, "a tensor with hooks or metadata")
        storage = self._storage(parts.storage, label=label)
        element = _element_of(storage, parts.dtype, label=label)
        return place(
            self._storages.region(storage, element=element),
            offset=_integer(parts.offset, label=label),
            shape=_integers(parts.shape, label=label),
            strides=_integers(parts.strides, label=label),
            where=label,
        )

    def _storage(self, value: Value, *, label: str) -> StorageId:
        if not isinstance(value, PersistentNode):
            raise refused(label, "a tensor on something else than a storage of the file")
        return read_storage_id(value, where=label)


@frozen(kw_only=False)
class _TensorCall:
    """The arguments of a call that rebuilds a tensor; those in `empty` have to be."""

    storage: Value
    offset: Value
    shape: Value
    strides: Value
    dtype: Value = None
    empty: tuple[Value, ...] = ()


def _read_call(call: CallNode, *, label: str) -> _TensorCall:
    """Return the arguments by what they mean (`torch/_utils.py`); gradients are not of interest."""
    match call.target, call.positional:
        case "torch._utils._rebuild_tensor", (storage, offset, shape, strides):
            return _TensorCall(storage, offset, shape, strides)
        case "torch._utils._rebuild_tensor_v2", (storage, offset, shape, strides, _, *rest):
            if len(rest) in {1, 2}:
                return _TensorCall(storage, offset, shape, strides, None, tuple(rest))
        case "torch._utils._rebuild_tensor_v3", (storage, offset, shape, strides, _, hooks, *rest):
            if len(rest) in {1, 2}:
                dtype, *metadata = rest
                return _TensorCall(storage, offset, shape, strides, dtype, (hooks, *metadata))
        case _:
            pass
    raise broken(label, expected="the arguments of a tensor", found="others")


def _element_of(storage: StorageId, dtype: Value, *, label: str) -> str:
    if dtype is None:
        if storage.element is None:
            raise broken(label, expected="a type", found="a storage of bytes")
        return storage.element
    element = DTYPE_ELEMENTS.get(dtype.dotted) if isinstance(dtype, GlobalNode) else None
    if element is None:
        raise refused(label, "a tensor whose type is not known")
    if storage.element not in {None, element}:
        raise broken(label, expected=f"a storage of {element}", found=str(storage.element))
    return element


def _is_empty(value: Value) -> bool:
    """Tell whether *value* is None or an empty dict."""
    if isinstance(value, CallNode) and value.target == ORDERED_DICT:
        return value.positional == () and not value.assigned
    return value is None or (isinstance(value, DictNode) and not value.flat)


def _integer(value: Value, *, label: str) -> int:
    if type(value) is not int:
        raise broken(label, expected="an integer", found=type(value).__name__)
    return value


def _integers(value: Value, *, label: str) -> tuple[int, ...]:
    items: Sequence[Value] = ()
    if isinstance(value, TupleNode | ListNode):
        items = value.items
    elif isinstance(value, CallNode) and value.target == "torch.Size":
        inner = value.positional or ()
        if len(inner) == 1 and isinstance(inner[0], TupleNode):
            items = inner[0].items
        else:
            raise broken(label, expected="a shape", found="a torch.Size of something else")
    else:
        raise broken(label, expected="a shape or strides", found=type(value).__name__)
    return tuple(_integer(item, label=label) for item in items)


def _too_much(where: str, what: str, *, limit: int) -> LimitExceededError:
    return LimitExceededError(f"too many {what}", where=where, expected=f"at most {limit}")
