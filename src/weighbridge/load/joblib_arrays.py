"""
The raw arrays in joblib's files (`joblib/numpy_pickle.py`), read where the scan found them.

Arrays of numbers are writable views of private memory with the verified bytes, whose pages are
copied when they are written to. An array of objects is a pickle of its own, which joblib gives to
an unpickler; here it is the restricted one. Imported only for files that have such arrays.
"""

import math
from collections.abc import Callable

import numpy as np

from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError
from weighbridge.load.judged import JudgedPickle, JudgedStream
from weighbridge.load.memory import PrivateBuffer
from weighbridge.load.unpickler import differs


class ArrayShell:
    """Stands for joblib's `NumpyArrayWrapper`; BUILD sets its attributes."""

    shape: object = None
    order: object = None
    dtype: object = None
    numpy_array_alignment_bytes: object = None


class JoblibArrays:
    """
    Reads the arrays of one file in their order.

    Args:
        judged: Where they are.
        memory: The judged content, for the arrays alone to write to.
        load_inner: Loads a pickle that stands for an array of objects.
        where: The file, for errors.
    """

    def __init__(
        self,
        judged: JudgedPickle,
        memory: PrivateBuffer,
        load_inner: Callable[[JudgedStream], object],
        *,
        where: str,
    ) -> None:
        self._spans = iter(judged.stream.arrays)
        self._inner = iter(judged.inner)
        self._memory = memory
        self._load_inner = load_inner
        self._where = where

    def stands_for_array(self, value: object, /) -> bool:
        """Tell whether *value* announces an array."""
        return type(value) is ArrayShell

    def read(self, value: object, at: int, /) -> tuple[object, int]:
        """
        Return the array that *value* announces at *at*, and where the stream goes on.

        Raises:
            ArtifactRefusedError: The scan found an array of another place or length.
            MalformedContentError: It is not described as joblib does.
        """
        span = next(self._spans, None)
        if span is None or span[0] != at or not isinstance(value, ArrayShell):
            raise differs(self._where, f"an array at byte {at}")
        dtype, shape = value.dtype, value.shape
        if not isinstance(dtype, np.dtype) or not _is_shape(shape):
            raise self._broken(f"{type(dtype).__name__} and {type(shape).__name__}")
        if dtype.hasobject:
            return self._read_objects(span)
        assert isinstance(shape, tuple)
        start = at
        if value.numpy_array_alignment_bytes is not None:
            start += 1 + self._memory[at]
        end = start + math.prod(shape) * dtype.itemsize
        if end != span[1] or end > len(self._memory):
            raise differs(self._where, f"an array up to byte {end}")
        array = self._view(dtype, shape, start, order="F" if value.order == "F" else "C")
        return array, end

    def _read_objects(self, span: tuple[int, int]) -> tuple[object, int]:
        stream = next(self._inner, None)
        if stream is None or (stream.start, stream.end) != span:
            raise differs(self._where, f"an array of objects at byte {span[0]}")
        return self._load_inner(stream), stream.end

    def _view(
        self, dtype: np.dtype[np.generic], shape: tuple[int, ...], start: int, *, order: str
    ) -> object:
        if not math.prod(shape) or not dtype.itemsize:
            return np.empty(shape, dtype.newbyteorder("="))
        array: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = np.ndarray(
            shape, dtype, self._memory, start, order="F" if order == "F" else "C"
        )
        if start % dtype.alignment:
            # Files of joblib before 1.2 align nothing, and compiled code expects it.
            array = array.copy(order="K")
        # As joblib does: the machine's own order of bytes.
        return array if dtype.isnative else array.astype(dtype.newbyteorder("="), order="K")

    def _broken(self, found: str) -> MalformedContentError:
        return MalformedContentError(
            "the array is not described as joblib does",
            code=Code.LOAD_MALFORMED,
            where=self._where,
            expected="a type and a shape",
            found=found,
        )


def _is_shape(value: object) -> bool:
    return isinstance(value, tuple) and all(type(n) is int and n >= 0 for n in value)
