"""NumPy arrays of each type that tensors have, and the files that NumPy saves them in."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]

EACH_TYPE: Mapping[str, Array] = {
    "f64": np.array([0.5, -2.0]),
    "f32": np.arange(6, dtype="f4").reshape(2, 3),
    "f16": np.array([1, 2, 65504], dtype="f2"),
    "i64": np.array([-(2**63), 2**63 - 1]),
    "i32": np.array([[1], [2]], dtype="i4"),
    "i16": np.array([-5], dtype="i2"),
    "i8": np.array([-128, 127], dtype="i1"),
    "u64": np.array([2**64 - 1], dtype="u8"),
    "u32": np.array([7], dtype="u4"),
    "u16": np.array([7, 8, 9], dtype="u2"),
    "u8": np.array([0, 255, 3], dtype="u1"),
    "bool": np.array([True, False, True]),
    "c64": np.array([1 + 2j], dtype="c8"),
    "scalar": np.array(42, dtype="f4"),
    "empty": np.zeros((0, 3), dtype="f4"),
    "large": np.arange(100_000, dtype="f4"),
}
"""Those that the formats of tensors and NumPy's own have in common, the last larger than a page."""


def npy(array: npt.NDArray[Any], *, pickled: bool = False) -> bytes:
    """Return *array* as NumPy saves it."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def npz(arrays: Mapping[str, npt.NDArray[Any]], *, compressed: bool = False) -> bytes:
    """Return *arrays* as NumPy saves them in one file."""
    file = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(file, allow_pickle=True, **arrays)
    return file.getvalue()
