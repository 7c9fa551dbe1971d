"""NumPy arrays on held bytes: read-only, not copied. Imported only when NumPy is wanted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from weighbridge.core.codes import Code
from weighbridge.core.errors import MissingExtraError, OperationError
from weighbridge.load.held import HeldFile
from weighbridge.load.placement import Placement

_NATIVE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BOOL": "?",
        "U8": "u1",
        "I8": "i1",
        "U16": "u2",
        "I16": "i2",
        "U32": "u4",
        "I32": "i4",
        "U64": "u8",
        "I64": "i8",
        "F16": "f2",
        "F32": "f4",
        "F64": "f8",
        "C64": "c8",
        "C128": "c16",
    }
)

_ML_DTYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BF16": "bfloat16",
        "F8_E4M3": "float8_e4m3fn",
        "F8_E5M2": "float8_e5m2",
        "F8_E8M0": "float8_e8m0fnu",
        "F8_E4M3FNUZ": "float8_e4m3fnuz",
        "F8_E5M2FNUZ": "float8_e5m2fnuz",
    }
)


def build_arrays(placements: Mapping[str, Placement]) -> dict[str, npt.NDArray[np.generic]]:
    """
    Return a read-only array for each placement.

    The arrays of one file share one mapping, which lives until the last of them is gone. Elements
    that the file does not align are not copied either: NumPy reads them all the same.

    Raises:
        MissingExtraError: bfloat16 or float8 tensors without the package that defines them.
        OperationError: NumPy refuses what the placement allows, such as 64 dimensions before
            NumPy 2.
    """
    views: dict[int, memoryview] = {}
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for name, placement in placements.items():
        with _named(name):
            arrays[name] = _build(placement, views)
    return arrays


def _build(placement: Placement, views: dict[int, memoryview]) -> npt.NDArray[np.generic]:
    region = placement.region
    dtype = _dtype(region.element)
    if placement.empty:
        array: npt.NDArray[np.generic] = np.empty(placement.shape, dtype=dtype)
    else:
        array = np.ndarray(
            placement.shape,
            dtype=dtype,
            buffer=_view(region.block, views),
            offset=region.start + placement.offset * dtype.itemsize,
            strides=tuple(step * dtype.itemsize for step in placement.strides),
        )
    array.flags.writeable = False
    return array


def _view(block: HeldFile, views: dict[int, memoryview]) -> memoryview:
    # The placements keep every block alive, so no two share an id.
    if id(block) not in views:
        views[id(block)] = block.view()
    return views[id(block)]


def _dtype(element: str) -> np.dtype[np.generic]:
    native = _NATIVE.get(element)
    if native is not None:
        return np.dtype(native)
    if element not in _ML_DTYPES:
        raise ValueError(f"it has no type {element}")
    try:
        import ml_dtypes  # noqa: PLC0415  most models need no type of it
    except ImportError as error:
        raise MissingExtraError.for_extra(
            "numpy", purpose=f"a NumPy array of type {element}"
        ) from error
    dtype: np.dtype[np.generic] = np.dtype(getattr(ml_dtypes, _ML_DTYPES[element]))
    return dtype


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn NumPy's refusals into ours, with the tensor's name."""
    try:
        yield
    except (ValueError, OverflowError, MemoryError) as error:
        raise OperationError(
            f"NumPy cannot make this tensor: {error}", where=name, code=Code.LOAD_FORMAT
        ) from error
