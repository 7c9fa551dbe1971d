"""
Write models to be scanned: `make_models.py FOLDER OPCODES FILES CHECKPOINT_BYTES SHARDED_BYTES`.

In a process of its own, since no process can be seen to take less memory than the one that
started it. Numbers in checkpoints and shards are zeros that take no room on disk.
"""

import io
import json
import pickle
import struct
import sys
import types
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Final

_OPCODES_PER_RECORD: Final = 24
_TENSORS: Final = 200
_SHARDS: Final = 10
_SHARD_TENSORS: Final = 100


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    opcodes, files, checkpoint, sharded = map(int, sys.argv[2:])
    _write_records(folder / "opcodes", opcodes)
    _write_small(folder / "files", files)
    _write_checkpoint(folder / "checkpoint", checkpoint)
    _write_shards(folder / "sharded", sharded)


def _write_records(folder: Path, opcodes: int) -> None:
    """Write one pickle of plain records."""
    folder.mkdir()
    records = [
        {"id": n, "name": f"item-{n}", "tags": ["a", "b", n % 97], "score": n * 0.5, "pair": (n, 1)}
        for n in range(opcodes // _OPCODES_PER_RECORD)
    ]
    with (folder / "records.pkl").open("wb") as stream:
        pickle.dump(records, stream, protocol=4)


def _write_small(folder: Path, files: int) -> None:
    """Write many small pickles."""
    folder.mkdir()
    for number in range(files):
        value = {"a": number, "b": list(range(number % 50)), "c": OrderedDict(x=1)}
        (folder / f"model-{number:05d}.pkl").write_bytes(pickle.dumps(value))


def _write_checkpoint(folder: Path, size: int) -> None:
    """Write what `torch.save` writes of a state dict, without torch."""
    folder.mkdir()
    elements = size // _TENSORS // 4
    pickled = _state_dict(elements)
    with (folder / "model.pt").open("w+b") as stream, zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
        for number in range(_TENSORS):
            _append_zeros(archive, stream, f"archive/data/{number}", elements * 4)


def _append_zeros(
    archive: zipfile.ZipFile, stream: io.BufferedRandom, name: str, size: int
) -> None:
    """Add a stored member of *size* zeros, as a hole in the file."""
    archive.writestr(name, b"")
    info = archive.infolist()[-1]
    info.file_size = info.compress_size = size
    info.CRC = _crc_of_zeros(size)
    stream.seek(info.header_offset + 14)
    stream.write(struct.pack("<III", info.CRC, size, size))
    archive.start_dir += size
    stream.truncate(archive.start_dir)


_CHECKSUMS: Final[dict[int, int]] = {}


def _crc_of_zeros(size: int) -> int:
    if size not in _CHECKSUMS:
        _CHECKSUMS[size] = zlib.crc32(bytes(size))
    return _CHECKSUMS[size]


def _state_dict(elements: int) -> bytes:
    """Return the pickle of a state dict; torch's names are looked up in stand-ins."""
    utils, torch = types.ModuleType("torch._utils"), types.ModuleType("torch")
    sys.modules.update({"torch": torch, "torch._utils": utils})

    class FloatStorage:
        """Stands for torch's class."""

    def _rebuild_tensor_v2() -> None:
        """Stand for torch's function."""

    for value, module in ((FloatStorage, torch), (_rebuild_tensor_v2, utils)):
        value.__module__, value.__qualname__ = module.__name__, value.__name__
        setattr(module, value.__name__, value)

    class Tensor:
        """A tensor of one storage."""

        def __init__(self, number: int) -> None:
            self.number = number

        def __reduce__(self) -> tuple[object, ...]:
            pid = Storage(self.number)
            return _rebuild_tensor_v2, (pid, 0, (elements,), (1,), False, OrderedDict())

    class Storage:
        """What a persistent id stands for."""

        def __init__(self, number: int) -> None:
            self.number = number

    class Pickler(pickle.Pickler):
        """Writes storages as torch does."""

        def persistent_id(self, value: object, /) -> object:
            """Return the id of a storage."""
            if isinstance(value, Storage):
                return ("storage", FloatStorage, str(value.number), "cpu", elements)
            return None

    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(OrderedDict((f"w{n}", Tensor(n)) for n in range(_TENSORS)))
    return stream.getvalue()


def _write_shards(folder: Path, size: int) -> None:
    """Write safetensors files with one tensor beside the other."""
    folder.mkdir()
    length = size // _SHARDS // _SHARD_TENSORS
    for shard in range(_SHARDS):
        tensors = {
            f"layers.{shard}.{n}.weight": {
                "dtype": "U8",
                "shape": [length],
                "data_offsets": [n * length, (n + 1) * length],
            }
            for n in range(_SHARD_TENSORS)
        }
        header = json.dumps(tensors).encode()
        with (folder / f"model-{shard:05d}.safetensors").open("wb") as stream:
            stream.write(struct.pack("<Q", len(header)) + header)
            stream.truncate(8 + len(header) + length * _SHARD_TENSORS)


if __name__ == "__main__":
    main()
