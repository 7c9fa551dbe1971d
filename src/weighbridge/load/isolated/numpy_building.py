"""Make arrays of NumPy of what was handed back. Imported only where there is one."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from weighbridge.load.isolated.plain import ArrayKind, StoredArray, StoredObjects
from weighbridge.load.isolated.types import ArrayType

_LAST_CHARACTER: Final = 0x10FFFF


def build_array(stored: StoredArray, view: memoryview, /) -> object:
    """
    Return the array or scalar that *stored* is, read-only.

    Args:
        stored: What it is.
        view: All bytes of its block.

    Raises:
        ValueError: Its bytes are not what its type says.
    """
    dtype = dtype_of(stored.type)
    array: npt.NDArray[Any]
    if stored.size:
        order = "F" if stored.fortran else "C"
        array = np.ndarray(stored.shape, dtype, view, stored.start, order=order)  # type: ignore[arg-type]  # one of two
        _require_sound(array)
    else:
        array = np.empty(stored.shape, dtype)
    array.flags.writeable = False
    return array[()] if stored.kind is ArrayKind.SCALAR else array


def build_objects(stored: StoredObjects, /) -> object:
    """Return the array of objects that *stored* is."""
    array = np.empty(len(stored.items), dtype=object)
    for index, item in enumerate(stored.items):
        array[index] = item
    return array.reshape(stored.shape)


def dtype_of(found: ArrayType, /) -> "np.dtype[Any]":
    """
    Return what NumPy calls the type.

    Raises:
        ValueError: This machine has no such type.
    """
    if found.fields:
        return np.dtype(
            {
                "names": [field.name for field in found.fields],
                "formats": [(dtype_of(field.type), field.shape) for field in found.fields],
                "offsets": [field.offset for field in found.fields],
                "itemsize": found.itemsize,
            }
        )
    try:
        dtype: np.dtype[Any] = np.dtype(found.word)
    except TypeError as error:
        raise ValueError("a type that this machine does not have") from error
    if dtype.itemsize != found.itemsize:
        raise ValueError("a type that has another size on this machine")
    return dtype


def _require_sound(array: "npt.NDArray[Any]") -> None:
    """Refuse texts of what are no characters, and truth values in records that are neither."""
    if array.dtype.kind == "U" and array.dtype.itemsize:
        characters: npt.NDArray[np.uint32] = array.view(
            np.dtype(("u4", (array.dtype.itemsize // 4,)))
        )
        if (characters > _LAST_CHARACTER).any():
            raise ValueError("a text of what is no character")
    # Compiled code relies on it, and outside of records it was looked at before.
    for name in array.dtype.names or ():
        field = array[name]
        if field.dtype.kind == "b" and (field.view("u1") > 1).any():
            raise ValueError("a truth value that is neither")
        _require_sound(field)
