"""
Make the arrays and tensors of what was handed back.

NumPy is imported where there is an array, PyTorch where there is a tensor and PyTorch is installed:
by these two names, whatever was unpickled. Arrays of NumPy are read-only views of the bytes;
tensors can be written to, and have memory of their own.
"""

from typing import Final

from weighbridge.core.errors import MissingExtraError
from weighbridge.load.frameworks import Framework, build, choose_framework
from weighbridge.load.held import HeldFile
from weighbridge.load.isolated.plain import ArrayKind, StoredArray, StoredObjects
from weighbridge.load.placement import Placement, make_region, place

_NAME: Final = "tensor"
_PURPOSE: Final = "a value with NumPy arrays"


class AsArrays:
    """
    Makes arrays of NumPy, and tensors of *framework*.

    Args:
        framework: Of tensors of PyTorch; `auto` is PyTorch where it is installed, else NumPy.
    """

    def __init__(self, framework: Framework = "auto") -> None:
        self._framework: Final = framework
        self._views: dict[int, memoryview] = {}

    def array(self, stored: StoredArray, /) -> object:
        """
        Return the array, scalar or tensor that *stored* is.

        Raises:
            ValueError: Its bytes are not what its type says.
            MissingExtraError: The package that makes it is not installed.
            OperationError: That package cannot express it.
        """
        if stored.kind is ArrayKind.TENSOR:
            chosen = choose_framework(self._framework)
            return build({_NAME: place_stored(stored)}, framework=chosen)[_NAME]
        try:
            from weighbridge.load.isolated.numpy_building import (  # noqa: PLC0415  optional
                build_array,
            )
        except ImportError as error:
            raise MissingExtraError.for_extra("numpy", purpose=_PURPOSE) from error
        if id(stored.block) not in self._views:
            self._views[id(stored.block)] = stored.block.view()
        return build_array(stored, self._views[id(stored.block)])

    def objects(self, stored: StoredObjects, /) -> object:
        """
        Return the array of objects that *stored* is.

        Raises:
            MissingExtraError: NumPy is not installed.
        """
        try:
            from weighbridge.load.isolated.numpy_building import (  # noqa: PLC0415  optional
                build_objects,
            )
        except ImportError as error:
            raise MissingExtraError.for_extra("numpy", purpose=_PURPOSE) from error
        return build_objects(stored)


def place_stored(stored: StoredArray, /) -> Placement:
    """
    Return where the elements of *stored* lie.

    Raises:
        ValueError: Its type has no name in `load.placement`.
        MalformedContentError, LimitExceededError: As `place`.
    """
    if stored.type.element is None:
        raise ValueError("no tensor has such a type")
    strides = None
    if stored.fortran:
        # The first index is the fastest.
        steps = [1]
        for length in stored.shape[:-1]:
            steps.append(steps[-1] * max(1, length))
        strides = tuple(steps[: len(stored.shape)])
    region = make_region(
        stored.block,
        start=stored.start,
        size=stored.size,
        element=stored.type.element,
        order="little",
    )
    return place(region, shape=stored.shape, strides=strides, where=_NAME)


def place_bytes(block: HeldFile, start: int, shape: tuple[int, ...], /) -> Placement:
    """Return the tensor of bytes of *shape* that lies from *start* of *block* on."""
    size = 1
    for length in shape:
        size *= length
    region = make_region(block, start=start, size=size, element="U8", order="little")
    return place(region, shape=shape, where=_NAME)
