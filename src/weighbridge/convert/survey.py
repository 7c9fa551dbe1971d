"""
What a checkpoint holds: its tensors by flat names, and everything that is none.

The pickle is walked by the machine of the scanner and interpreted like that of a load: nothing is
imported or called, and whatever a load refuses is refused. On top of that everything is named that
safetensors cannot carry, all of it at once.
"""

import json
import math
from collections.abc import Iterable
from typing import Final

from weighbridge.convert.problems import refused
from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import ArtifactRefusedError, LimitExceededError, UsageError
from weighbridge.core.limits.converting import MAX_CONVERT_NOTES
from weighbridge.core.values import frozen
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
)
from weighbridge.formats.safetensors_layout import name_problem
from weighbridge.load.held import HeldFile
from weighbridge.load.placement import Placement
from weighbridge.load.torch_checkpoint import OPENERS, OpenedCheckpoint
from weighbridge.load.torch_globals import (
    DTYPE_ELEMENTS,
    IGNORED_CALLS,
    ORDERED_DICT,
    REBUILD_PARAMETER,
    STORAGE_ELEMENTS,
    UNTYPED_STORAGES,
    require_known,
)
from weighbridge.load.torch_state import (
    Placer,
    Step,
    find_item,
    is_tensor,
    name_of,
    ordered_pairs,
    walk_state,
)

_LACKING: Final = {"C128": "a tensor of complex128, a type that safetensors lacks"}

_KINDS: Final = {
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor",
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_qtensor": "a quantized tensor",
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor without elements (meta)",
    "torch._utils._rebuild_parameter_with_state": "a parameter with attributes of its own",
    "torch._tensor._rebuild_from_type_v2": "a tensor of a class or with attributes of its own",
}
"""What calls make that no load of tensors knows, for people."""

_NOT_TENSORS: Final = "Say --tensors-only to leave out what is no tensor, or --key to take one part"

_OBJECTS: Final = "Ask the publisher for a state dict of plain dense tensors"


@frozen
class Survey:
    """
    What is carried of a checkpoint, and what is left.

    Attributes:
        tensors: Where each tensor lies, by its name, in the order of the checkpoint.
        left: What is no tensor and is left out because the caller said so: names and kinds.
        notes: Pairs of a container's name and, as JSON, what PyTorch notes on it: the versions of
            modules, on an `OrderedDict`.
    """

    tensors: tuple[tuple[str, Placement], ...]
    left: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]


def survey(
    held: HeldFile,
    file_format: FileFormat,
    *,
    where: str,
    key: str | None = None,
    tensors_only: bool = False,
) -> Survey:
    """
    Return what the checkpoint *held* holds.

    Args:
        held: The file.
        file_format: A key of `OPENERS`.
        where: The file, for errors.
        key: Take what the outermost dict has under this key, and leave the rest; names begin
            below it.
        tensors_only: Leave out constants and what else is no tensor. Without it they are refused.

    Raises:
        ArtifactRefusedError: It needs more than tensors and plain containers, or holds what cannot
            be carried; the message has all of it.
        MalformedContentError: It breaks its format.
        LimitExceededError: It exceeds a bound.
        UsageError: The outermost dict has no such key.
    """
    opened = OPENERS[file_format](held, where=where)
    found = _Finder(where=where, tensors_only=tensors_only)
    found.look_at(_part(opened.result, key, where=where))
    found.require_none()
    for trace in opened.traces:
        require_known(trace.events, where=where)
    placed = found.placed(opened)
    found.require_none()
    if not placed:
        raise refused(where, ["a checkpoint without a tensor"])
    return Survey(tensors=tuple(placed.items()), left=tuple(found.left), notes=tuple(found.notes))


def _part(result: Value, key: str | None, *, where: str) -> Value:
    if key is None:
        return result
    try:
        return find_item(result, key, where=where)
    except KeyError:
        raise UsageError(
            "the checkpoint has no such part", where=where, expected=f"a key {key!r}", found="none"
        ) from None


