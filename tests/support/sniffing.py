"""Files of many formats, and what they are taken for."""

import io
import lzma
import pickle
import struct
import tarfile

import numpy as np

from support.zips import zip_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.content import BytesSource
from weighbridge.formats.sniff import Sniffed, sniff

LEGACY = 0x1950A86A20F9469CFC6C
CALL = b"cos\nsystem\n(S'id'\ntR."


def sniffed(data: bytes, name: str = "model") -> Sniffed:
    """Sniff *data*."""
    return sniff(BytesSource(data), name=name)


def found(data: bytes, name: str = "model") -> F:
    """Return the format of *data*."""
    return sniffed(data, name).format


def tar_of(*names: str, layout: int = tarfile.USTAR_FORMAT) -> bytes:
    """Return a tar archive with files of these names."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=layout) as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return out.getvalue()


LZMA_REST = lzma.compress(b"words", format=lzma.FORMAT_ALONE)[5:]
"""All but the properties and the size of the dictionary; `joblib.load` goes by the first of those."""
NOISE = np.random.default_rng(1).bytes(30_000)


def v7(data: bytes) -> bytes:
    """Return the tar *data* with its first header in the form before ustar."""
    block = bytearray(data[:512])
    block[257:512] = bytes(255)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


def npy() -> bytes:
    """Return a .npy file."""
    out = io.BytesIO()
    np.save(out, np.zeros(3))
    return out.getvalue()


def npz() -> bytes:
    """Return a .npz file."""
    out = io.BytesIO()
    np.savez(out, a=np.zeros(3), b=np.zeros(2))
    return out.getvalue()


def field(number: int, content: bytes) -> bytes:
    """Return a counted protobuf field of fewer than 16,384 bytes."""
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
    return bytes([number << 3 | 2]) + size + content


ONNX = b"\x08\x08" + field(2, b"pytorch") + field(7, field(1, b"x") * 30) + field(8, b"\x10\x11")
SAVEDMODEL = b"\x08\x01" + field(2, field(1, b"x" * 40))
PIECE = field(1, field(1, b"<unk>") + b"\x15" + bytes(4) + b"\x18\x02")
SENTENCEPIECE = PIECE * 20 + field(2, b"trainer") + field(3, b"normalizer")
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(100)
ELF = b"\x7fELF\x02\x01\x01" + bytes(60)
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(20)
KERAS = zip_of({"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": HDF5})
TORCH = zip_of(
    {"archive/data.pkl": pickle.dumps([1]), "archive/version": b"3\n", "archive/data/0": b"x"}
)
SCRIPT = zip_of(
    {"m/data.pkl": b"", "m/constants.pkl": b"", "m/code/__torch__.py": b"", "m/version": b"6"}
)
