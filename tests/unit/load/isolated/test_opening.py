"""How files with pickles in them are opened, here and without walls: nothing in them runs code."""

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import pytest

from support import pickles as p
from support.arrays import EACH_TYPE, npy, npz
from support.handed_back import ROOM, held, read, written
from support.torch_files import (
    checkpoint,
    floats,
    integers,
    legacy_checkpoint,
    small_checkpoint,
    state,
    storage,
    tensor,
    vector,
)
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    MalformedContentError,
    MissingExtraError,
    OperationError,
)
from weighbridge.load.isolated.building import AsArrays
from weighbridge.load.isolated.child import extensions
from weighbridge.load.isolated.collecting import Collector
from weighbridge.load.isolated.describing import Describer
from weighbridge.load.isolated.opening import FORMATS, open_anything, open_judged
from weighbridge.load.isolated.plain import Opaque, What


def judged(data: bytes, file_format: FileFormat) -> object:
    """Return what comes back of *data* where it is judged."""
    value = open_judged(held(data), file_format, name="m", where="m")
    collector = Collector(room=ROOM)
    wire = Describer(collector, extensions(placed=True)).describe(value)
    return read(written(lambda place: collector.write(wire, place)), build=AsArrays("numpy"))


def tensors_of(found: object) -> Mapping[str, object]:
    """Return the values of arrays by their names."""
    assert isinstance(found, dict)
    return {name: value.tolist() for name, value in found.items()}


def test_a_checkpoint_keeps_its_containers() -> None:
    """Tensors are where the checkpoint has them, among constants and other containers."""
    values = state(
        a=tensor(storage("0", 4), [2, 2], [1, 2]),
        b=p.list_of(p.integer(1), p.text("x"), vector("1", 2)),
        c=p.dict_of(p.integer(3), p.NONE),
        d=p.tuple_of(p.TRUE, p.tuple_of()),
    )
    data = checkpoint(values, {"0": floats(1, 2, 3, 4), "1": floats(5, 6)})
    found = judged(data, FileFormat.TORCH_ZIP)
    assert isinstance(found, OrderedDict | dict)
    assert found["a"].tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert found["b"][:2] == [1, "x"]
    assert found["b"][2].tolist() == [5.0, 6.0]
    assert (found["c"], found["d"]) == ({3: None}, (True, ()))


def test_a_legacy_checkpoint() -> None:
    """A checkpoint of five pickles is opened as one in a zip is."""
    legacy = legacy_checkpoint(state(bias=vector("0", 2, legacy=True)), {"0": (2, floats(1, 2))})
    assert tensors_of(judged(legacy, FileFormat.TORCH_LEGACY)) == {"bias": [1.0, 2.0]}
    assert tensors_of(judged(small_checkpoint(), FileFormat.TORCH_ZIP)) == {
        "bias": [0.5, -0.5],
        "weight": [0.0, 0.25, 0.5, 0.75],
    }


def test_a_tensor_that_occurs_twice_is_one() -> None:
    """What the checkpoint shares is told once."""
    shared = vector("0", 2)
    data = checkpoint(p.list_of(shared + p.put(1), p.get(1)), {"0": floats(1, 2)})
    found = judged(data, FileFormat.TORCH_ZIP)
    assert isinstance(found, list)
    assert found[0] is found[1]


def test_truths_are_truths() -> None:
    """A truth value in a checkpoint that is neither is made one before it is handed back."""
    data = checkpoint(
        state(a=tensor(storage("0", 3, kind=p.name("torch", "BoolStorage")), [3], [1])),
        {"0": b"\0\1\2"},
    )
    assert tensors_of(judged(data, FileFormat.TORCH_ZIP)) == {"a": [False, True, True]}


