"""
Instances of other frameworks among what a listed name gets.

A class that takes anything takes it apart: pandas makes a list of what it is given, NumPy an array.
An instance of a class that nobody read for that has code of its own run then, with attributes of
the stream's choosing: gensim's corpora open the file or the address that they hold.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.formats.pickle.values import (
    CallNode,
    DictNode,
    ListNode,
    SetNode,
    TupleNode,
    Value,
    children,
)
from weighbridge.scan.allowlist import Entry
from weighbridge.scan.pickle_plain import Refusal

_BASIC: Final = frozenset({"numpy", "python"})
_MORE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {"pandas": frozenset({"pyarrow"}), "statsmodels": frozenset({"pandas", "scipy"})}
)
_RELAYS: Final = frozenset(f"collections.{name}" for name in ("ChainMap", "UserDict", "UserList"))
"""Classes of Python that hand on what is done to them to what they hold."""

_ARRAYS: Final = frozenset(
    {
        "joblib.numpy_pickle.NDArrayWrapper",
        "joblib.numpy_pickle.NumpyArrayWrapper",
        "joblib.numpy_pickle_compat.NDArrayWrapper",
        "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
    }
)
"""What stands for an array in joblib's files, and is one to whoever gets it."""

_TUPLES: Final = frozenset(
    {
        "sklearn._loss.glm_distribution.DistributionBoundary",
        "sklearn.gaussian_process.kernels.Hyperparameter",
        "sklearn.impute._ImputerTriplet",
        "sklearn.impute._iterative._ImputerTriplet",
        "surprise.prediction_algorithms.predictions.Prediction",
    }
)
"""Named tuples: they keep what they get."""


def refuse_foreign(
    entry: Entry, values: Iterable[Value], *, made_by: Callable[[CallNode], Entry | None]
) -> Refusal:
    """Say which of *values*, and of what containers among them hold, is no business of *entry*."""
    if entry.name in _TUPLES:
        return None
    known = _BASIC | {entry.pack} | _MORE.get(entry.pack, frozenset())
    pending = list(values)
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if isinstance(value, CallNode):
            made = made_by(value)
            if made is not None and not _is_known(made, known):
                return f"an instance of {made.name} is among what it gets"
        elif isinstance(value, ListNode | TupleNode | SetNode | DictNode) and id(value) not in seen:
            seen.add(id(value))
            pending.extend(children(value))
    return None


def _is_known(made: Entry, packs: frozenset[str]) -> bool:
    """Tell whether an instance of *made* is one of data, or of the frameworks *packs*."""
    return made.name in _ARRAYS or (made.pack in packs and made.name not in _RELAYS)
