"""Checkpoints of PyTorch, read as a load reads them."""

import numpy as np
import numpy.typing as npt

from support.holding import hold
from weighbridge.load.numpy_tensors import build_arrays
from weighbridge.load.torch_checkpoint import place_legacy_checkpoint, place_zip_checkpoint


def arrays(data: bytes) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of a zip checkpoint."""
    return build_arrays(place_zip_checkpoint(hold(data), where="f"))


def legacy_arrays(data: bytes) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of a legacy checkpoint."""
    return build_arrays(place_legacy_checkpoint(hold(data), where="f"))
