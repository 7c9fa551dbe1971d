"""Tensors of safetensors files: the same as the reference reader's, on the held bytes."""

import json
import sys
from collections.abc import Mapping

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy

from support.arrays import EACH_TYPE, Array
from support.holding import admit, hold
from support.signed_model import safetensors_file
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
    MissingExtraError,
    OperationError,
    UsageError,
)
from weighbridge.load import frameworks
from weighbridge.load import safetensors as safetensors_loader
from weighbridge.load.frameworks import choose_framework
from weighbridge.load.numpy_tensors import build_arrays
from weighbridge.load.placement import Region, place
from weighbridge.load.safetensors import place_safetensors

TYPES: dict[str, Array] = {
    **EACH_TYPE,
    "bf16": np.array([1, -3], dtype=ml_dtypes.bfloat16),
    "e4m3": np.array([1, 448], dtype=ml_dtypes.float8_e4m3fn),
    "e5m2": np.array([1, -2, 3], dtype=ml_dtypes.float8_e5m2),
}


def custom_file(header: Mapping[str, object], data: bytes) -> bytes:
    """Return a safetensors file with this header as it is."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def index(**weight_map: object) -> bytes:
    """Return a shard index."""
    return json.dumps({"metadata": {}, "weight_map": weight_map}).encode()


def arrays_of(data: bytes) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of a safetensors file."""
    return build_arrays(place_safetensors(hold(data), where="f"))


class TestEquality:
    """The reference reader and this one see the same."""

    @pytest.mark.parametrize("name", TYPES)
    def test_each_type(self, name: str) -> None:
        """Type, shape and bytes of each type are what the reference reader gives."""
        data = safetensors.numpy.save({name: TYPES[name]})
        ((found_name, expected),) = safetensors.deserialize(data)  # type: ignore[no-untyped-call]  # has no types
        found = arrays_of(data)[name]
        assert found_name == name
        assert found.dtype == TYPES[name].dtype
        assert list(found.shape) == expected["shape"]
        assert found.tobytes() == bytes(expected["data"])

    def test_all_in_one_file(self) -> None:
        """Tensors of many types in one file do not disturb each other."""
        found = arrays_of(safetensors.numpy.save(TYPES))
        assert set(found) == set(TYPES)
        assert all(found[name].tobytes() == TYPES[name].tobytes() for name in TYPES)

    def test_unaligned_elements(self) -> None:
        """Elements that the file does not align are read as they are."""
        values = np.array([1.5, -2.5], dtype="f4")
        data = custom_file(
            {
                "pad": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                "x": {"dtype": "F32", "shape": [2], "data_offsets": [1, 9]},
            },
            b"p" + values.tobytes(),
        )
        assert np.array_equal(arrays_of(data)["x"], values)


