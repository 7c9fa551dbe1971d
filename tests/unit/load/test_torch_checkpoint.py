"""PyTorch checkpoints: the tensors that PyTorch wrote, and nothing executed to get them."""

import json
import sys
from pathlib import Path
from typing import TypedDict

import ml_dtypes
import numpy as np
import pytest

from support import pickles as p
from support.holding import admit, hold
from support.placed_checkpoints import arrays
from support.torch_files import (
    NO_HOOKS,
    REBUILD,
    checkpoint,
    floats,
    integers,
    state,
    storage,
    tensor,
    vector,
)
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    MalformedContentError,
    WeighbridgeError,
)
from weighbridge.load.numpy_tensors import build_arrays
from weighbridge.load.placement import Placement
from weighbridge.load.torch_checkpoint import place_legacy_checkpoint, place_zip_checkpoint

VECTORS = Path(__file__).parents[2] / "vectors" / "torch"
ORDERED = p.name("collections", "OrderedDict")
PARAMETER = p.name("torch._utils", "_rebuild_parameter")
V1 = p.name("torch._utils", "_rebuild_tensor")
V3 = p.name("torch._utils", "_rebuild_tensor_v3")
UNTYPED = p.name("torch.storage", "UntypedStorage")
TWO = floats(1.0, 2.0)
SIX = floats(0, 1, 2, 3, 4, 5)


class Expected(TypedDict):
    """One tensor of a vector."""

    dtype: str
    shape: list[int]
    data: str


def expectations() -> dict[str, dict[str, Expected]]:
    """Return what is in each vector."""
    found: dict[str, dict[str, Expected]] = json.loads((VECTORS / "expected.json").read_text())
    return found


def place_one(value: bytes, data: bytes = SIX) -> Placement:
    """Return the placement of *value* in a checkpoint with one storage `0`."""
    return place_zip_checkpoint(hold(checkpoint(state(t=value), {"0": data})), where="f")["t"]


class TestVectors:
    """Files that PyTorch wrote."""

    @pytest.mark.parametrize("name", expectations())
    def test_same_tensors(self, name: str) -> None:
        """Names, order, types, shapes and every byte are what was saved."""
        artifact = admit({name: (VECTORS / name).read_bytes()})
        found = artifact.tensors("numpy")
        expected = expectations()[name]
        assert list(found) == list(expected)
        for key, array in found.items():
            assert list(array.shape) == expected[key]["shape"], key
            assert str(array.dtype) == expected[key]["dtype"], key
            assert array.tobytes().hex() == expected[key]["data"], key
            assert not array.flags.writeable

    @pytest.mark.parametrize("name", ["plain.pt", "legacy.pth"])
    def test_shared_storages_are_shared(self, name: str) -> None:
        """Views of one tensor lie in the same memory, as in the program that saved them."""
        found = admit({name: (VECTORS / name).read_bytes()}).tensors("numpy")
        assert np.shares_memory(found["matrix"], found["transposed"])
        assert np.shares_memory(found["matrix"], found["row"])
        assert not np.shares_memory(found["matrix"], found["f64"])

    @pytest.mark.parametrize("name", ["plain.pt", "legacy.pth"])
    def test_cut_files_are_refused(self, name: str) -> None:
        """A file that lost its last byte is refused."""
        data = (VECTORS / name).read_bytes()
        place = place_zip_checkpoint if name.endswith(".pt") else place_legacy_checkpoint
        assert "matrix" in place(hold(data), where=name)
        with pytest.raises(WeighbridgeError):
            place(hold(data[:-1]), where=name)

    def test_nothing_is_imported(self) -> None:
        """Building the tensors needs neither PyTorch nor a pickle module of its own."""
        before = set(sys.modules)
        arrays((VECTORS / "plain.pt").read_bytes())
        new = {module.split(".")[0] for module in set(sys.modules) - before}
        assert not new & {"torch", "pickle", "_pickle"}


