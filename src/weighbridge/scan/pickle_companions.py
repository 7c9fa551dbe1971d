"""
Files beside a pickle that joblib reads along: the arrays of joblib before 0.10.

An `NDArrayWrapper` names a file, and `joblib.load` puts what `numpy.load` makes of it in the place
of the wrapper (`joblib/numpy_pickle_compat.py`). `numpy.load` unpickles arrays of objects, and
whatever is no file of NumPy's. So the name has to be one that joblib 0.9 gives, of a file in the
pickle's own directory that is NumPy's by its bytes, and that the same scan examines: then nothing
is read that nobody looked at. A pickle that is scanned alone has no such files.
"""

import re
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.formats.pickle.values import CallNode, GlobalNode, Value
from weighbridge.scan.interface import Subject
from weighbridge.scan.paths import beside
from weighbridge.scan.pickle_arrays import read_attributes
from weighbridge.scan.pickle_facts import Dialect
from weighbridge.scan.pickle_plain import Refusal

_DIALECTS: Final = frozenset({Dialect.JOBLIB, Dialect.PLAIN})
_NAMED: Final = {"filename", "subclass"}
_ATTRIBUTES: Final = _NAMED | {"allow_mmap"}
"""What joblib writes of an array; before 0.9 without the last."""

_NAME: Final = re.compile(r"[^/\\:\0]{1,240}_[0-9]{2,9}\.npy", re.ASCII)
"""
How joblib calls the files: after the pickle, with a number.

What joblib joins the name to is the directory that it is told, which can be another than the
pickle's; there is no file of that name among descriptors or devices.
"""

_CLASSES: Final = frozenset(
    {
        "numpy.ndarray",
        "numpy.matrix",
        "numpy.matrixlib.defmatrix.matrix",
    }
)
"""Classes of the arrays that joblib puts into files; with NumPy 1 it makes an instance of them."""


class Companions:
    """
    What joblib can read beside one pickle.

    Args:
        subject: The pickle.
        dialect: Whose unpickler reads it.
    """

    def __init__(self, subject: Subject, dialect: Dialect) -> None:
        self._subject = subject
        # An archive's members are not beside anything, and other unpicklers read no wrappers.
        self._has_any = subject.member is None and dialect in _DIALECTS
        self._taken: set[str] = set()

    def refuse(self, wrapper: CallNode, state: Value) -> Refusal:
        """Say why *state* may not be given to *wrapper*: joblib would read another file."""
        if len(wrapper.states) != 1:
            return "a file is named twice"
        parts = read_attributes(state)
        if parts is None or not _NAMED <= parts.keys() <= _ATTRIBUTES:
            return "it has other attributes than joblib writes"
        kind = parts["subclass"]
        if not isinstance(kind, GlobalNode) or kind.dotted not in _CLASSES:
            return "its array is of a class that joblib does not put into a file"
        if type(parts.get("allow_mmap", True)) is not bool:
            return "it has other attributes than joblib writes"
        return self._refuse_name(parts["filename"])

    def _refuse_name(self, name: Value) -> Refusal:
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            return "it names a file in another way than joblib does"
        if not self._has_any:
            return "it stands where joblib has no files beside it"
        path = beside(self._subject, name)
        told = self._subject.formats.get(path)
        if told is None:
            return (
                f"joblib would unpickle {name!r}, which is not scanned with it "
                "(scan the directory that holds both)"
            )
        if told is not FileFormat.NPY:
            return f"joblib would unpickle {name!r}, which is no file of NumPy but {told}"
        if name in self._taken:
            return f"joblib would read {name!r} more than once"
        self._taken.add(name)
        return None