class _Finder:
    """Collects tensors, and what is in the way."""

    def __init__(self, *, where: str, tensors_only: bool) -> None:
        self._where = where
        self._tensors_only = tensors_only
        self._tensors: dict[str, Value] = {}
        self._problems: list[str] = []
        self._objects = False
        self.left: list[str] = []
        self.notes: list[tuple[str, str]] = []

    def look_at(self, result: Value) -> None:
        """Go through everything in *result*."""
        for step in walk_state(result, where=self._where):
            self._note(step)
            if not step.leaf:
                continue
            if is_tensor(step.value):
                self._add(step)
            else:
                self._leave(step)

    def require_none(self) -> None:
        """
        Refuse what was found that cannot be carried.

        Raises:
            ArtifactRefusedError: There is something.
        """
        if self._problems:
            hint = _OBJECTS if self._objects else _NOT_TENSORS
            raise refused(self._where, self._problems, hint=hint)

    def placed(self, opened: OpenedCheckpoint) -> dict[str, Placement]:
        """Return where the tensors are; those that cannot be carried are problems."""
        placer = Placer(opened.storages(), where=self._where)
        placements: dict[str, Placement] = {}
        for name, value in self._tensors.items():
            try:
                placement = placer.place(value, label=f"{self._where}: {name}")
            except ArtifactRefusedError as error:
                self._object(f"{_shown(name)}: {error.found or error.message}")
                continue
            problem = _form_problem(placement)
            if problem is None:
                placements[name] = placement
            else:
                self._object(f"{_shown(name)}: {problem}")
        return placements

    def _add(self, step: Step) -> None:
        try:
            name = name_of(step.place, where=self._where)
        except (ArtifactRefusedError, LimitExceededError) as error:
            self._object(f"{_label(step)}: {error.found or error.message}")
            return
        problem = name_problem(name) or _type_problem(step.value)
        if problem is None and name in self._tensors:
            problem = "two tensors of this name"
        if problem is not None:
            self._object(f"{_shown(name)}: {problem}")
            return
        self._tensors[name] = step.value

    def _leave(self, step: Step) -> None:
        kind = _plain_kind(step.value)
        if kind is None:
            self._object(f"{_label(step)}: {_object_kind(step.value)}")
        elif self._tensors_only:
            self.left.append(f"{_label(step)}: {kind}")
        else:
            self._problems.append(f"{_label(step)}: {kind}")

    def _object(self, problem: str) -> None:
        """Note what no option leaves out."""
        self._objects = True
        self._problems.append(problem)

    def _note(self, step: Step) -> None:
        """Take down what PyTorch notes on a state dict."""
        value = step.value
        if not isinstance(value, CallNode) or value.target != ORDERED_DICT or not value.states:
            return
        label = "" if step.place.depth == 0 else _label(step)
        try:
            text = _metadata_of(value.states, where=self._where)
        except ValueError:
            self._object(f"{label or 'the state dict'}: an attribute that is no plain value")
            return
        if text is not None:
            self.notes.append((label, text))


def _label(step: Step) -> str:
    """Name a value that is no tensor, whatever its keys are."""
    if step.place.depth == 0:
        return "the object itself"
    parts: list[str] = []
    here = step.place
    while True:
        parts.append("?" if here.key is None else here.key[:100])
        if here.parent is None or len(parts) > _LABEL_PARTS:
            break
        here = here.parent
    return _shown(".".join(reversed(parts)))


_LABEL_PARTS: Final = 10
_LABEL_CHARACTERS: Final = 200


def _shown(name: str) -> str:
    return name[:_LABEL_CHARACTERS]


def _plain_kind(value: Value) -> str | None:
    """Say what *value* is that loses nothing of a tensor when it is left out, or None."""
    match value:
        case None:
            return "None"
        case bool() | int() | float() | str() | bytes():
            return type(value).__name__
        case ByteArrayNode():
            return "bytearray"
        case DictNode() | ListNode() | TupleNode() | SetNode():
            return f"an empty {type(value).__name__.removesuffix('Node').lower()}"
        case CallNode() if value.target == ORDERED_DICT:
            return "an empty dict"
        case CallNode() if value.target in IGNORED_CALLS:
            return value.target
        case GlobalNode() if value.dotted in DTYPE_ELEMENTS:
            return value.dotted
        case _:
            return None


