"""
Files that joblib writes: a pickle in which raw arrays follow the objects that announce them.

joblib's unpickler reads an array whenever a `NumpyArrayWrapper` has got its state, an array of
objects as a pickle of its own (`joblib/numpy_pickle.py`). The arrays are stepped over exactly.
`pickle.load` would read the same arrays as opcodes: where it would then do something else, that
is reported as well.
"""

import math
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.pickle.state import BrokenStreamError
from weighbridge.formats.pickle.trace import Trace
from weighbridge.formats.pickle.values import CallNode, DictNode, GlobalNode, TupleNode, Value
from weighbridge.scan.allowlist import Arguments, Kind, find_entry
from weighbridge.scan.allowlist.catalogue import PACKAGES
from weighbridge.scan.denylist import find_effect
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.numpy_types import is_string_type, read_type
from weighbridge.scan.pickle_arrays import makes_array
from weighbridge.scan.pickle_facts import Dialect
from weighbridge.scan.pickle_streams import account_for, bounds_of, describe

WRAPPERS: Final = frozenset(
    f"{module}.numpy_pickle.NumpyArrayWrapper" for module in ("joblib", "sklearn.externals.joblib")
)
"""Also in the copy of joblib that scikit-learn had before 0.23."""

_ATTRIBUTES: Final = frozenset(
    {"allow_mmap", "dtype", "numpy_array_alignment_bytes", "order", "shape", "subclass"}
)
"""What joblib writes of an array; any other attribute could stand in for a method that reads it."""

_TYPED: Final = frozenset(
    {Arguments.NESTED_PICKLE, Arguments.REBUILD, Arguments.CALLABLE_FIRST, Arguments.MEMBER}
)
"""What a call of these does depends on its arguments."""


def analyze(subject: Subject) -> Analysis:
    """Yield the stream as joblib reads it, the pickles in it, and what `pickle.load` would do."""
    data = subject.source.read_at(0, min(subject.source.size, MAX_PICKLE_BYTES))
    arrays = _Arrays(subject, data)
    trace = run(data, bounds=bounds_of(subject), after_build=arrays.step_over)
    yield from describe(subject, trace, data, dialect=Dialect.JOBLIB, raw=tuple(arrays.spans))
    for inner in arrays.inner:
        yield from describe(subject, inner, data, dialect=Dialect.NUMPY)
    plain = run(data, bounds=bounds_of(subject))
    if _does_more(plain, [trace, *arrays.inner]):
        yield from describe(subject, plain, data, dialect=Dialect.PLAIN)
    if trace.complete:
        yield from account_for(subject, data, trace.end, len(data))
    if subject.source.size > len(data):
        reason = f"only the first {len(data)} of {subject.source.size} bytes were examined"
        yield subject.gap(reason, code=Code.SCAN_LIMIT)


def _does_more(plain: Trace, known: list[Trace]) -> bool:
    """
    Tell whether `pickle.load` would import or call what joblib does not.

    It reads raw arrays as opcodes, which is noise as a rule. Noise that takes an object for a
    name ends there: no instance of a framework's class is a string. The pickles of arrays of
    objects are no noise, but their memo is then not their own: a module of one name and the end
    of another are taken for a name, and the look-up fails.
    """
    listed = [node for trace in known for node in trace.globals if not node.computed]
    names = {node.dotted for node in listed}
    parts = {part for node in listed for part in (node.module, node.name)}
    places = {call.offset for trace in known for call in trace.calls}
    for event in plain.events:
        if isinstance(event, CallNode):
            entry = find_entry(event.target or "")
            if entry is not None and entry.args in _TYPED and event.offset not in places:
                return True
        if not isinstance(event, GlobalNode):
            continue
        if event.operands is not None:
            return any(_may_be_text(part) for part in event.operands if not isinstance(part, str))
        if event.dotted not in names:
            return not _is_mixed(event, parts)
    return False


def _is_mixed(node: GlobalNode, parts: set[str]) -> bool:
    """
    Tell whether a name is made of the *parts* of others.

    What frameworks' modules have under such names computes at most; what is known to be harmful,
    and whatever Python's own modules have, is none of this.
    """
    pack = PACKAGES.get(node.module.partition(".")[0])
    known = find_effect(node.module, node.name) is not None
    return {node.module, node.name} <= parts and pack != "python" and not known


