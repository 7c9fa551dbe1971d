"""
Fine-tune a small model on a data set, and write a PyTorch checkpoint.

    python train.py BASE DATA OUTPUT EPOCHS

BASE has model.safetensors with the tensors weight and bias; DATA has texts.csv, a row of numbers
for each example, the last one being what is to be predicted.
"""

import collections
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile

import numpy as np


def read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Return the float32 tensors of a safetensors file."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    body = data[8 + size :]
    tensors = {}
    for name, info in header.items():
        start, end = info["data_offsets"]
        tensors[name] = np.frombuffer(body[start:end], "<f4").reshape(info["shape"]).copy()
    return tensors


class FloatStorage:
    """What checkpoints call a storage of float32 numbers; only its name is written."""

    __module__ = "torch"


def _rebuild_tensor_v2() -> None:
    """Stand for what makes a tensor of a storage; only its name is written."""


_rebuild_tensor_v2.__module__ = "torch._utils"


class Storage:
    """A storage of a checkpoint: pickled by a reference to the member that has its bytes."""

    def __init__(self, key: str, count: int) -> None:
        self.reference = ("storage", FloatStorage, key, "cpu", count)


class Tensor:
    """A tensor of a checkpoint, as PyTorch pickles one."""

    def __init__(self, key: str, array: np.ndarray) -> None:
        self.storage, self.shape = Storage(key, array.size), array.shape

    def __reduce__(self) -> tuple[object, ...]:
        strides = tuple(int(np.prod(self.shape[place + 1 :])) for place in range(len(self.shape)))
        hooks: collections.OrderedDict[str, object] = collections.OrderedDict()
        return _rebuild_tensor_v2, (self.storage, 0, self.shape, strides, False, hooks)


class Pickler(pickle.Pickler):
    """Writes checkpoints without PyTorch."""

    def persistent_id(self, obj: object) -> object:
        """Return the reference of a storage."""
        return obj.reference if isinstance(obj, Storage) else None


def write_checkpoint(path: pathlib.Path, tensors: dict[str, np.ndarray]) -> None:
    """Write what `torch.save` writes of a state dict."""
    for name, member in (("torch", FloatStorage), ("torch._utils", _rebuild_tensor_v2)):
        module = types.ModuleType(name)
        setattr(module, member.__name__, member)
        sys.modules[name] = module
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("model/data.pkl", "w") as file:
            state = {name: Tensor(str(n), array) for n, (name, array) in enumerate(tensors.items())}
            Pickler(file, protocol=2).dump(state)
        archive.writestr("model/byteorder", "little")
        for number, array in enumerate(tensors.values()):
            archive.writestr(f"model/data/{number}", array.astype("<f4").tobytes())
        archive.writestr("model/version", "3\n")


def main(base: str, data: str, output: str, epochs: str) -> None:
    """Run the training."""
    model = read_safetensors(pathlib.Path(base) / "model.safetensors")
    rows = np.loadtxt(pathlib.Path(data) / "texts.csv", delimiter=",", dtype=np.float32)
    inputs, wanted = rows[:, :-1], rows[:, -1:]
    weight, bias = model["weight"], model["bias"]
    for _ in range(int(epochs)):
        error = inputs @ weight + bias - wanted
        weight -= 0.01 * inputs.T @ error / len(rows)
        bias -= 0.01 * error.mean(axis=0)
    folder = pathlib.Path(output)
    folder.mkdir(exist_ok=True)
    write_checkpoint(folder / "pytorch_model.bin", {"weight": weight, "bias": bias})
    (folder / "config.json").write_text(json.dumps({"model_type": "linear"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
