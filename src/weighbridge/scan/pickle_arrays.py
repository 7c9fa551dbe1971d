"""
Arrays in pickles whose numbers compiled code follows: what is in them when it gets them.

Whoever judges a stream sees the end of it, and compiled code takes an array in the middle. So an
array is read here only if it was complete by then and nothing is done to it afterwards, and a
dict only if no key of it is written twice or computed: what is overwritten later was there before.
"""

from collections.abc import Callable
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    DictNode,
    GlobalNode,
    TupleNode,
    Value,
)
from weighbridge.scan.allowlist import State, find_entry
from weighbridge.scan.pickle_facts import literal_bytes

Content = bytes | bytearray | memoryview
"""The bytes of an array's elements."""

IsBuilt = Callable[[CallNode], bool]
"""Tells whether what a call made has got its state already, where the stream is judged now."""

_ARRAY: Final = "numpy.ndarray"
_SHELLS: Final = frozenset(
    f"{module}._reconstruct"
    for module in ("numpy.core.multiarray", "numpy.core._internal", "numpy._core.multiarray")
)
_BUFFERS: Final = frozenset({"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"})
_WRAPPERS: Final = frozenset(
    f"{module}.numpy_pickle.NumpyArrayWrapper" for module in ("joblib", "sklearn.externals.joblib")
)


@frozen
class WrittenArray:
    """
    An array that a stream writes out.

    Attributes:
        kind: Its type, as `numpy_types.read_type` takes it.
        shape: Its lengths; None where they are no tuple.
        content: Its bytes.
    """

    kind: Value
    shape: Value
    content: Content


def read_array(value: Value, *, is_built: IsBuilt) -> WrittenArray | None:
    """
    Return the array that *value* is, however a pickler writes one.

    Args:
        value: What compiled code gets.
        is_built: Tells what has its state by then.

    Returns:
        None for anything else, and for an array that gets a state later, or a second one.
    """
    if not isinstance(value, CallNode) or value.assigned or value.appended:
        return None
    if value.target in _BUFFERS:
        # buffer, type, shape, order
        args = value.positional or ()
        if value.states or len(args) != 4:  # noqa: PLR2004  as above
            return None
        return _written(args[1], args[2], _bytes_of(args[0]))
    if len(value.states) != 1 or not is_built(value):
        return None
    (state,) = value.states
    if value.target in _WRAPPERS:
        parts = read_attributes(state) or {}
        return _written(parts.get("dtype"), parts.get("shape"), value.content)
    made = (value.positional or (None,))[0]
    plain = isinstance(made, GlobalNode) and made.dotted == _ARRAY
    if value.target not in _SHELLS or not plain:
        return None
    # version, shape, type, order, content
    items = state.items if isinstance(state, TupleNode) else ()
    return _written(items[2], items[1], _bytes_of(items[4])) if len(items) == 5 else None  # noqa: PLR2004  as above


def memory_of(array: CallNode) -> tuple[Value, ...]:
    """
    Return whatever shares the memory of an array that `read_array` returned.

    NumPy takes the memory of the bytes that are an array's state, and of a buffer, as it is, so
    that two arrays of the same bytes are one (`array_setstate` in `methods.c`).
    """
    first = (array.positional or (None,))[0]
    if array.target in _BUFFERS:
        return (array, array.args, first)
    state = array.states[0]
    content = state.items[-1:] if isinstance(state, TupleNode) else ()
    return (array, state, *content)


def read_attributes(state: Value) -> dict[str, Value] | None:
    """Return the items of a dict; None where a key is no string, or is written twice."""
    if not isinstance(state, DictNode):
        return None
    found: dict[str, Value] = {}
    for key, value in state.pairs():
        if not isinstance(key, str) or key in found:
            return None
        found[key] = value
    return found


def makes_array(value: Value) -> bool:
    """
    Tell whether *value* is an array of a listed class.

    Whoever reads an array of objects takes what its pickle makes for an array, whatever it is.
    """
    entry = find_entry(value.target or "") if isinstance(value, CallNode) else None
    return entry is not None and entry.state is State.ARRAY


def _written(kind: Value, shape: Value, content: Content | None) -> WrittenArray | None:
    return None if content is None else WrittenArray(kind=kind, shape=shape, content=content)


def _bytes_of(content: Value) -> bytes | bytearray | None:
    """Return the bytes of an array; the first protocols have them as text."""
    if isinstance(content, ByteArrayNode):
        return None if content.patched else content.data
    if isinstance(content, str):
        try:
            return content.encode("latin-1")
        except UnicodeEncodeError:
            return None
    return literal_bytes(content)
