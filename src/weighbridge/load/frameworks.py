"""Which framework's tensors a program gets, and what to install when it has none."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeAlias

from weighbridge.core.errors import MissingExtraError, UsageError
from weighbridge.load.placement import Placement

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

Framework = Literal["auto", "numpy", "torch"]
"""`auto` is PyTorch where it is installed, else NumPy."""

Array: TypeAlias = "npt.NDArray[np.generic]"
Tensor: TypeAlias = "npt.NDArray[np.generic] | torch.Tensor"


def choose_framework(framework: Framework = "auto") -> Literal["numpy", "torch"]:
    """
    Return the framework that is meant.

    Raises:
        UsageError: There is no such framework.
        MissingExtraError: It, or for `auto` each of the two, is not installed.
    """
    if framework not in ("auto", "numpy", "torch"):
        raise UsageError("no such framework", expected="auto, numpy or torch", found=str(framework))
    if framework in ("auto", "torch") and find_spec("torch") is not None:
        return "torch"
    if framework in ("auto", "numpy") and find_spec("numpy") is not None:
        return "numpy"
    extra = "torch" if framework == "torch" else "numpy"
    raise MissingExtraError.for_extra(extra, purpose="building tensors")


def build(
    placements: Mapping[str, Placement], *, framework: Literal["numpy", "torch"]
) -> "Mapping[str, Tensor]":
    """Return *framework*'s tensors for *placements*; see `numpy_tensors` and `torch_tensors`."""
    if framework == "torch":
        from weighbridge.load.torch_tensors import build_tensors  # noqa: PLC0415  optional, slow

        return build_tensors(placements)
    from weighbridge.load.numpy_tensors import build_arrays  # noqa: PLC0415  optional

    return build_arrays(placements)
