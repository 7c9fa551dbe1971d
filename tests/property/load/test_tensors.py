"""Properties of loading: what was saved comes back; what is broken is refused, never wrong."""

import json
from struct import pack

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from support import pickles as p
from support.holding import hold
from support.torch_files import checkpoint, legacy_checkpoint, storage, tensor
from weighbridge.core.errors import WeighbridgeError
from weighbridge.load.numpy_tensors import build_arrays
from weighbridge.load.placement import Region, place
from weighbridge.load.safetensors import place_safetensors
from weighbridge.load.torch_checkpoint import place_legacy_checkpoint, place_zip_checkpoint

TYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]
TORCH_TYPES = {
    "f8": "DoubleStorage",
    "f4": "FloatStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "i4": "IntStorage",
    "i2": "ShortStorage",
    "i1": "CharStorage",
    "u1": "ByteStorage",
    "?": "BoolStorage",
    "c8": "ComplexFloatStorage",
}

Array = npt.NDArray[np.generic]


def arrays_of(types: list[str]) -> st.SearchStrategy[Array]:
    """Return arrays of up to three dimensions, empty ones and scalars among them."""
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    return st.sampled_from(types).flatmap(lambda kind: hnp.arrays(np.dtype(kind), shapes))


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
plain_names = names.filter(lambda name: name != "__metadata__")