def test_names_in_a_checkpoint_are_described() -> None:
    """Types and sizes, which are no tensors, come back by their names."""
    values = state(
        kind=p.name("torch", "float32"),
        size=p.call(p.name("torch", "Size"), integers([2, 3])),
        a=vector("0", 1),
    )
    found = judged(checkpoint(values, {"0": floats(1)}), FileFormat.TORCH_ZIP)
    assert isinstance(found, dict)
    assert (found["kind"].what, found["kind"].name) == (What.NAME, "torch.float32")
    assert isinstance(found["size"], Opaque)
    assert found["size"].name == "torch.Size"


def test_what_a_checkpoint_may_not_need() -> None:
    """What a load of tensors refuses is refused here as well, with the same code."""
    data = checkpoint(state(a=p.call(p.name("os", "system"), p.text("x"))), {})
    with pytest.raises(ArtifactRefusedError) as caught:
        judged(data, FileFormat.TORCH_ZIP)
    assert caught.value.code is Code.LOAD_REFUSED


@pytest.mark.parametrize("name", EACH_TYPE)
def test_numpy_files(name: str) -> None:
    """Arrays of NumPy's own files come back, judged or not; those of objects only if not."""
    array = EACH_TYPE[name]
    for found in (
        judged(npy(array), FileFormat.NPY),
        open_anything(io.BytesIO(npy(array)), FileFormat.NPY, where="m"),
        judged(npz({"a": array}), FileFormat.NPZ)["a"],  # type: ignore[index]
        open_anything(io.BytesIO(npz({"a": array})), FileFormat.NPZ, where="m")["a"],  # type: ignore[index]
    ):
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.tolist()) == (array.dtype, array.tolist())


def test_numpy_files_with_objects() -> None:
    """An array of objects is a pickle: refused where it is judged, opened where anything is."""
    data = npy(np.array([1, "a"], dtype=object), pickled=True)
    with pytest.raises(ArtifactRefusedError):
        judged(data, FileFormat.NPY)
    found = open_anything(io.BytesIO(data), FileFormat.NPY, where="m")
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [1, "a"]


def test_pickles() -> None:
    """A pickle of listed names is opened either way; any other only without a judgement."""
    data = pickle.dumps([1, np.arange(3)])
    found = judged(data, FileFormat.PICKLE)
    assert isinstance(found, list)
    assert found[1].tolist() == [0, 1, 2]
    other = b"cbuiltins\neval\n(S'6 * 7'\ntR."
    with pytest.raises(ArtifactRefusedError):
        judged(other, FileFormat.PICKLE)
    assert open_anything(io.BytesIO(other), FileFormat.PICKLE, where="m") == 42


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x80\x04.", pickle.dumps([1])[:-1]])
def test_what_is_no_pickle(data: bytes) -> None:
    """What its reader does not take is an error of ours, whatever that raises."""
    with pytest.raises(OperationError) as caught:
        open_anything(io.BytesIO(data), FileFormat.PICKLE, where="m")
    assert caught.value.code is Code.LOAD_FORMAT
    with pytest.raises((ArtifactRefusedError, MalformedContentError, OperationError)):
        judged(data, FileFormat.PICKLE)


@pytest.mark.parametrize(
    ("file_format", "module", "extra"),
    [
        (FileFormat.JOBLIB, "joblib", "sklearn"),
        (FileFormat.ZLIB, "joblib", "sklearn"),
        (FileFormat.TORCH_ZIP, "torch", "torch"),
        (FileFormat.NPY, "numpy", "numpy"),
    ],
)
def test_a_reader_that_is_not_installed(
    file_format: FileFormat, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that is missing is named with what to install."""
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(MissingExtraError, match=extra) as caught:
        open_anything(io.BytesIO(b""), file_format, where="m")
    assert caught.value.code is Code.EXTRA_MISSING


def test_every_format_can_be_opened() -> None:
    """There is a reader for each format in which a pickle may be."""
    for file_format in FORMATS:
        with pytest.raises((OperationError, MissingExtraError)):
            open_anything(io.BytesIO(b"garbage"), file_format, where="m")
