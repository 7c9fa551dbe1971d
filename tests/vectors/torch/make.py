"""
Writes the checkpoints beside this file, with PyTorch's own writer, and what is in them.

Run with an interpreter that has PyTorch (2.13 made those that are here): the loaders must build
the same tensors without it. Everything is small and holds numbers only.
"""

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent


def plain_state() -> "OrderedDict[str, torch.Tensor]":
    """Return tensors of the types that every version writes, some on one storage."""
    matrix = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    state = OrderedDict(
        f64=torch.tensor([0.5, -2.0], dtype=torch.float64),
        matrix=matrix,
        transposed=matrix.t(),
        row=matrix[1],
        column=matrix[:, 2],
        expanded=torch.tensor([7.0]).expand(2, 3),
        f16=torch.tensor([1.0, 65504.0], dtype=torch.float16),
        bf16=torch.tensor([1.0, -3.0], dtype=torch.bfloat16),
        i64=torch.tensor([-(2**63), 2**63 - 1]),
        i32=torch.tensor([[1], [2]], dtype=torch.int32),
        i16=torch.tensor([-5], dtype=torch.int16),
        i8=torch.tensor([-128, 127], dtype=torch.int8),
        u8=torch.tensor([0, 255], dtype=torch.uint8),
        flags=torch.tensor([True, False, True]),
        c64=torch.tensor([1 + 2j]),
        c128=torch.tensor([3 - 4j], dtype=torch.complex128),
        scalar=torch.tensor(42.0),
        empty=torch.zeros(0, 3),
        # Last, for the legacy writer aligns nothing.
        parameter=torch.nn.Parameter(torch.ones(2, 2)),
    )
    vars(state)["_metadata"] = {"": {"version": 1}}  # as nn.Module does
    return state


def new_types() -> dict[str, torch.Tensor]:
    """Return tensors of the types that have no storage class of their own."""
    return {
        "u16": torch.tensor([65535], dtype=torch.uint16),
        "u32": torch.tensor([2**32 - 1], dtype=torch.uint32),
        "u64": torch.tensor([2**64 - 1], dtype=torch.uint64),
        "e4m3": torch.tensor([1.0, -2.0, 448.0]).to(torch.float8_e4m3fn),
        "e5m2": torch.tensor([1.0, -2.0]).to(torch.float8_e5m2),
    }


def nested() -> dict[str, Any]:
    """Return a training checkpoint: tensors among other things."""
    weight = torch.ones(2)
    return {
        "epoch": 3,
        "name": "run",
        "lr": 0.1,
        "size": torch.Size([2, 3]),
        "dtype": torch.float32,
        "device": torch.device("cpu"),
        "model": OrderedDict(weight=weight, tied=weight),
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(2), "step": torch.tensor(5.0)}}},
        "history": [torch.tensor([1]), (torch.tensor([2]), None)],
    }


def flatten(value: object, prefix: str = "") -> dict[str, torch.Tensor]:
    """Return the tensors of *value* by their flat names."""
    if isinstance(value, torch.Tensor):
        return {prefix.removesuffix("."): value}
    pairs: list[tuple[object, object]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list | tuple):
        pairs = list(enumerate(value))
    found: dict[str, torch.Tensor] = {}
    for key, item in pairs:
        found |= flatten(item, f"{prefix}{key}.")
    return found


def describe(value: object) -> dict[str, dict[str, object]]:
    """Return type, shape and little-endian bytes of every tensor in *value*."""
    return {
        name: {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "data": bytes(tensor.detach().contiguous().flatten().view(torch.uint8).tolist()).hex()
            if tensor.numel()
            else "",
        }
        for name, tensor in flatten(value).items()
    }


def main() -> None:
    """Write everything."""
    values = {
        "plain.pt": plain_state(),
        "types.pt": new_types(),
        "nested.pt": nested(),
        "list.pt": [torch.tensor([1.5])],
    }
    for name, value in values.items():
        torch.save(value, HERE / name)
    legacy = {"legacy.pth": plain_state(), "legacy-nested.pth": nested()}
    for name, value in legacy.items():
        torch.save(value, HERE / name, _use_new_zipfile_serialization=False)
    expected = {name: describe(value) for name, value in (values | legacy).items()}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