class TestState:
    """Which values make up the model."""

    def test_names_are_joined(self) -> None:
        """Nested dicts are joined by dots, items of lists and tuples go by their index."""
        nested = state(
            model=state(w=vector("0", 2)),
            steps=p.list_of(vector("1", 2), p.tuple_of(p.NONE, vector("2", 2))),
        )
        found = arrays(checkpoint(nested, dict.fromkeys("012", TWO)))
        assert list(found) == ["model.w", "steps.0", "steps.1.1"]

    def test_other_leaves_are_ignored(self) -> None:
        """Constants, sizes, devices, types and sets hold no tensors and are left out."""
        others = state(
            w=vector("0", 2),
            epoch=p.integer(3),
            none=p.NONE,
            size=p.call(p.name("torch", "Size"), integers([2, 3])),
            device=p.call(p.name("torch", "device"), p.text("cpu")),
            dtype=p.name("torch", "float32"),
            raw=p.raw(b"x"),
            known=b"\x8f" + p.MARK + p.integer(1) + b"\x90",
        )
        assert list(arrays(checkpoint(others, {"0": TWO}))) == ["w"]

    def test_the_last_of_equal_keys_counts(self) -> None:
        """As in a dict, a later value replaces an earlier one of the same key."""
        twice = p.dict_of(
            p.text("w"), vector("0", 2), p.text("v"), p.NONE, p.text("w"), vector("1", 2)
        )
        found = arrays(checkpoint(twice, {"0": TWO, "1": floats(3.0, 4.0)}))
        assert found["w"].tolist() == [3.0, 4.0]

    def test_keys_equal_across_types(self) -> None:
        """1 and True are one key to a dict, and so they are here."""
        twice = p.dict_of(p.integer(1), vector("0", 2), p.TRUE, vector("1", 2))
        found = arrays(checkpoint(twice, {"0": TWO, "1": floats(3.0, 4.0)}))
        assert {name: array.tolist() for name, array in found.items()} == {"1": [3.0, 4.0]}

    def test_names_are_unique(self) -> None:
        """Two tensors with the same flat name are refused; with other names they are not."""
        for key, refused in (("b", True), ("c", False)):
            both = p.dict_of(
                p.text("a.b"), vector("0", 2), p.text("a"), p.dict_of(p.text(key), vector("1", 2))
            )
            data = checkpoint(both, {"0": TWO, "1": TWO})
            if refused:
                with pytest.raises(ArtifactRefusedError) as caught:
                    arrays(data)
                assert (caught.value.code, caught.value.found) == (Code.LOAD_MALFORMED, "a.b")
            else:
                assert list(arrays(data)) == ["a.b", "a.c"]

    @pytest.mark.parametrize(
        "key",
        [p.tuple_of(p.integer(1)), p.NONE, p.raw(b"k"), p.TRUE, p.integer(1 << 64)],
        ids=["tuple", "none", "bytes", "bool", "huge"],
    )
    def test_other_keys(self, key: bytes) -> None:
        """A tensor under a key that is no name is refused; anything else there is ignored."""
        data = p.dict_of(key, p.list_of(p.integer(1)), p.text("w"), vector("0", 2))
        assert list(arrays(checkpoint(data, {"0": TWO}))) == ["w"]
        data = p.dict_of(key, p.list_of(vector("0", 2)))
        with pytest.raises(ArtifactRefusedError) as caught:
            arrays(checkpoint(data, {"0": TWO}))
        assert caught.value.code is Code.LOAD_REFUSED

    def test_tensors_in_sets(self) -> None:
        """A tensor in a set has no name and is refused."""
        data = state(s=b"\x8f" + p.MARK + vector("0", 2) + b"\x90")
        with pytest.raises(ArtifactRefusedError):
            arrays(checkpoint(data, {"0": TWO}))

    def test_a_sole_tensor(self) -> None:
        """A checkpoint that is one tensor has a name for it."""
        assert list(arrays(checkpoint(vector("0", 2), {"0": TWO}))) == ["tensor"]

    def test_no_tensors(self) -> None:
        """A checkpoint without tensors is empty."""
        assert arrays(checkpoint(state(a=p.integer(1)))) == {}

    def test_ordered_dicts(self) -> None:
        """All forms of an OrderedDict that picklers write are read; its noted versions too."""
        pairs = p.list_of(p.tuple_of(p.text("a"), vector("0", 2)), p.list_of(p.text("n"), p.NONE))
        versions = p.dict_of(p.text("_metadata"), p.call(ORDERED))
        filled = p.call(ORDERED) + p.MARK + p.text("b") + vector("0", 2) + p.SETITEMS
        for value, name in ((p.call(ORDERED, pairs), "a"), (filled + versions + p.BUILD, "b")):
            assert list(arrays(checkpoint(value, {"0": TWO}))) == [name]

    @pytest.mark.parametrize(
        "value",
        [
            p.call(ORDERED, p.text("ab")),
            p.call(ORDERED, p.list_of(p.text("ab"))),
            p.call(ORDERED, p.list_of(p.tuple_of(p.text("a")))),
            p.call(ORDERED, p.list_of(), p.list_of()),
            p.call(ORDERED) + p.dict_of(p.text("items"), p.NONE) + p.BUILD,
            p.call(ORDERED) + p.tuple_of(p.NONE, p.EMPTY_DICT) + p.BUILD,
            p.call(ORDERED) + p.NONE + p.APPEND,
        ],
        ids=["text", "texts", "single", "two", "method", "slots", "append"],
    )
    def test_odd_ordered_dicts(self, value: bytes) -> None:
        """An OrderedDict that is made or changed in another way is refused."""
        with pytest.raises(ArtifactRefusedError) as caught:
            arrays(checkpoint(value))
        assert caught.value.code is Code.LOAD_REFUSED


