"""Objects in pickles: the ones that were saved, made of nothing but what was judged."""

import gzip
import importlib
import importlib.util
import pickle
import pickletools
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from support import pickles as p
from support.holding import admit, hold, hold_files
from support.markers import Call, marking_pickle
from support.zips import zip_of
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import (
    ArtifactRefusedError,
    MalformedContentError,
    MissingExtraError,
    OperationError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.core.limits.pickles import MAX_PICKLE_MEMO
from weighbridge.load import clean
from weighbridge.load.joblib_arrays import ArrayShell, JoblibArrays
from weighbridge.load.judged import JudgedPickle, JudgedStream, judge_pickle
from weighbridge.load.unpickler import import_entry, load_plain
from weighbridge.scan.allowlist import Entry, Kind, find_entry

VECTORS = Path(__file__).parents[2] / "vectors" / "load"
TORCH = VECTORS.with_name("torch")

ARRAY = np.arange(6, dtype="f4").reshape(2, 3)
VALUE = {
    "array": ARRAY,
    "ordered": OrderedDict(a=1, b=[2.5, None]),
    "counts": defaultdict(int, x=1),
    "when": datetime(2031, 1, 1, tzinfo=UTC),
    "half": Fraction(1, 2),
    "scalar": np.float64(1.5),
}


def judged(data: bytes) -> JudgedPickle:
    """Return *data*, judged."""
    return judge_pickle(BytesSource(data), name="m.pkl", where="m.pkl")


def entry(name: str) -> Entry:
    """Return the entry of *name*, which is listed."""
    found = find_entry(name)
    assert found is not None
    return found


class TestPlain:
    """Pickles without raw arrays."""

    @pytest.mark.parametrize("protocol", range(6))
    def test_same_as_pickle(self, protocol: int) -> None:
        """The object equals what `pickle.load` gives, in every protocol."""
        loaded = admit({"m.pkl": pickle.dumps(VALUE, protocol)}).as_("pickle")
        assert isinstance(loaded, dict)
        assert loaded.keys() == VALUE.keys()
        assert np.array_equal(loaded.pop("array"), ARRAY)
        assert loaded == {key: value for key, value in VALUE.items() if key != "array"}

    def test_compressed(self) -> None:
        """What joblib compressed is loaded as joblib's, and is no plain pickle."""
        artifact = admit({"m.pkl.gz": gzip.compress(pickle.dumps(VALUE["ordered"]))})
        assert artifact.as_("joblib") == VALUE["ordered"]
        with pytest.raises(OperationError) as caught:
            artifact.as_("pickle")
        assert caught.value.code is Code.LOAD_FORMAT

    def test_each_call_makes_another(self) -> None:
        """Changes to a loaded object show neither in the bytes nor in the next call's object."""
        data = pickle.dumps(VALUE)
        artifact = admit({"m.pkl": data})
        first = artifact.as_("pickle")
        assert isinstance(first, dict)
        first["array"][:] = 0
        second = artifact.as_("pickle")
        assert isinstance(second, dict)
        assert np.array_equal(second["array"], ARRAY)
        assert artifact.read("m.pkl") == data

    @pytest.mark.parametrize("protocol", range(6))
    def test_nothing_of_a_hostile_twin_runs(self, protocol: int, tmp_path: Path) -> None:
        """A name that is not listed refuses the pickle before any of it is executed."""
        marker = tmp_path / "ran"
        benign = admit({"m.pkl": pickle.dumps([VALUE["ordered"]], protocol)})
        assert benign.as_("pickle") == [VALUE["ordered"]]
        hostile = marking_pickle(marker, VALUE["ordered"], protocol=protocol)
        with pytest.raises(ArtifactRefusedError) as caught:
            admit({"m.pkl": hostile}).as_("pickle")
        assert caught.value.code is Code.LOAD_REFUSED
        assert not marker.exists()
        pickle.loads(hostile)
        assert marker.exists(), "the payload is one that works"

    @pytest.mark.parametrize(
        "value",
        [
            Call(getattr, Fraction, "__init__"),
            Call(np.dtype, "f4", Call(print)),
            Call(defaultdict, exec),
            Call(eval, "1"),
        ],
        ids=["another member", "a call among arguments", "a stored function", "eval"],
    )
    def test_arguments_are_judged(self, value: Call) -> None:
        """Listed names are refused with arguments that they may not get."""
        with pytest.raises(ArtifactRefusedError) as caught:
            admit({"m.pkl": pickle.dumps(value)}).as_("pickle")
        assert caught.value.code is Code.LOAD_REFUSED

    @pytest.mark.parametrize(
        "data",
        [
            pickle.dumps([1]) + pickle.dumps([2]),
            pickle.dumps([1]) + b"behind",
            pickle.dumps([1, 2, 3])[:-1],
            p.stream(p.name("collections", "OrderedDict"), b"Q"),
        ],
        ids=["two pickles", "bytes behind", "cut", "a persistent id"],
    )
    def test_refuses_other_files(self, data: bytes) -> None:
        """What is not exactly one whole pickle is refused."""
        assert judged(pickle.dumps([1])).stream.references == ()
        with pytest.raises(ArtifactRefusedError):
            judged(data)

    @pytest.mark.parametrize("inner", [b"", (TORCH / "plain.pt").read_bytes()])
    def test_refuses_what_unpickles_on_its_own(self, inner: bytes) -> None:
        """A listed function that unpickles what it gets is not called, whatever it would get."""
        stream = p.stream(p.call(p.name("torch.storage", "_load_from_bytes"), p.raw(inner)))
        with pytest.raises(ArtifactRefusedError) as caught:
            judged(stream)
        assert caught.value.code is Code.LOAD_REFUSED

    def test_refuses_a_memo_that_fills_the_memory(self) -> None:
        """An index of the memo that asks for an array of its size is refused, and one below not."""
        below, at = MAX_PICKLE_MEMO - 1, MAX_PICKLE_MEMO
        streams = [
            p.stream(p.list_of(), b"r" + index.to_bytes(4, "little")) for index in (below, at)
        ]
        assert judged(streams[0]).stream.references == ()
        with pytest.raises(ArtifactRefusedError) as caught:
            judged(streams[1])
        assert "memo index" in str(caught.value)

    def test_the_scan_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A scan that takes more than its time refuses the pickle; the same one in time does not."""
        data = pickle.dumps([VALUE["ordered"]])
        assert judged(data).stream.references
        monkeypatch.setattr(clean, "MAX_RESCAN_SECONDS", -1.0)
        with pytest.raises(ArtifactRefusedError):
            judged(data)
        with pytest.raises(ArtifactRefusedError):
            clean.require_clean(hold_files({"m.pkl": data}), "m.pkl", name="m.pkl", where="m.pkl")

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_pickles_in_constants(self, pack: Callable[[bytes], bytes]) -> None:
        """A harmless pickle in a constant stays bytes; one that does harm is refused."""
        harmless = [pickle.dumps(VALUE), pickle.dumps([pickle.dumps(1)])]
        name = "m.pkl" if pack is bytes else "m.pkl.gz"
        data = pack(pickle.dumps(harmless))
        found = judge_pickle(BytesSource(data), name=name, where=name)
        assert found.content == pickle.dumps(harmless)
        assert not found.inner
        if pack is bytes:
            assert admit({name: data}).as_("pickle") == harmless
        harmful = pack(pickle.dumps([p.proto(4) + p.system() + p.STOP]))
        with pytest.raises(WeighbridgeError, match="pickle-dangerous-global"):
            judge_pickle(BytesSource(harmful), name=name, where=name)

    def test_refuses_pickles_within_other_files(self) -> None:
        """A pickle in an archive is not the file's own, though nothing speaks against it."""
        with pytest.raises(ArtifactRefusedError) as caught:
            judged(zip_of({"m.pkl": pickle.dumps([1])}))
        assert caught.value.found == "a pickle within zip"

    def test_no_pickle_at_all(self) -> None:
        """A file of another format is refused as such."""
        with pytest.raises(ArtifactRefusedError) as caught:
            judge_pickle(BytesSource(b'{"a": 1}\n'), name="a.json", where="a.json")
        assert caught.value.found == "no pickle, but json"

    def test_what_is_missing_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A package that is not installed is an error with its name, and so is a missing name."""
        data = pickle.dumps(VALUE["ordered"])
        assert admit({"m.pkl": data}).as_("pickle")

        def absent(name: str) -> object:
            raise ModuleNotFoundError(f"No module named {name!r}")

        monkeypatch.setattr(importlib, "import_module", absent)
        with pytest.raises(OperationError) as caught:
            admit({"m.pkl": data}).as_("pickle")
        assert caught.value.code is Code.EXTRA_MISSING
        assert "collections" in str(caught.value)

    def test_what_the_class_refuses(self) -> None:
        """An object that its own class does not take is an error of ours, with the reason."""
        good = p.stream(p.call(p.name("fractions", "Fraction"), p.text("1/2")))
        bad = p.stream(p.call(p.name("fractions", "Fraction"), p.text("1/0")))
        assert admit({"m": good}).as_("pickle") == Fraction(1, 2)
        with pytest.raises(OperationError) as caught:
            admit({"m": bad}).as_("pickle")
        assert (caught.value.code, caught.value.where) == (Code.LOAD_FORMAT, "m")


class TestLockStep:
    """An unpickler that sees another stream than the scan is stopped."""

    ONE = pickle.dumps(OrderedDict(a=1))
    TWO = pickle.dumps([OrderedDict(a=1), Fraction(1, 2)])

    def load(self, content: bytes, stream: JudgedStream) -> object:
        """Load *content* by the judgement of *stream*."""
        return load_plain(content, stream, import_entry, where="m")

    def spread(self, stream: JudgedStream, end: int) -> JudgedStream:
        """Return *stream* as if it ended at *end*."""
        return JudgedStream(start=0, end=end, references=stream.references)

    def test_more_names(self) -> None:
        """A name beyond those that were judged is refused."""
        one, two = judged(self.ONE), judged(self.TWO)
        assert self.load(two.content, two.stream) == [OrderedDict(a=1), Fraction(1, 2)]
        with pytest.raises(ArtifactRefusedError) as caught:
            self.load(two.content, self.spread(one.stream, two.stream.end))
        assert caught.value.found == "fractions.Fraction"

    def test_fewer_names(self) -> None:
        """A stream that ends before the last judged name is refused."""
        one, two = judged(self.ONE), judged(self.TWO)
        with pytest.raises(ArtifactRefusedError) as caught:
            self.load(one.content, self.spread(two.stream, one.stream.end))
        assert caught.value.found == "no fractions.Fraction"

    def test_another_name(self) -> None:
        """Another name in the place of a judged one is refused."""
        other = pickle.dumps(Fraction(1, 2))
        with pytest.raises(ArtifactRefusedError):
            self.load(other, self.spread(judged(self.ONE).stream, len(other)))

    def test_persistent_ids(self) -> None:
        """A persistent id that the scan did not see is refused."""
        stream = JudgedStream(start=0, end=9, references=())
        with pytest.raises(pickle.UnpicklingError, match="persistent"):
            self.load(p.stream(b"N", b"Q"), stream)

    def test_what_is_installed_is_what_is_listed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name under which something of another kind is installed is refused."""
        ordered = entry("collections.OrderedDict")
        assert import_entry(ordered) is OrderedDict
        assert ordered.kind is Kind.CLASS
        monkeypatch.setattr("collections.OrderedDict", lambda: None)
        with pytest.raises(ArtifactRefusedError) as caught:
            import_entry(ordered)
        assert caught.value.code is Code.LOAD_REFUSED


class TestJoblib:
    """Files with raw arrays; the vectors were written by joblib 1.6."""

    @pytest.mark.parametrize("name", ["arrays.joblib", "arrays.joblib.gz"])
    def test_same_as_joblib(self, name: str) -> None:
        """Arrays and objects are those that were saved; joblib itself is not needed."""
        loaded = admit({name: (VECTORS / name).read_bytes()}).as_("joblib")
        assert isinstance(loaded, OrderedDict)
        expected = {
            "floats": np.arange(6, dtype="f4").reshape(2, 3),
            "fortran": np.arange(24, dtype="i8").reshape(2, 3, 4),
            "swapped": np.arange(5, dtype="f8"),
            "empty": np.zeros((0, 3), dtype="f4"),
            "objects": np.array(["a", None, 3], dtype=object),
            "scalar": np.array(7, dtype="u2"),
            "records": np.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8")]),
            "text": np.array(["x", "yz"]),
        }
        assert loaded.pop("note") == "as saved"
        assert list(loaded) == list(expected)
        for key, array in expected.items():
            assert (loaded[key].dtype, loaded[key].shape) == (array.dtype, array.shape), key
            assert np.array_equal(loaded[key], array), key
        assert loaded["fortran"].flags.f_contiguous

    def test_writes_stay_private(self) -> None:
        """Arrays can be written to; neither the bytes nor the next call's arrays change."""
        data = (VECTORS / "arrays.joblib").read_bytes()
        artifact = admit({"m": data})
        first, second = artifact.as_("joblib"), artifact.as_("joblib")
        assert isinstance(first, OrderedDict)
        assert isinstance(second, OrderedDict)
        first["floats"][:] = 9
        assert second["floats"][1, 2] == 5
        assert artifact.read("m") == data

    def test_pickles_of_arrays_of_objects_are_judged(self, tmp_path: Path) -> None:
        """A hostile pickle in the place of an array of objects is refused, and not run."""
        data = (VECTORS / "arrays.joblib").read_bytes()
        marker = tmp_path / "ran"
        # The array of objects is the one pickle within: protocol 5, then its frame.
        start = data.index(b"\x80\x05", 2)
        end = start + pickletools_end(data[start:])
        assert admit({"m": data}).as_("joblib")
        hostile = data[:start] + marking_pickle(marker) + data[end:]
        with pytest.raises(ArtifactRefusedError) as caught:
            admit({"m": hostile}).as_("joblib")
        assert caught.value.code is Code.LOAD_REFUSED
        assert not marker.exists()

    def test_needs_numpy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without NumPy the error names the extra."""
        monkeypatch.setitem(sys.modules, "weighbridge.load.joblib_arrays", None)
        with pytest.raises(MissingExtraError, match=r"weighbridge\[numpy\]"):
            admit({"m": (VECTORS / "arrays.joblib").read_bytes()}).as_("joblib")


def pickletools_end(data: bytes) -> int:
    """Return how long the pickle at the start of *data* is."""
    *_, (_, _, last) = pickletools.genops(data)
    assert last is not None
    return last + 1


class TestArrays:
    """Raw arrays are read where and as long as the scan found them."""

    CONTENT = b"?\x02xx" + np.arange(3, dtype="u4").tobytes()

    def reader(
        self, spans: tuple[tuple[int, int], ...], inner: tuple[JudgedStream, ...] = ()
    ) -> JoblibArrays:
        """Return a reader of the content with arrays at *spans*."""
        stream = JudgedStream(start=0, end=1, references=(), arrays=spans)
        found = JudgedPickle(
            content=self.CONTENT, compressed=False, joblib=True, stream=stream, inner=inner
        )
        memory = bytearray(self.CONTENT)
        return JoblibArrays(found, memory, lambda each: each.end, where="m")

    def shell(self, dtype: object, shape: object, *, alignment: object = None) -> ArrayShell:
        """Return what announces an array."""
        shell = ArrayShell()
        shell.dtype, shell.shape, shell.order = dtype, shape, "C"
        shell.numpy_array_alignment_bytes = alignment
        return shell

    def test_aligned_and_not(self) -> None:
        """Padding is stepped over; an array that starts anywhere is copied to where it may."""
        numbers = np.dtype("u4")
        array, end = self.reader(((1, 16),)).read(self.shell(numbers, (3,), alignment=16), 1)
        assert isinstance(array, np.ndarray)
        assert (array.tolist(), end) == ([0, 1, 2], 16)
        odd, _ = self.reader(((3, 7),)).read(self.shell(numbers, (1,)), 3)
        assert isinstance(odd, np.ndarray)
        assert odd.flags.aligned
        assert odd.tobytes() == self.CONTENT[3:7]

    @pytest.mark.parametrize(
        ("spans", "dtype", "shape"),
        [
            ((), "u4", (3,)),
            (((5, 16),), "u4", (3,)),
            (((4, 12),), "u4", (3,)),
            (((4, 16),), "u2", (3,)),
            (((4, 20),), "u4", (4,)),
            (((4, 16),), "O", (3,)),
        ],
        ids=["none", "elsewhere", "shorter", "another type", "past the end", "objects"],
    )
    def test_refuses_what_was_not_judged(
        self, spans: tuple[tuple[int, int], ...], dtype: str, shape: tuple[int, ...]
    ) -> None:
        """An array at another place, of another length or kind than judged is refused."""
        good, _ = self.reader(((4, 16),)).read(self.shell(np.dtype("u4"), (3,)), 4)
        assert isinstance(good, np.ndarray)
        with pytest.raises(ArtifactRefusedError):
            self.reader(spans).read(self.shell(np.dtype(dtype), shape), 4)

    @pytest.mark.parametrize(
        ("dtype", "shape"), [("u4", (3,)), (np.dtype("u4"), [3]), (np.dtype("u4"), (-3,))]
    )
    def test_refuses_other_descriptions(self, dtype: object, shape: object) -> None:
        """A type or a shape that is none is refused."""
        with pytest.raises(MalformedContentError):
            self.reader(((4, 16),)).read(self.shell(dtype, shape), 4)

    def test_arrays_of_objects(self) -> None:
        """The pickle that stands there is loaded by its own judgement."""
        inner = JudgedStream(start=4, end=16, references=())
        assert self.reader(((4, 16),), (inner,)).read(self.shell(np.dtype("O"), (1,)), 4) == (
            16,
            16,
        )
        shifted = JudgedStream(start=5, end=16, references=())
        with pytest.raises(ArtifactRefusedError):
            self.reader(((4, 16),), (shifted,)).read(self.shell(np.dtype("O"), (1,)), 4)


class TestChoice:
    """Which file is loaded, and as what."""

    DATA = pickle.dumps([1])

    def test_the_only_one(self) -> None:
        """Without a name it is the only file of a format that fits."""
        files = {"config.json": b'{"a": 1}\n', "m.pkl": self.DATA}
        assert admit(files).as_("pickle") == [1]
        assert admit({".": self.DATA}, name="m.pkl").as_("pickle") == [1]

    def test_several(self) -> None:
        """Of several files one has to be named."""
        artifact = admit({"a.pkl": self.DATA, "b.pkl": pickle.dumps([2])})
        assert artifact.as_("pickle", file="b.pkl") == [2]
        with pytest.raises(UsageError) as caught:
            artifact.as_("pickle")
        assert caught.value.found == "a.pkl, b.pkl"

    @pytest.mark.parametrize("file", [None, "config.json"])
    def test_none(self, file: str | None) -> None:
        """Without a file of a format that fits the error says what there is."""
        with pytest.raises(OperationError) as caught:
            admit({"config.json": b'{"a": 1}\n'}).as_("pickle", file=file)
        assert (caught.value.code, caught.value.found) == (Code.LOAD_FORMAT, "json")

    def test_wrong_use(self) -> None:
        """Other kinds, files that are not there and closed artifacts are errors of use."""
        artifact = admit({"m.pkl": self.DATA})
        with pytest.raises(UsageError, match="no such kind") as unknown:
            artifact.as_("tensors")  # type: ignore[call-overload]  # that is the point
        assert "sklearn, skops, tensorflow, transformers" in str(unknown.value.expected)
        with pytest.raises(UsageError):
            artifact.as_("pickle", file="other")
        artifact.close()
        with pytest.raises(WeighbridgeError) as caught:
            artifact.as_("pickle")
        assert caught.value.code is Code.ARTIFACT_CLOSED


def test_estimators_need_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without scikit-learn the error names the extra."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"weighbridge\[sklearn\]"):
        admit({"m.pkl": pickle.dumps([1])}).as_("sklearn")


def test_held_bytes_are_the_judged_ones() -> None:
    """What is judged is read once from the held file; a file's name decides nothing."""
    held = hold(pickle.dumps([1]))
    found = judge_pickle(held, name="", where="m")
    assert found.content == held.read()