class TestArrays:
    """What the arrays are."""

    @pytest.mark.parametrize("name", ["f32", "scalar", "empty", "large", "bf16"])
    def test_are_read_only(self, name: str) -> None:
        """No array can be written to or be made writable."""
        array = arrays_of(safetensors.numpy.save({name: TYPES[name]}))[name]
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        if name != "empty":
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True

    def test_are_not_copies(self) -> None:
        """The arrays of a file lie in one mapping, at the distance that they have in the file."""
        data = safetensors_file(a=[1.0] * 40_000, b=[2.0] * 40_000)
        arrays = arrays_of(data)
        addresses = [arrays[name].__array_interface__["data"][0] for name in "ab"]
        assert addresses[1] - addresses[0] == 160_000

    def test_more_dimensions_than_numpy_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the placement allows and NumPy refuses is an error that names the tensor."""
        placed = place(Region(hold(bytes(4)), 0, 1, "F32"), shape=(1,), where="t")
        monkeypatch.setattr(type(placed), "shape", property(lambda _: (1,) * 65))
        monkeypatch.setattr(type(placed), "strides", property(lambda _: (1,) * 65))
        with pytest.raises(OperationError) as caught:
            build_arrays({"deep": placed})
        assert caught.value.code is Code.LOAD_FORMAT
        assert caught.value.where == "deep"

    def test_types_that_need_a_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the package for it bfloat16 names the extra; float32 needs none."""
        monkeypatch.setitem(sys.modules, "ml_dtypes", None)
        data = {name: safetensors.numpy.save({name: TYPES[name]}) for name in ("f32", "bf16")}
        assert list(arrays_of(data["f32"])) == ["f32"]
        with pytest.raises(MissingExtraError, match=r"weighbridge\[numpy\]"):
            arrays_of(data["bf16"])

    def test_types_below_a_byte(self) -> None:
        """Types of which several elements share a byte are refused by name."""
        tensor = {"dtype": "F6_E2M3", "shape": [8], "data_offsets": [0, 6]}
        with pytest.raises(OperationError) as caught:
            arrays_of(custom_file({"x": tensor}, b"abcdef"))
        assert caught.value.code is Code.LOAD_FORMAT
        assert caught.value.found == "F6_E2M3"
        tensor = {"dtype": "F4", "shape": [4], "data_offsets": [0, 2]}
        with pytest.raises(OperationError, match="F4_X2") as caught:
            arrays_of(custom_file({"x": tensor}, b"ab"))
        assert caught.value.code is Code.LOAD_FORMAT
        tensor["dtype"], tensor["shape"] = "U8", [2]
        assert arrays_of(custom_file({"x": tensor}, b"ab"))["x"].tobytes() == b"ab"

    def test_broken_files(self) -> None:
        """A file that lost its last byte is refused."""
        data = safetensors_file(a=[1.0])
        assert list(arrays_of(data)) == ["a"]
        with pytest.raises(MalformedContentError):
            arrays_of(data[:-1])