class TestRefusals:
    """Everything that is not needed for tensors."""

    @pytest.mark.parametrize(
        ("value", "named"),
        [
            (p.system(), "os.system"),
            (p.name("os", "system"), "os.system"),
            (p.stacked("os", "system"), "os.system"),
            (p.name("torch", "load"), "torch.load"),
            (p.name("torch", "serialization.os.system"), "torch.serialization.os.system"),
            (p.call(p.name("builtins", "getattr"), p.NONE, p.text("x")), "builtins.getattr"),
            (p.inst("os", "system", p.text("x")), "os.system"),
            (p.new(p.name("collections", "OrderedDict")), "collections.OrderedDict"),
            (p.new(p.name("builtins", "object")), "builtins.object"),
            (p.name("torch", "FloatStorage") + p.EMPTY_DICT + p.BUILD, "change"),
            (p.call(p.name("torch", "FloatStorage")), "torch.FloatStorage"),
            (p.call(p.name("torch.storage", "_load_from_bytes"), p.raw(b"")), "_load_from_bytes"),
            (vector("0", 2) + p.EMPTY_DICT + p.BUILD, "_rebuild_tensor_v2"),
            (b"\x82\x01", "reference out of the file"),
            (p.text("x") + p.BINPERSID, "persistent id"),
        ],
    )
    def test_names_what_it_refuses(self, value: bytes, named: str) -> None:
        """A global, call or change that is not needed is refused by name, wherever it is."""
        for result in (
            state(w=vector("0", 2), x=value),
            value + p.POP + state(w=vector("0", 2)),
        ):
            with pytest.raises(ArtifactRefusedError) as caught:
                arrays(checkpoint(result, {"0": TWO}))
            assert caught.value.code is Code.LOAD_REFUSED
            assert named in str(caught.value)
        assert list(arrays(checkpoint(state(w=vector("0", 2)), {"0": TWO}))) == ["w"]

    def test_anomalies(self) -> None:
        """A stream on which unpicklers disagree is refused."""
        odd = state(w=vector("0", 2)) + p.proto(2)
        with pytest.raises(MalformedContentError):
            arrays(checkpoint(odd, {"0": TWO}))

    @pytest.mark.parametrize(
        "pid",
        [
            [p.text("module"), p.name("torch", "FloatStorage"), p.text("0"), p.text("cpu")],
            [p.text("storage"), p.name("torch", "FloatStorage"), p.text("0"), p.text("cpu")],
            [p.text("storage"), p.text("FloatStorage"), p.text("0"), p.text("cpu"), p.integer(2)],
            [p.text("storage"), p.name("torch", "float32"), p.text("0"), p.text("cpu"), p.integer(2)],
            [p.text("storage"), p.name("torch", "FloatStorage"), p.integer(0), p.text("cpu"), p.integer(2)],
            [p.text("storage"), p.name("torch", "FloatStorage"), p.text("0"), p.NONE, p.integer(2)],
            [p.text("storage"), p.name("torch", "FloatStorage"), p.text("0"), p.text("cpu"), p.integer(2), p.integer(0)],
        ],
    )  # fmt: skip
    def test_odd_persistent_ids(self, pid: list[bytes]) -> None:
        """A persistent id that is no storage's is refused, even if no tensor uses it."""
        odd = p.tuple_of(*pid) + p.BINPERSID
        with pytest.raises(ArtifactRefusedError):
            arrays(checkpoint(odd, {"0": TWO}))
        with pytest.raises(ArtifactRefusedError):
            place_one(tensor(odd, [2], [1]), TWO)

    @pytest.mark.parametrize("count", [-1, 1 << 63])
    def test_odd_counts(self, count: int) -> None:
        """A number of elements that no storage has is refused."""
        with pytest.raises(MalformedContentError):
            place_one(tensor(storage("0", count), [2], [1]), TWO)
        place_one(tensor(storage("0", 2), [2], [1]), TWO)

    def test_counts_are_integers(self) -> None:
        """A number of elements that is none is refused."""
        pid = p.tuple_of(
            p.text("storage"), p.name("torch", "FloatStorage"), p.text("0"), p.text("cpu"), p.TRUE
        )
        with pytest.raises(MalformedContentError):
            place_one(tensor(pid + p.BINPERSID, [1], [1]), floats(1))

    def test_one_key_is_one_storage(self) -> None:
        """A key that stands for two types or sizes is refused."""
        half = storage("0", 6, kind=p.name("torch", "HalfStorage"))
        both = state(a=tensor(storage("0", 6), [6], [1]), b=tensor(half, [6], [1]))
        with pytest.raises(MalformedContentError):
            arrays(checkpoint(both, {"0": SIX}))


