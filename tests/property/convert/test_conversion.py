"""Whatever is converted is what a load gives, and whatever is not leaves nothing."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from support.converting import convert_here
from support.holding import hold
from support.torch_files import checkpoint, legacy_checkpoint, state, storage, tensor
from weighbridge.core.errors import IndeterminateError, NothingToCheckError, RefusedError
from weighbridge.load.numpy_tensors import build_arrays
from weighbridge.load.torch_checkpoint import place_legacy_checkpoint, place_zip_checkpoint
from weighbridge.pipeline.conversion.convert import Conversion, convert

_ITEMS = 30
_DATA = np.arange(_ITEMS, dtype="<f4").tobytes()


@st.composite
def values(draw: st.DrawFn, *, legacy: bool) -> bytes:
    """Draw a state dict of views of one storage."""
    tensors = {}
    for name in draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True)):
        shape = draw(st.lists(st.integers(0, 4), max_size=3))
        strides = [draw(st.integers(0, 3)) for _ in shape]  # so that all of it fits
        reach = sum(max(0, n - 1) * s for n, s in zip(shape, strides, strict=True))
        offset = draw(st.integers(0, max(0, _ITEMS - 1 - reach)))
        where = storage("0", _ITEMS, legacy=legacy)
        tensors[name] = tensor(where, shape, strides, offset=offset)
    return state(**tensors)


def converted(data: bytes) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """Return the arrays of what *data* is converted to; nothing else may be left."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "a.bin").write_bytes(data)
        try:
            with pytest.MonkeyPatch.context() as patch:
                convert_here(patch)
                convert(root / "a.bin", root / "a.safetensors", how=Conversion(tensors_only=True))
        finally:
            left = {path.name for path in root.iterdir()}
            assert left <= {"a.bin", "a.safetensors"}
        found: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]
        found = safetensors.numpy.load_file(root / "a.safetensors")
        return found


@given(values(legacy=False))
def test_zip_checkpoints(value: bytes) -> None:
    """Every tensor is the array that a load gives."""
    data = checkpoint(value, {"0": _DATA})
    expected = build_arrays(place_zip_checkpoint(hold(data), where="f"))
    found = converted(data)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@given(values(legacy=True))
def test_legacy_checkpoints(value: bytes) -> None:
    """Every tensor of an old checkpoint is the array that a load gives."""
    data = legacy_checkpoint(value, {"0": (_ITEMS, _DATA)})
    expected = build_arrays(place_legacy_checkpoint(hold(data), where="f"))
    found = converted(data)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@given(values(legacy=True), st.data())
def test_mutated_checkpoints(value: bytes, data: st.DataObject) -> None:
    """A checkpoint with changed bytes is converted to what a load gives, or refused as hostile."""
    zipped = data.draw(st.booleans())
    whole = bytearray(
        checkpoint(value, {"0": _DATA}) if zipped else legacy_checkpoint(value, {"0": (30, _DATA)})
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    mutant = bytes(whole)
    try:
        found = converted(mutant)
    except (RefusedError, IndeterminateError, NothingToCheckError):
        return
    place = place_zip_checkpoint if mutant[:2] == b"PK" else place_legacy_checkpoint
    expected = build_arrays(place(hold(mutant), where="f"))
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].tobytes() == array.tobytes()