def _may_be_text(value: Value) -> bool:
    """Tell whether a value can be a string when the program runs."""
    if isinstance(value, GlobalNode):
        named = find_entry(value.dotted)
        return named is None or named.kind is not Kind.CLASS
    entry = find_entry(value.target or "") if isinstance(value, CallNode) else None
    return entry is None or entry.kind is not Kind.CLASS or entry.pack in {"python", "numpy"}


class _Arrays:
    """Steps over the arrays of one stream and keeps the pickles that stand in their place."""

    def __init__(self, subject: Subject, data: bytes) -> None:
        self._subject = subject
        self._data = data
        self.inner: list[Trace] = []
        self.spans: list[tuple[int, int]] = []

    def step_over(self, target: Value, at: int, /) -> int:
        """
        Return where the stream goes on after an array at *at*.

        Raises:
            BrokenStreamError: The array's length cannot be told.
        """
        if not isinstance(target, CallNode) or not _announces(target):
            return at
        if len(target.states) > 1:
            # What the first description says is still there, and joblib goes by both.
            raise BrokenStreamError("a joblib array is described twice")
        end = self._find_end(target, at)
        self.spans.append((at, end))
        return end

    def _find_end(self, target: CallNode, at: int) -> int:
        state = _attributes(target.states[-1])
        kind = read_type(state.get("dtype"))
        shape = state.get("shape")
        if is_string_type(state.get("dtype")):
            return self._walk_objects(at)
        if kind is None or not isinstance(shape, TupleNode):
            raise BrokenStreamError("a joblib array has no known type or shape")
        if kind.has_object:
            return self._walk_objects(at)
        lengths = [n for n in shape.items if isinstance(n, int) and n >= 0]
        if len(lengths) != len(shape.items):
            raise BrokenStreamError("a joblib array has no known shape")
        at = self._skip_padding(state.get("numpy_array_alignment_bytes"), at)
        end = at + math.prod(lengths) * kind.item_size
        if end > len(self._data):
            raise BrokenStreamError("a joblib array reaches past the end of the file")
        target.content = memoryview(self._data)[at:end]
        return end

    def _skip_padding(self, alignment: Value, at: int) -> int:
        """Return where an aligned array starts: behind a byte that counts the padding."""
        if alignment is None:
            return at
        if at >= len(self._data):
            raise BrokenStreamError("the file ends before an array")
        return at + 1 + self._data[at]

    def _walk_objects(self, at: int) -> int:
        """Walk the pickle that stands for an array of objects."""
        trace = run(self._data, start=at, bounds=bounds_of(self._subject))
        self.inner.append(trace)
        if not trace.complete:
            raise BrokenStreamError("the pickle of an array of objects breaks")
        if not makes_array(trace.result):
            raise BrokenStreamError("the pickle of an array of objects makes something else")
        return trace.end


def announces_arrays(trace: Trace) -> bool:
    """Tell whether *trace* refers to what joblib's unpickler reads a raw array behind."""
    return any(node.dotted in WRAPPERS for node in trace.globals)


def _announces(call: CallNode) -> bool:
    """Tell whether *call* makes a wrapper, by itself or, as `copyreg` does, of the class."""
    first = (call.positional or (None,))[0]
    return call.target in WRAPPERS or (isinstance(first, GlobalNode) and first.dotted in WRAPPERS)


def _attributes(state: Value) -> dict[str, Value]:
    """Return the attributes that a state sets; an array class is no wrapper's attribute."""
    if not isinstance(state, DictNode):
        raise BrokenStreamError("a joblib array has no attributes")
    found = {key: value for key, value in state.pairs() if isinstance(key, str)}
    # A computed name could be any of them.
    if any(key not in _ATTRIBUTES for key in state.flat[::2]):
        raise BrokenStreamError("a joblib array has other attributes than joblib writes")
    kind = found.get("subclass")
    if not isinstance(kind, GlobalNode):
        raise BrokenStreamError("a joblib array has no class")
    return found
