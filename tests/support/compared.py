"""An object as any program would have it, held against what came back of it from a load apart."""

from typing import Any

import numpy as np

from weighbridge.load.isolated.plain import Opaque, What


def same_arrays(real: object, found: object, *, where: str = "value") -> int:
    """
    Compare *found*, which came back, with the object *real*; return how many arrays are the same.

    Plain values have to be equal, and of the same type. Objects are compared by their state.
    """
    if isinstance(real, np.ndarray) and isinstance(found, np.ndarray):
        return _same_array(real, found, where=where)
    if hasattr(real, "detach"):
        return _same_tensor(real, found, where=where)
    if isinstance(found, Opaque):
        return _same_object(real, found, where=where)
    assert type(found) is type(real), where
    if isinstance(real, dict):
        assert isinstance(found, dict)
        assert list(real) == list(found), where
        pairs = [(real[key], found[key], f"{where}.{key}") for key in real]
    elif isinstance(real, list | tuple):
        assert isinstance(found, list | tuple)
        assert len(found) == len(real), where
        pairs = [(a, b, f"{where}.{n}") for n, (a, b) in enumerate(zip(real, found, strict=True))]
    else:
        assert repr(found) == repr(real), where
        return 0
    return sum(same_arrays(a, b, where=place) for a, b, place in pairs)


def _same_array(
    real: "np.ndarray[Any, Any]",
    found: "np.ndarray[Any, Any]",
    *,
    where: str,
) -> int:
    assert found.shape == real.shape, where
    if real.dtype == object:
        pairs = zip(real.ravel().tolist(), found.ravel().tolist(), strict=True)
        return sum(same_arrays(a, b, where=f"{where}[]") for a, b in pairs)
    assert found.dtype == real.dtype.newbyteorder("="), where
    # Field by field: what lies between them means nothing.
    native = np.ascontiguousarray(real.astype(found.dtype))
    for name in found.dtype.names or ():
        assert found[name].tobytes() == native[name].tobytes(), where
    assert found.dtype.names or found.tobytes() == native.tobytes(), where
    return 1


def _same_tensor(real: object, found: object, *, where: str) -> int:
    """Compare tensors by the bits of their elements."""
    import torch  # noqa: PLC0415  there is a tensor

    assert type(found).__name__ == "Tensor", where
    plain = [tensor.detach().contiguous() for tensor in (real, found)]  # type: ignore[attr-defined]
    shapes = [(tuple(tensor.shape), str(tensor.dtype)) for tensor in plain]
    assert shapes[0] == shapes[1], where
    byte = torch.uint8
    flat = [tensor.reshape(-1).view(byte).tolist() for tensor in plain]
    assert flat[0] == flat[1], where
    return 1


def _same_object(real: object, found: Opaque, *, where: str) -> int:
    kind = type(real)
    if found.what is not What.OBJECT:
        return 0
    assert found.name == f"{kind.__module__}.{kind.__qualname__}", where
    reduced = real.__reduce_ex__(4)
    state = reduced[2] if isinstance(reduced, tuple) and len(reduced) > 2 else None
    return 0 if state is None else same_arrays(state, found.state, where=where)