class TestFrameworks:
    """Which framework is taken."""

    @pytest.mark.parametrize(
        ("asked", "installed", "taken"),
        [
            ("auto", {"torch", "numpy"}, "torch"),
            ("auto", {"numpy"}, "numpy"),
            ("numpy", {"torch", "numpy"}, "numpy"),
            ("torch", {"torch"}, "torch"),
        ],
    )
    def test_takes(
        self,
        asked: frameworks.Framework,
        installed: set[str],
        taken: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """`auto` is PyTorch where it is installed; a named framework is that one."""
        monkeypatch.setattr(frameworks, "find_spec", lambda name: name in installed or None)
        assert choose_framework(asked) == taken

    @pytest.mark.parametrize(
        ("asked", "installed", "extra"),
        [
            ("auto", set(), "numpy"),
            ("numpy", {"torch"}, "numpy"),
            ("torch", {"numpy"}, "torch"),
        ],
    )
    def test_names_what_is_missing(
        self,
        asked: frameworks.Framework,
        installed: set[str],
        extra: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A framework that is not installed is an error with the command that installs it."""
        monkeypatch.setattr(frameworks, "find_spec", lambda name: name in installed or None)
        with pytest.raises(MissingExtraError) as caught:
            choose_framework(asked)
        assert f"pip install 'weighbridge[{extra}]'" in str(caught.value)

    def test_refuses_others(self) -> None:
        """There is no other framework."""
        with pytest.raises(UsageError):
            choose_framework("jax")  # type: ignore[arg-type]  # that is the point


class TestShards:
    """Several files, and the index beside them."""

    ONE = safetensors_file(a=[1.0])
    TWO = safetensors_file(b=[2.0])
    GOOD = index(a="1.safetensors", b="2.safetensors")

    def files(self, table: bytes, *, folder: str = "", two: bytes = TWO) -> dict[str, bytes]:
        """Return a model of two shards with the index *table*."""
        return {
            f"{folder}1.safetensors": self.ONE,
            f"{folder}2.safetensors": two,
            f"{folder}model.safetensors.index.json": table,
        }

    @pytest.mark.parametrize("folder", ["", "unet/"])
    def test_unites_shards(self, folder: str) -> None:
        """Tensors of all shards are one model."""
        tensors = admit(self.files(self.GOOD, folder=folder)).tensors("numpy")
        assert list(tensors) == ["a", "b"]

    def test_names_are_unique(self) -> None:
        """A name in two files is refused; naming one of the files resolves it."""
        artifact = admit({"1.safetensors": self.ONE, "2.safetensors": self.ONE})
        with pytest.raises(ArtifactRefusedError) as caught:
            artifact.tensors("numpy")
        assert caught.value.code is Code.LOAD_MALFORMED
        assert list(artifact.tensors("numpy", files=["2.safetensors"])) == ["a"]

    @pytest.mark.parametrize(
        "table",
        [
            index(a="1.safetensors", b="1.safetensors"),
            index(a="1.safetensors", b="2.safetensors", c="2.safetensors"),
            index(a="1.safetensors", b="3.safetensors"),
            index(a="1.safetensors", b="../2.safetensors"),
        ],
        ids=["other file", "missing tensor", "missing file", "file outside"],
    )
    def test_refuses_an_index_that_lies(self, table: bytes) -> None:
        """An index that names a tensor where it is not is refused; the true one is not."""
        admit(self.files(self.GOOD)).tensors("numpy")
        with pytest.raises(ArtifactRefusedError) as caught:
            admit(self.files(table)).tensors("numpy")
        assert caught.value.code is Code.LOAD_MALFORMED
        assert caught.value.where == "model.safetensors.index.json"

    @pytest.mark.parametrize(
        "table",
        [
            b"[]",
            b"{}",
            b'{"weight_map": []}',
            index(a=1),
            b"{",
            b'{"weight_map": {}, "weight_map": {}}',
        ],
    )
    def test_refuses_a_broken_index(self, table: bytes) -> None:
        """An index that is none is refused."""
        with pytest.raises(MalformedContentError):
            admit(self.files(table)).tensors("numpy")

    def test_refuses_a_huge_index(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An index beyond the limit is refused before it is parsed."""
        monkeypatch.setattr(safetensors_loader, "MAX_TEXT_BYTES", len(self.GOOD))
        admit(self.files(self.GOOD)).tensors("numpy")
        monkeypatch.setattr(safetensors_loader, "MAX_TEXT_BYTES", len(self.GOOD) - 1)
        with pytest.raises((MalformedContentError, LimitExceededError)):
            admit(self.files(self.GOOD)).tensors("numpy")

    def test_an_index_elsewhere_is_not_asked(self) -> None:
        """An index in a directory without tensors, or about files left out, changes nothing."""
        files = {"1.safetensors": self.ONE, "x/model.safetensors.index.json": index(z="z")}
        assert list(admit(files).tensors("numpy")) == ["a"]
        part = admit(self.files(self.GOOD)).tensors("numpy", files=["1.safetensors"])
        assert list(part) == ["a"]


class TestSelection:
    """Which files are taken when none is named."""

    def test_safetensors_come_first(self) -> None:
        """Beside safetensors files, other files are not even looked at."""
        files = {"m.safetensors": safetensors_file(a=[1.0]), "pytorch_model.bin": b"broken"}
        assert list(admit(files).tensors("numpy")) == ["a"]

    def test_content_decides(self) -> None:
        """A safetensors file is one whatever its name is; the name alone makes none."""
        assert list(admit({"weights": safetensors_file(a=[1.0])}).tensors("numpy")) == ["a"]
        with pytest.raises(OperationError) as caught:
            admit({"m.safetensors": b"just text\n"}).tensors("numpy")
        assert caught.value.code is Code.LOAD_FORMAT

    def test_no_tensors_at_all(self) -> None:
        """A model without tensor files says so, and what it has."""
        with pytest.raises(OperationError) as caught:
            admit({"config.json": b'{"a": 1}\n'}).tensors("numpy")
        assert caught.value.code is Code.LOAD_FORMAT
        assert caught.value.found == "json"
        with pytest.raises(OperationError):
            admit({"config.json": b'{"a": 1}\n'}).tensors("numpy", files=[])
