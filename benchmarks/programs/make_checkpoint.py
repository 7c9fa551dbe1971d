"""
Write a sharded checkpoint: `make_checkpoint.py FOLDER BYTES SHARDS TENSORS [turned]`.

What `torch.save` writes of matrices of float32, without torch, with an index. The numbers are
noise, since holes in a file are read faster than data; with `turned` the matrices are transposed
views, as of a layer that keeps its weight the other way round.
"""

import json
import os
import struct
import sys
import zipfile
from pathlib import Path
from typing import Final

_NOISE: Final = os.urandom(1 << 20)
_COLUMNS: Final = 1024


def main() -> None:
    """Write the shards and their index."""
    folder = Path(sys.argv[1])
    size, shards, tensors = map(int, sys.argv[2:5])
    turned = sys.argv[5:] == ["turned"]
    folder.mkdir()
    rows = size // shards // tensors // 4 // _COLUMNS
    weight_map: dict[str, str] = {}
    for shard in range(1, shards + 1):
        file = f"pytorch_model-{shard:05d}-of-{shards:05d}.bin"
        names = [f"layer.{shard}.{number}.weight" for number in range(tensors)]
        _write(folder / file, names, rows, turned=turned)
        weight_map |= dict.fromkeys(names, file)
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text("{}")


def _write(place: Path, names: list[str], rows: int, *, turned: bool) -> None:
    count = rows * _COLUMNS
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("archive/data.pkl", _state_dict(names, rows, turned=turned))
        archive.writestr("archive/version", "3\n")
        for number in range(len(names)):
            with archive.open(f"archive/data/{number}", "w") as member:
                left = count * 4
                while left:
                    piece = memoryview(_NOISE)[: min(left, len(_NOISE))]
                    member.write(piece)
                    left -= len(piece)


def _state_dict(names: list[str], rows: int, *, turned: bool) -> bytes:
    """Return the pickle of a dict of tensors, opcode by opcode."""
    shape = (_COLUMNS, rows) if turned else (rows, _COLUMNS)
    strides = (1, _COLUMNS) if turned else (_COLUMNS, 1)
    body = b"".join(
        _text(name) + _tensor(number, rows * _COLUMNS, shape, strides)
        for number, name in enumerate(names)
    )
    return b"\x80\x02}(" + body + b"u."


def _tensor(number: int, count: int, shape: tuple[int, int], strides: tuple[int, int]) -> bytes:
    storage = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text(str(number))
    storage += _text("cpu") + _number(count) + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    arguments = storage + _number(0) + _pair(shape) + _pair(strides) + b"\x89" + hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def _text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def _number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def _pair(values: tuple[int, int]) -> bytes:
    return _number(values[0]) + _number(values[1]) + b"\x86"


if __name__ == "__main__":
    main()
