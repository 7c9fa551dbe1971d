"""Arrays of NumPy's files: the same as NumPy's own reader's, on the held bytes."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np
import pytest

from support.arrays import EACH_TYPE, Array, npy, npz
from support.holding import admit, hold
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
    OperationError,
    WeighbridgeError,
)
from weighbridge.load import numpy_files
from weighbridge.load.numpy_files import place_npz

ARRAYS: dict[str, Array] = {
    **EACH_TYPE,
    "c128": np.array([1 + 2j]),
    "fortran": np.asfortranarray(np.arange(24, dtype="i4").reshape(2, 3, 4)),
    "other order": np.arange(5, dtype=">f4"),
    "other complex order": np.array([1 + 2j, 3 - 4j], dtype=">c16"),
}


def raw_zip(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of *members*, stored."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def same(found: Array, expected: Array) -> bool:
    """Tell whether both have one type but for the order of bytes, one shape and equal values."""
    kind = expected.dtype.newbyteorder("=")
    return (found.dtype, found.shape) == (kind, expected.shape) and np.array_equal(found, expected)


class TestNpy:
    """Files of one array."""

    @pytest.mark.parametrize("name", ARRAYS)
    def test_each_type(self, name: str) -> None:
        """Type, shape and values are what was saved, and what NumPy reads."""
        data = npy(ARRAYS[name])
        (found,) = admit({"sub/x.npy": data}).tensors("numpy").values()
        assert same(found, np.load(io.BytesIO(data)))
        assert found.flags.f_contiguous == ARRAYS[name].flags.f_contiguous

    def test_the_path_is_the_name(self) -> None:
        """An array is called by its file's path without the suffix, a single file by its name."""
        data = npy(ARRAYS["f32"])
        files = {"a/x.npy": data, "b/x.npy": data}
        assert list(admit(files).tensors("numpy")) == ["a/x", "b/x"]
        assert list(admit({".": data}, name="w.npy").tensors("numpy")) == ["w"]
        assert list(admit({"weights": data}).tensors("numpy")) == ["weights"]

    def test_is_a_read_only_view(self) -> None:
        """The array is no copy, and cannot be written to or be made writable."""
        artifact = admit({"x.npy": npy(ARRAYS["large"])})
        first = artifact.tensors("numpy")["x"]
        assert not first.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            first[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            first.flags.writeable = True

    @pytest.mark.parametrize(
        "array",
        [
            np.array([{"a": 1}, None], dtype=object),
            np.array([(1, "x")], dtype=[("n", "i4"), ("o", "O")]),
        ],
        ids=["objects", "a field of objects"],
    )
    def test_refuses_objects(self, array: Array) -> None:
        """An array of objects is refused, and its pickle is not read."""
        assert list(admit({"x.npy": npy(np.zeros(2))}).tensors("numpy")) == ["x"]
        with pytest.raises(ArtifactRefusedError) as caught:
            admit({"x.npy": npy(array, pickled=True)}).tensors("numpy")
        assert caught.value.code is Code.LOAD_REFUSED

    @pytest.mark.parametrize(
        "array",
        [
            np.array(["text"]),
            np.array([b"bytes"]),
            np.array(["2031-01-01"], dtype="M8[D]"),
            np.zeros(1, dtype=[("x", "f4"), ("y", "f4")]),
            np.zeros(1, dtype=np.longdouble),
        ],
        ids=["text", "bytes", "dates", "records", "long doubles"],
    )
    def test_refuses_types_of_no_tensor(self, array: Array) -> None:
        """What no tensor can hold is refused by the name of its type, with another way."""
        with pytest.raises(OperationError) as caught:
            admit({"x.npy": npy(array)}).tensors("numpy")
        assert caught.value.code is Code.LOAD_FORMAT
        assert "allow_pickle=False" in str(caught.value)

    @pytest.mark.parametrize("change", [b"more", None], ids=["too long", "too short"])
    def test_refuses_another_length(self, change: bytes | None) -> None:
        """A byte too few or too many is refused; the file as saved is not."""
        data = npy(ARRAYS["f32"])
        assert admit({"x.npy": data}).tensors("numpy")
        with pytest.raises(MalformedContentError) as caught:
            admit({"x.npy": data + change if change else data[:-1]}).tensors("numpy")
        assert caught.value.code is Code.LOAD_MALFORMED


class TestNpz:
    """Zips of arrays."""

    @pytest.mark.parametrize("compressed", [False, True])
    def test_all_types(self, *, compressed: bool) -> None:
        """Names, order, types, shapes and values are what NumPy reads."""
        data = npz(ARRAYS, compressed=compressed)
        found = admit({"x.npz": data}).tensors("numpy")
        with np.load(io.BytesIO(data)) as expected:
            assert list(found) == list(expected)
            for name, array in found.items():
                assert same(array, expected[name]), name
                assert not array.flags.writeable

    def test_stored_arrays_are_views(self) -> None:
        """Arrays that are stored lie in one mapping, at the distance that they have in the zip."""
        data = npz({"a": ARRAYS["large"], "b": ARRAYS["large"] + 1})
        found = admit({"x.npz": data}).tensors("numpy")
        distance = found["b"].ctypes.data - found["a"].ctypes.data
        where = [data.index(np.asarray(found[name]).tobytes()) for name in "ab"]
        assert distance == where[1] - where[0]

    def test_refuses_objects(self) -> None:
        """One array of objects among others refuses the file, which NumPy would unpickle."""
        arrays = {"a": np.zeros(2), "b": np.array([None], dtype=object)}
        with pytest.raises(ArtifactRefusedError) as caught:
            admit({"x.npz": npz(arrays)}).tensors("numpy")
        assert caught.value.code is Code.LOAD_REFUSED
        assert caught.value.where == "x.npz: b.npy"

    @pytest.mark.parametrize(
        "members",
        [
            {"a.npy": npy(np.zeros(2)), "notes.txt": b"text"},
            {"a.npy": npy(np.zeros(2)), f"{'n' * 5000}.npy": npy(np.zeros(2))},
        ],
        ids=["no array", "a very long name"],
    )
    def test_refuses_other_members(self, members: Mapping[str, bytes]) -> None:
        """A member that is no array is refused; the zip without it is not."""
        assert list(place_npz(hold(raw_zip({"a.npy": members["a.npy"]})), where="f")) == ["a"]
        with pytest.raises(MalformedContentError) as caught:
            place_npz(hold(raw_zip(members)), where="f")
        assert caught.value.code is Code.LOAD_MALFORMED

    def test_refuses_equal_names(self) -> None:
        """Two arrays of one name, of which readers take one or the other, are refused."""
        data = raw_zip({"a.npy": npy(np.zeros(2)), "b.npy": npy(np.ones(2))})
        assert list(place_npz(hold(data), where="f")) == ["a", "b"]
        with pytest.raises(WeighbridgeError):
            place_npz(hold(data.replace(b"b.npy", b"a.npy")), where="f")

    def test_refuses_what_readers_disagree_on(self) -> None:
        """A zip with bytes in front is another one to other readers, and refused."""
        data = raw_zip({"a.npy": npy(np.zeros(2))})
        with pytest.raises(MalformedContentError):
            place_npz(hold(b"in front" + data), where="f")

    def test_compressed_arrays_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All compressed arrays together stay within the bound; stored ones are not counted."""
        arrays: dict[str, Array] = {"a": np.arange(1000), "b": np.arange(1000)}
        room = 2 * len(npy(arrays["a"]))
        for least, refused in ((room, False), (room - 1, True)):
            monkeypatch.setattr(numpy_files, "MAX_MEMBER_BYTES", least)
            assert len(place_npz(hold(npz(arrays)), where="f")) == 2
            if not refused:
                assert len(place_npz(hold(npz(arrays, compressed=True)), where="f")) == 2
                continue
            with pytest.raises(LimitExceededError):
                place_npz(hold(npz(arrays, compressed=True)), where="f")


class TestSelection:
    """Which files are taken."""

    def test_other_kinds_come_first(self) -> None:
        """NumPy files are taken where nothing else is, or where they are named."""
        from support.signed_model import safetensors_file  # noqa: PLC0415  used once

        files = {"m.safetensors": safetensors_file(a=[1.0]), "x.npy": npy(np.zeros(2))}
        assert list(admit(files).tensors("numpy")) == ["a"]
        assert list(admit(files).tensors("numpy", files=["x.npy"])) == ["x"]

    def test_both_kinds_are_one_model(self) -> None:
        """Arrays of both kinds of files are taken together."""
        files = {"x.npy": npy(np.zeros(2)), "y.npz": npz({"a": np.zeros(2)})}
        assert list(admit(files).tensors("numpy")) == ["x", "a"]