def nested(leaves: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Return dicts of dicts of *leaves*, without dots in names, so that flat names differ."""
    keys = names.filter(lambda name: "." not in name)
    return st.dictionaries(
        keys,
        st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3)),
        max_size=4,
    )


class Writer:
    """Writes nested arrays as the pickle and the storages of a checkpoint."""

    def __init__(self, *, legacy: bool) -> None:
        self.legacy = legacy
        self.storages: dict[str, tuple[int, bytes]] = {}
        self.expected: dict[str, Array] = {}

    def write(self, value: object, place: str = "") -> bytes:
        """Return what builds *value*, which is a dict or an array."""
        if isinstance(value, dict):
            parts = [
                part
                for key, item in value.items()
                for part in (p.text(key), self.write(item, f"{place}{key}."))
            ]
            return p.dict_of(*parts)
        assert isinstance(value, np.ndarray)
        key = str(len(self.storages))
        self.storages[key] = (value.size, value.tobytes())
        self.expected[place.removesuffix(".")] = value
        kind = p.name("torch", TORCH_TYPES[value.dtype.str[1:].replace("b1", "?")])
        where = storage(key, value.size, kind=kind, legacy=self.legacy)
        contiguous = np.zeros(value.shape, dtype="i1").strides
        return tensor(where, value.shape, contiguous if value.size else [1] * value.ndim)


def same(found: dict[str, Array], expected: dict[str, Array]) -> bool:
    """Tell whether names, types, shapes and bytes are the same."""
    return {k: (v.dtype, v.shape, v.tobytes()) for k, v in found.items()} == {
        k: (v.dtype, v.shape, v.tobytes()) for k, v in expected.items()
    }


@given(st.dictionaries(plain_names, arrays_of(TYPES), max_size=5))
def test_safetensors_come_back(arrays: dict[str, Array]) -> None:
    """What the reference writer wrote is what is loaded."""
    data = safetensors.numpy.save(arrays)
    assert same(build_arrays(place_safetensors(hold(data), where="f")), arrays)


@given(nested(arrays_of(list(TORCH_TYPES))))
def test_checkpoints_come_back(state: dict[str, object]) -> None:
    """Nested states come back flat from zip files, with every byte."""
    writer = Writer(legacy=False)
    result = writer.write(state)
    data = checkpoint(result, {key: raw for key, (_, raw) in writer.storages.items()})
    assert same(build_arrays(place_zip_checkpoint(hold(data), where="f")), writer.expected)


@given(nested(arrays_of(list(TORCH_TYPES))))
def test_legacy_checkpoints_come_back(state: dict[str, object]) -> None:
    """Nested states come back flat from legacy files, with every byte."""
    writer = Writer(legacy=True)
    result = writer.write(state)
    data = legacy_checkpoint(result, writer.storages)
    assert same(build_arrays(place_legacy_checkpoint(hold(data), where="f")), writer.expected)


SAFETENSORS = safetensors.numpy.save(
    {"a": np.arange(6, dtype="f4").reshape(2, 3), "b": np.array([7, 8], dtype="i2")}
)
_WRITER = Writer(legacy=False)
_STATE = {"a": np.arange(6, dtype="f4").reshape(2, 3), "m": {"b": np.array([7, 8], dtype="i2")}}
_RESULT = _WRITER.write(_STATE)
ZIP = checkpoint(_RESULT, {key: raw for key, (_, raw) in _WRITER.storages.items()})
_LEGACY_WRITER = Writer(legacy=True)
_LEGACY_RESULT = _LEGACY_WRITER.write(_STATE)
LEGACY = legacy_checkpoint(_LEGACY_RESULT, _LEGACY_WRITER.storages)

mutations = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=4
)


def mutate(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    """Return *data* with some bytes changed."""
    changed = bytearray(data)
    for position, value in changes:
        changed[position % len(changed)] = value
    return bytes(changed)


@settings(max_examples=300)
@given(mutations)
def test_mutated_safetensors_are_refused_or_agree(changes: list[tuple[int, int]]) -> None:
    """A changed file is refused, or the reference reader sees the same tensors in it."""
    data = mutate(SAFETENSORS, changes)
    try:
        found = build_arrays(place_safetensors(hold(data), where="f"))
    except WeighbridgeError:
        return
    assert same(found, safetensors.numpy.load(data))


@settings(max_examples=300)
@given(mutations)
def test_mutated_checkpoints_are_refused_or_stay_inside(changes: list[tuple[int, int]]) -> None:
    """A changed checkpoint is refused, or its tensors show bytes of the file and no others."""
    for source, placer in ((ZIP, place_zip_checkpoint), (LEGACY, place_legacy_checkpoint)):
        data = mutate(source, changes)
        try:
            found = build_arrays(placer(hold(data), where="f"))
        except WeighbridgeError:
            continue
        assert all(item.tobytes() in data for array in found.values() for item in array.flat)


@given(st.integers(0, 2**63), st.integers(0, 2**63), st.integers(0, 2**63))
def test_headers_never_reach_outside(length: int, start: int, end: int) -> None:
    """Whatever numbers a header has, the file is refused unless they are the only right ones."""
    tensor_info = {"dtype": "U8", "shape": [length], "data_offsets": [start, end]}
    text = json.dumps({"x": tensor_info}).encode()
    data = pack("<Q", len(text)) + text + b"1234"
    try:
        placed = place_safetensors(hold(data), where="f")
    except WeighbridgeError:
        assert (length, start, end) != (4, 0, 4)
        return
    assert build_arrays(placed)["x"].tobytes() == b"1234"


@given(
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=4),
    st.integers(0, 12),
)
def test_placements_are_exactly_those_that_fit(
    items: int, dimensions: list[tuple[int, int]], offset: int
) -> None:
    """A geometry is accepted if and only if each of its elements lies in the region."""
    shape = tuple(length for length, _ in dimensions)
    strides = tuple(step for _, step in dimensions)
    region = Region(hold(bytes(range(items))), 0, items, "U8")
    reached = [
        offset + sum(i * step for i, step in zip(index, strides, strict=True))
        for index in np.ndindex(shape)
    ]
    try:
        placed = place(region, shape=shape, offset=offset, strides=strides, where="t")
    except WeighbridgeError:
        assert any(at >= items for at in reached) or (not reached and offset > items)
    else:
        found = build_arrays({"t": placed})["t"]
        assert found.flatten().tolist() == reached