def _object_kind(value: Value) -> str:
    match value:
        case CallNode():
            target = value.target or "a computed name"
            return _KINDS.get(target, f"what {_shown(target)} makes")
        case GlobalNode():
            return f"the global {_shown(value.dotted)}"
        case PersistentNode():
            return "a storage that is no tensor"
        case _:
            return "a reference out of the file"


def _type_problem(value: Value) -> str | None:
    """Say what is wrong with the type of the tensor *value*; the rest is seen when it is placed."""
    if isinstance(value, CallNode) and value.target == REBUILD_PARAMETER:
        value = (value.positional or (None,))[0]
        if isinstance(value, CallNode) and not is_tensor(value):
            return _object_kind(value)
    arguments = value.positional or () if isinstance(value, CallNode) else ()
    storage = arguments[0] if arguments else None
    pid: tuple[Value, ...] = ()
    if isinstance(storage, PersistentNode) and isinstance(storage.pid, TupleNode):
        pid = storage.pid.items
    if len(pid) > 1 and isinstance(pid[1], GlobalNode):
        kind = pid[1].dotted
        if kind not in STORAGE_ELEMENTS and kind not in UNTYPED_STORAGES:
            return f"a tensor on {_shown(kind)}"
    for argument in arguments[6:7]:
        if isinstance(argument, GlobalNode) and argument.dotted not in DTYPE_ELEMENTS:
            return f"a tensor of {_shown(argument.dotted)}, a type that safetensors lacks"
    return None


def _form_problem(placement: Placement) -> str | None:
    element = placement.region.element
    if element == "F4_X2" and not placement.shape:
        return "a pair of four-bit floats without a dimension"
    return _LACKING.get(element)


# -- what PyTorch notes on a state dict -----------------------------------------------------------


def _metadata_of(states: Iterable[Value], *, where: str) -> str | None:
    """
    Return the last `_metadata` of *states* as JSON with sorted keys; None where there is none.

    Raises:
        ValueError: There are other attributes, or it is no plain value.
    """
    found: Value = None
    for state in states:
        for key, value in state.pairs() if isinstance(state, DictNode) else (("?", None),):
            if key != "_metadata":
                raise ValueError("another attribute")
            found = value
    if found is None:
        return None
    plain = _Plain(where).value(found, depth=0)
    text = json.dumps(plain, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return None if text == "{}" else text


class _Plain:
    """Turns symbolic values into those of JSON, so many at most."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._count = 0

    def value(self, value: Value, *, depth: int) -> object:
        """
        Return *value*.

        Raises:
            ValueError: It is no value that JSON has, or there are too many.
        """
        self._count += 1
        if self._count > MAX_CONVERT_NOTES or depth > _NOTE_DEPTH:
            raise ValueError("too many notes")
        match value:
            case None | bool() | str():
                return value
            case int() if abs(value) < 1 << 63:
                return value
            case float() if math.isfinite(value):
                return value
            case ListNode() | TupleNode():
                return [self.value(item, depth=depth + 1) for item in value.items]
            case DictNode():
                return self._object(value.pairs(), depth=depth)
            case CallNode() if value.target == ORDERED_DICT:
                return self._object(ordered_pairs(value, where=self._where), depth=depth)
            case _:
                raise ValueError("no plain value")

    def _object(self, pairs: Iterable[tuple[Value, Value]], *, depth: int) -> dict[str, object]:
        made: dict[str, object] = {}
        for key, value in pairs:
            if type(key) is not str:
                raise ValueError("a key that is no text")
            made[key] = self.value(value, depth=depth + 1)
        return made


_NOTE_DEPTH: Final = 20
"""Levels of a note; PyTorch's have two."""
