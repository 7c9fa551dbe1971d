"""
Quantize a small model to GGUF, in blocks of 32 numbers with a scale each (Q8_0).

    python quantize.py MODEL OUTPUT
"""

import json
import pathlib
import struct
import sys

import numpy as np

BLOCK = 32
Q8_0 = 8
STRING = 8
ALIGNMENT = 32


def read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Return the float32 tensors of a safetensors file."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    body = data[8 + size :]
    tensors = {}
    for name, info in header.items():
        if name != "__metadata__":
            start, end = info["data_offsets"]
            tensors[name] = np.frombuffer(body[start:end], "<f4").reshape(info["shape"])
    return tensors


def quantized(array: np.ndarray) -> tuple[int, bytes]:
    """Return how many numbers the blocks have, and the blocks."""
    flat = np.zeros(-(-array.size // BLOCK) * BLOCK, np.float32)
    flat[: array.size] = array.ravel()
    blocks = b""
    for block in flat.reshape(-1, BLOCK):
        scale = np.float32(np.abs(block).max() / 127) or np.float32(1)
        blocks += np.float16(scale).tobytes() + np.round(block / scale).astype(np.int8).tobytes()
    return flat.size, blocks


def text(value: str) -> bytes:
    """Return a string of the format."""
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def main(model: str, output: str) -> None:
    """Write the GGUF file."""
    tensors = read_safetensors(pathlib.Path(model) / "model.safetensors")
    infos, body = b"", b""
    for name, array in sorted(tensors.items()):
        count, blocks = quantized(array)
        infos += text(name) + struct.pack("<IQIQ", 1, count, Q8_0, len(body))
        body += blocks + bytes(-len(blocks) % ALIGNMENT)
    metadata = text("general.architecture") + struct.pack("<I", STRING) + text("linear")
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1) + metadata + infos
    folder = pathlib.Path(output)
    folder.mkdir(exist_ok=True)
    (folder / "model.gguf").write_bytes(head + bytes(-len(head) % ALIGNMENT) + body)


if __name__ == "__main__":
    main(*sys.argv[1:])
