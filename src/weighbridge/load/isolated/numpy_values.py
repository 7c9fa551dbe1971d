"""Describe arrays and scalars of NumPy; runs where they were unpickled, where NumPy is there."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from weighbridge.load.isolated.collecting import Wire
from weighbridge.load.isolated.describing import Describer, name_of
from weighbridge.load.isolated.types import NUMBERS

_NATIVE: Final = 1
"""`isbuiltin` of a type that NumPy itself defines."""


def describe_numpy(describer: Describer, value: Any, /) -> "Wire | None":  # noqa: ANN401  any object
    """Return *value* as it is handed back; None where it is nothing of NumPy."""
    kind = type(value)
    if kind is np.ndarray:
        return _array(describer, value)
    if isinstance(value, np.ndarray):
        return describer.opaque(
            name_of(kind), items=np.asarray(value), state=getattr(value, "__dict__", None) or None
        )
    if isinstance(value, np.generic) and kind.__module__ == "numpy":
        return _scalar(describer, value)
    if isinstance(value, np.dtype):
        return describer.opaque("numpy.dtype", arguments=(str(value),))
    return None


def _scalar(describer: Describer, value: np.generic) -> "Wire | None":
    array = np.asarray(value)
    said = _said(array.dtype)
    if said is None or array.shape:
        return None
    return _told(describer, "scalar", array, said)


def _array(describer: Describer, value: "npt.NDArray[Any]") -> Wire:
    said = _said(value.dtype)
    if said is not None:
        return _told(describer, "array", value, said)
    if value.dtype.kind in "OT":
        items = [describer.describe(each) for each in value.ravel().tolist()]
        return describer.collector.node("objects", list(value.shape), holds=items)
    if value.dtype.names or value.dtype.kind not in "bifuc":
        # Records with objects, and types that packages add.
        raw = None if value.dtype.hasobject else _raw(value)
        listed = value.ravel().tolist() if value.dtype.hasobject else None
        return describer.opaque(
            "numpy.ndarray",
            arguments=(value.shape, str(value.dtype)),
            items=listed if raw is None else raw,
        )
    return describer.opaque("numpy.ndarray", note=f"elements of type {value.dtype}")


def _raw(value: "npt.NDArray[Any]") -> "npt.NDArray[Any]":
    return np.ascontiguousarray(value).view(f"V{value.dtype.itemsize}")


def _told(describer: Describer, kind: str, array: "npt.NDArray[Any]", said: object) -> Wire:
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous

    def piece() -> memoryview:
        return _bytes_of(array.T if fortran else array)

    size = array.size * array.dtype.itemsize
    order = "F" if fortran else "C"
    return describer.collector.piece(
        *(kind, said, list(array.shape), order),
        size=size,
        piece=_empty if not size else piece,
        types=_breadth(array.dtype),
    )


def _breadth(dtype: "np.dtype[Any]") -> int:
    """Return how many types it is made of, itself among them."""
    return 1 + sum(_breadth(dtype[name].base) for name in dtype.names or ())


def _empty() -> bytes:
    return b""


def _bytes_of(array: "npt.NDArray[Any]") -> memoryview:
    """Return the elements in order, in the machine's order of bytes."""
    native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    if native.dtype.kind == "b":
        native = native.view("u1") != 0
    return native.reshape(-1).view("u1").data


def _said(dtype: "np.dtype[Any]") -> object:
    """Return how a type is told, or None where there is no word for it."""
    if dtype.subdtype is not None or dtype.hasobject or dtype.isbuiltin not in {0, _NATIVE}:
        return None
    if dtype.names is not None:
        return _record(dtype)
    match dtype.kind:
        case "b" | "i" | "u" | "f" | "c":
            word = f"{dtype.kind}{dtype.itemsize}"
            return word if word in NUMBERS else None
        case "S" | "V":
            return f"{dtype.kind}{dtype.itemsize}"
        case "U":
            return f"U{dtype.itemsize // 4}"
        case "M" | "m":
            return dtype.str[1:]
        case _:
            return None


def _record(dtype: "np.dtype[Any]") -> object:
    fields: list[object] = []
    for name in dtype.names or ():
        assert dtype.fields is not None
        field, offset = dtype.fields[name][:2]
        base, shape = field.subdtype or (field, ())
        said = _said(base)
        if said is None or not field.itemsize or not name:
            return None
        fields.append([name, said, offset, list(shape)])
    return ["record", dtype.itemsize, fields] if fields else None
