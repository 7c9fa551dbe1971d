"""A publisher with a key, a small model, and the command line, as a user has them."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}

POLICY = """\
version = 1

[trust.publisher]
method = "key"
public-key = "publisher.pub"

[[rule]]
match = ["model"]
boundary = ["load", "deploy"]
signature = { required = true, any-of = ["publisher"] }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def safetensors_bytes(values: tuple[float, ...] = (1.0, 2.0)) -> bytes:
    """Return a safetensors file with one tensor."""
    end = 4 * len(values)
    header = {"weight": {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, end]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + struct.pack(f"<{len(values)}f", *values)


def write_key(directory: Path, name: str, *, curve: str = "P-256") -> None:
    """Write `NAME.key` and `NAME.pub`."""
    key = ec.generate_private_key(CURVES[curve]())
    (directory / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (directory / f"{name}.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def make_workplace(directory: Path) -> Path:
    """Fill *directory* with a model, a publisher's key, a stranger's key and a policy."""
    model = directory / "model"
    (model / "1_Pooling").mkdir(parents=True)
    (model / "model.safetensors").write_bytes(safetensors_bytes())
    (model / "config.json").write_text('{"model_type": "bert"}\n')
    (model / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 2}\n')
    write_key(directory, "publisher")
    write_key(directory, "stranger")
    (directory / "weighbridge.toml").write_text(POLICY)
    return directory


def make_signed_workplace(directory: Path) -> Path:
    """Fill *directory* as `make_workplace` does, and with the publisher's signature of the model."""
    for path, data in _signed_files().items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(data)
    return directory


@cache
def _signed_files() -> Mapping[Path, bytes]:
    """Return the files of a workplace with a signed model: signed once, written for each test."""
    with TemporaryDirectory() as made:
        place = make_workplace(Path(made))
        done = weighbridge(place, "sign", "key", "model", "--private-key", "publisher.key")
        assert done.code == 0, done.err
        files = (path for path in place.rglob("*") if path.is_file())
        return {path.relative_to(place): path.read_bytes() for path in files}


def weighbridge(directory: Path, *arguments: str, **environment: str) -> Result:
    """Run the command in *directory* as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", *arguments],
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Result(code=done.returncode, out=done.stdout, err=done.stderr)