class TestTensors:
    """What a tensor's description may say."""

    @pytest.mark.parametrize(
        ("shape", "strides", "offset"),
        [((2, 3), (3, 1), 0), ((3, 2), (1, 3), 0), ((2,), (1,), 4), ((9, 2), (0, 1), 4)],
    )
    def test_views_inside(
        self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
    ) -> None:
        """A view whose last element is the storage's last shows the right elements."""
        placed = place_one(tensor(storage("0", 6), shape, strides, offset=offset))
        whole = np.frombuffer(SIX, dtype="f4")
        steps = tuple(4 * step for step in strides)
        expected = np.lib.stride_tricks.as_strided(whole[offset:], shape, steps)
        assert np.array_equal(build_arrays({"t": placed})["t"], expected)

    @pytest.mark.parametrize(
        ("shape", "strides", "offset"),
        [
            ((2, 3), (3, 1), 1),
            ((7,), (1,), 0),
            ((2,), (1,), 5),
            ((2,), (6,), 0),
            ((2,), (-1,), 1),
            ((-1,), (1,), 0),
            ((2,), (1, 1), 0),
            ((2,), (1,), -1),
            ((1 << 40, 1 << 40), (0, 0), 0),
        ],
    )
    def test_views_outside(
        self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
    ) -> None:
        """A view with one element outside of its storage is refused."""
        with pytest.raises(MalformedContentError) as caught:
            place_one(tensor(storage("0", 6), shape, strides, offset=offset))
        assert caught.value.code is Code.LOAD_MALFORMED

    @pytest.mark.parametrize("data", [SIX[:-1], SIX + b"\0", SIX[:-4], b""])
    def test_storages_of_another_size(self, data: bytes) -> None:
        """A storage that has not as many bytes as its elements need is refused."""
        place_one(vector("0", 6), SIX)
        with pytest.raises(MalformedContentError):
            place_one(vector("0", 6), data)

    def test_missing_storages(self) -> None:
        """A storage that is not in the file is refused."""
        with pytest.raises(MalformedContentError):
            place_one(vector("1", 6))

    def test_all_ways_to_rebuild(self) -> None:
        """The three functions and parameters give the same tensor."""
        six = storage("0", 6)
        plain = [six, p.integer(0), integers([6]), integers([1])]
        size = p.call(p.name("torch", "Size"), integers([6]))
        raw = storage("0", 24, kind=UNTYPED)
        float32 = p.name("torch", "float32")
        for value in (
            tensor(six, [6], [1]),
            tensor(six, [6], [1], hooks=p.NONE),
            tensor(six, [6], [1], hooks=p.EMPTY_DICT, rest=[p.NONE]),
            tensor(six, [6], [1], rest=[p.EMPTY_DICT]),
            p.call(V1, *plain),
            p.call(V1, six, p.integer(0), size, p.list_of(p.integer(1))),
            tensor(raw, [6], [1], rebuild=V3, rest=[float32]),
            tensor(raw, [6], [1], rebuild=V3, rest=[float32, p.NONE]),
            tensor(six, [6], [1], rebuild=V3, rest=[float32]),
            p.call(PARAMETER, tensor(six, [6], [1]), p.TRUE, NO_HOOKS),
        ):
            placed = place_one(value)
            assert placed.region.element == "F32"
            assert build_arrays({"t": placed})["t"].tolist() == [0, 1, 2, 3, 4, 5]

    @pytest.mark.parametrize(
        "value",
        [
            tensor(storage("0", 6), [6], [1], hooks=p.dict_of(p.integer(0), p.NONE)),
            tensor(
                storage("0", 6),
                [6],
                [1],
                hooks=p.call(ORDERED) + p.MARK + p.integer(0) + p.NONE + p.SETITEMS,
            ),
            tensor(storage("0", 6), [6], [1], hooks=p.integer(0)),
            tensor(storage("0", 6), [6], [1], rest=[p.dict_of(p.text("conj"), p.TRUE)]),
            tensor(storage("0", 6), [6], [1], rebuild=V3, rest=[p.integer(1)]),
            tensor(storage("0", 6), [6], [1], rebuild=V3, rest=[p.name("torch", "FloatStorage")]),
            tensor(p.NONE, [6], [1]),
            tensor(vector("0", 6), [6], [1]),
            p.call(PARAMETER, tensor(storage("0", 6), [6], [1]), p.TRUE),
            p.call(PARAMETER, tensor(storage("0", 6), [6], [1]), p.TRUE, p.dict_of(p.NONE, p.NONE)),
            p.call(PARAMETER, p.NONE, p.TRUE, NO_HOOKS),
            p.call(PARAMETER, p.call(PARAMETER, p.NONE, p.TRUE, NO_HOOKS), p.TRUE, NO_HOOKS),
        ],
    )
    def test_refuses_more_than_a_tensor(self, value: bytes) -> None:
        """Hooks, metadata, types unknown here and things that are no tensors are refused."""
        with pytest.raises(ArtifactRefusedError) as caught:
            place_one(value)
        assert caught.value.code is Code.LOAD_REFUSED

    @pytest.mark.parametrize(
        "value",
        [
            p.call(V1, storage("0", 6), p.integer(0), integers([6])),
            tensor(storage("0", 6), [6], [1], rest=[p.NONE, p.NONE]),
            tensor(storage("0", 6), [6], [1], rebuild=V3),
            tensor(storage("0", 6), [6], [1], rebuild=V3, rest=[p.name("torch", "int32")]),
            tensor(storage("0", 24, kind=UNTYPED), [6], [1]),
            p.call(V1, storage("0", 6), p.text("0"), integers([6]), integers([1])),
            p.call(V1, storage("0", 6), p.TRUE, integers([1]), integers([1])),
            p.call(V1, storage("0", 6), p.integer(0), p.integer(6), integers([1])),
            p.call(V1, storage("0", 6), p.integer(0), p.tuple_of(p.NONE), integers([1])),
            p.call(
                V1, storage("0", 6), p.integer(0), p.call(p.name("torch", "Size")), integers([])
            ),
            REBUILD + p.text("x") + p.REDUCE,
        ],
    )
    def test_refuses_broken_descriptions(self, value: bytes) -> None:
        """Arguments that the function would not take are refused."""
        with pytest.raises(MalformedContentError) as caught:
            place_one(value)
        assert caught.value.code is Code.LOAD_MALFORMED

    def test_untyped_storages(self) -> None:
        """Bytes behind the last whole element belong to no tensor."""
        raw = storage("0", 5, kind=UNTYPED)
        bf16 = tensor(raw, [2], [1], rebuild=V3, rest=[p.name("torch", "bfloat16")])
        values = np.array([1, -3], dtype=ml_dtypes.bfloat16)
        placed = place_one(bf16, values.tobytes() + b"!")
        assert build_arrays({"t": placed})["t"].tolist() == [1, -3]
        three = tensor(raw, [3], [1], rebuild=V3, rest=[p.name("torch", "bfloat16")])
        with pytest.raises(MalformedContentError):
            place_one(three, values.tobytes() + b"!")
