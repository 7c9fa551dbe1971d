"""
Objects in pickles and in joblib's files, scikit-learn's estimators among them.

The very bytes that are held are judged, then given to an unpickler that has no other objects than
those that were judged (`load.judged`, `load.unpickler`).
"""

import importlib.util
from typing import TYPE_CHECKING

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, MissingExtraError
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile
from weighbridge.load.judged import JudgedPickle, JudgedStream, judge_pickle
from weighbridge.load.unpickler import import_entry, load_joblib, load_plain
from weighbridge.scan.allowlist import Entry
from weighbridge.scan.analyzers.joblib import WRAPPERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


def load_pickle(held: HeldFile, *, name: str, where: str) -> object:
    """
    Return the object in the pickle or joblib file *held*, compressed or not.

    Args:
        held: The verified bytes.
        name: The file's base name.
        where: The file, for errors.

    Raises:
        ArtifactRefusedError: The scan finds anything in these bytes, or they refer to a name
            that is not on the allow-list; nothing was imported or called.
        OperationError: A package is missing, or what is installed does not take its own objects.
        MissingExtraError: Arrays, and no NumPy.
    """
    judged = judge_pickle(held, name=name, where=where)
    with foreign("the unpickler", where=where):
        if not judged.joblib:
            return load_plain(judged.content, judged.stream, import_entry, where=where)
        return _load_joblib(held, judged, where=where)


def load_estimator(held: HeldFile, *, name: str, where: str) -> "BaseEstimator":
    """
    Return the scikit-learn estimator in the pickle or joblib file *held*.

    Raises:
        ArtifactRefusedError: As for `load_pickle`, or it is something else.
        OperationError, MissingExtraError: As for `load_pickle`.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise MissingExtraError.for_extra("sklearn", purpose="an estimator of scikit-learn")
    loaded = load_pickle(held, name=name, where=where)
    from sklearn.base import BaseEstimator  # noqa: PLC0415  optional

    if not isinstance(loaded, BaseEstimator):
        raise ArtifactRefusedError(
            "the file holds no estimator of scikit-learn",
            code=Code.LOAD_FORMAT,
            where=where,
            found=type(loaded).__qualname__,
            hint="Say as_='joblib' for any object",
        )
    return loaded


def _load_joblib(held: HeldFile, judged: JudgedPickle, *, where: str) -> object:
    try:
        from weighbridge.load.joblib_arrays import ArrayShell, JoblibArrays  # noqa: PLC0415  NumPy
    except ImportError as error:
        raise MissingExtraError.for_extra("numpy", purpose="a file with NumPy arrays") from error

    def resolve(entry: Entry) -> object:
        return ArrayShell if entry.name in WRAPPERS else import_entry(entry)

    def load_inner(stream: JudgedStream) -> object:
        return load_plain(judged.content, stream, import_entry, where=where)

    memory = bytearray(judged.content) if judged.compressed else held.private()
    arrays = JoblibArrays(judged, memory, load_inner, where=where)
    return load_joblib(judged.content, judged.stream, resolve, arrays, where=where)
