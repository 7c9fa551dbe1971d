"""Where a benchmark runs: tools, sizes, keys, and data that is gone afterwards."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure import BenchmarkError, Contender

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

PROGRAMS: Final = Path(__file__).parent / "programs"
_RANDOM_BYTES: Final = 1 * MIB
"""Small, since no process can be seen to take less memory than the one that started it."""

_MARGIN_BYTES: Final = 1 * GIB

POLICY: Final = """\
version = 1

[trust.bench]
method     = "key"
public-key = "bench.pub"

[[rule]]
match     = ["model"]
boundary  = ["load"]
formats   = { allow = ["safetensors", "json"], deny-executable = true }
scan      = { fail-on = "medium", on-gap = "deny" }
signature = { required = true, any-of = ["bench"], uncovered = "deny" }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    large_bytes: int
    small_files: int
    shard_file_bytes: int
    shard_bytes: int
    memory_bytes: tuple[int, ...]
    tokenizer_words: int
    load_bytes: int
    scan_opcodes: int
    scan_files: int
    scan_checkpoint_bytes: int
    scan_sharded_bytes: int
    convert_bytes: int
    rounds: int
    start_rounds: int


FULL: Final = Sizes(
    large_bytes=1 * GIB,
    small_files=20_000,
    shard_file_bytes=3 * GIB,
    shard_bytes=128 * MIB,
    memory_bytes=(64 * MIB, 512 * MIB, 2 * GIB),
    tokenizer_words=600_000,
    load_bytes=4 * GIB,
    scan_opcodes=5_000_000,
    scan_files=2_000,
    scan_checkpoint_bytes=1 * GIB,
    scan_sharded_bytes=10 * GIB,
    convert_bytes=2 * GIB,
    rounds=5,
    start_rounds=20,
)

QUICK: Final = Sizes(
    large_bytes=4 * MIB,
    small_files=50,
    shard_file_bytes=8 * MIB,
    shard_bytes=1 * MIB,
    memory_bytes=(4 * MIB,),
    tokenizer_words=2_000,
    load_bytes=16 * MIB,
    scan_opcodes=5_000,
    scan_files=20,
    scan_checkpoint_bytes=1 * MIB,
    scan_sharded_bytes=1 * MIB,
    convert_bytes=8 * MIB,
    rounds=1,
    start_rounds=2,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """
    The tools and the place.

    Attributes:
        directory: Temporary; holds the keys and, while a case runs, its data.
        sizes: How much is measured.
        weighbridge: The command under test.
        reference: The reference implementation's command; None when it is not installed.
        torch_python: An interpreter with PyTorch and safetensors; None when there is none.
        cpus: The processors that this process may use.
    """

    directory: Path
    sizes: Sizes
    weighbridge: Path
    reference: Path | None
    torch_python: Path | None
    cpus: tuple[int, ...]

    @property
    def picklescan(self) -> Path | None:
        """Another scanner's command; None when it is not installed."""
        program = PROGRAMS.parents[1] / ".oracles" / "picklescan" / "bin" / "picklescan"
        return program if program.exists() else None

    @property
    def private_key(self) -> Path:
        """The signing key."""
        return self.directory / "bench.key"

    @property
    def public_key(self) -> Path:
        """The verifying key."""
        return self.directory / "bench.pub"

    @property
    def policy(self) -> Path:
        """A policy that admits what the key has signed."""
        return self.directory / "weighbridge.toml"

    def signature(self, algorithm: str) -> Path:
        """Return where `weighbridge_sign` writes the signature with *algorithm*."""
        return self.directory / f"weighbridge-{algorithm}.sig"

    def program(self, name: str, *arguments: str) -> list[str]:
        """Return the command that runs one of `programs/` in this interpreter."""
        return [sys.executable, str(PROGRAMS / f"{name}.py"), *arguments]


@contextmanager
def prepared(
    *, sizes: Sizes, reference: Path | None, torch_python: Path | None = None, place: Path | None
) -> Iterator[Setting]:
    """
    Make the temporary directory with its keys; remove it whatever happens.

    Raises:
        BenchmarkError: The command is not installed beside the interpreter.
    """
    weighbridge = Path(sys.executable).with_name("weighbridge")
    if not weighbridge.exists():
        raise BenchmarkError(f"expected the command at {weighbridge}: pip install -e .")
    with tempfile.TemporaryDirectory(prefix="weighbridge-bench-", dir=place) as name:
        setting = Setting(
            directory=Path(name),
            sizes=sizes,
            weighbridge=weighbridge,
            reference=reference if reference is not None and reference.exists() else None,
            torch_python=torch_python if torch_python and torch_python.exists() else None,
            cpus=tuple(sorted(os.sched_getaffinity(0))),
        )
        subprocess.run(
            setting.program("make_key", str(setting.private_key), str(setting.public_key)),
            check=True,
        )
        setting.policy.write_text(POLICY)
        yield setting


@contextmanager
def model(setting: Setting, *, sizes: tuple[int, ...], suffix: str) -> Iterator[Path]:
    """
    Make a model directory with files of random bytes; remove it afterwards.

    A file with the suffix `safetensors` is one, with a single tensor.

    Raises:
        BenchmarkError: There is not enough space.
    """
    free = shutil.disk_usage(setting.directory).free
    if free < sum(sizes) + _MARGIN_BYTES:
        raise BenchmarkError(
            f"expected {(sum(sizes) + _MARGIN_BYTES) / GIB:.1f} GiB of free space below "
            f"{setting.directory}, found {free / GIB:.1f}: name another place with --place"
        )
    root = setting.directory / "model"
    root.mkdir()
    noise = os.urandom(min(_RANDOM_BYTES, max(sizes)))
    try:
        for number, size in enumerate(sizes):
            name = "model" if len(sizes) == 1 else f"model-{number:05d}"
            _write(root / f"{name}.{suffix}", size=size, noise=noise, turn=number)
        yield root
    finally:
        shutil.rmtree(root)


def add_tokenizer(root: Path, *, words: int) -> None:
    """
    Write a `tokenizer.json` of *words* words and as many merges, larger than any real one.

    Line by line: no process can be seen to take less memory than the one that started it.
    """
    with (root / "tokenizer.json").open("w") as stream:
        stream.write('{"version": "1.0", "model": {"vocab": {"<unk>": 0')
        stream.writelines(f',\n"word-{number:08d}": {number}' for number in range(1, words))
        stream.write('}, "merges": ["a b"')
        stream.writelines(f',\n"wo{number} rd{number}"' for number in range(1, words))
        stream.write("]}}")


def _write(path: Path, *, size: int, noise: bytes, turn: int) -> None:
    """Write *size* bytes and a header; rotated, so that no two files and blocks are equal."""
    header = b""
    if path.suffix == ".safetensors":
        tensor = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
        text = json.dumps({f"weight-{turn}": tensor}).encode()
        # As every writer of the format does. A header of 73 bytes begins like a pickle's integer,
        # and one in sixty files of noise behind it goes on like a pickle, for the C unpickler too.
        text += b" " * (-len(text) % 8)
        header = struct.pack("<Q", len(text)) + text
    view = memoryview(noise)
    with path.open("wb") as stream:
        stream.write(header)
        left, start = size, turn * 4099 % len(noise)
        while left:
            piece = view[start : start + left]
            stream.write(piece)
            left -= len(piece)
            start = (start + len(piece) + 4099) % len(noise)


def weighbridge_sign(
    setting: Setting, root: Path, *, algorithm: str = "sha256", shard_bytes: int | None = None
) -> Contender:
    """Return the command that signs *root*, the signature outside, where no tool meets it."""
    shards = () if shard_bytes is None else ("--shard-size", str(shard_bytes))
    return Contender(
        name=f"weighbridge sign {algorithm}",
        command=(
            *(str(setting.weighbridge), "sign", "key", str(root)),
            *("--private-key", str(setting.private_key)),
            *("--signature", str(setting.signature(algorithm)), "--hash", algorithm, *shards),
        ),
        before=lambda: setting.signature(algorithm).unlink(missing_ok=True),
    )


def weighbridge_verify(setting: Setting, root: Path, *, algorithm: str = "sha256") -> Contender:
    """Return the command that verifies what `weighbridge_sign` made."""
    return Contender(
        name=f"weighbridge verify {algorithm}",
        command=(
            *(str(setting.weighbridge), "verify", "key", str(root)),
            *("--public-key", str(setting.public_key)),
            *("--signature", str(setting.signature(algorithm))),
        ),
    )


def weighbridge_beside(setting: Setting, root: Path) -> tuple[Contender, ...]:
    """Return sign, verify and check of *root* with the signature where check looks for it."""
    program = str(setting.weighbridge)
    return (
        Contender(
            name="sign",
            command=(program, "sign", "key", str(root), "--private-key", str(setting.private_key)),
        ),
        Contender(
            name="verify",
            command=(program, "verify", "key", str(root), "--public-key", str(setting.public_key)),
        ),
        Contender(
            name="check",
            command=(program, "check", str(root), "--policy", str(setting.policy)),
        ),
    )


def reference_pair(setting: Setting, root: Path) -> tuple[Contender, ...]:
    """Return the reference's sign and verify with SHA-256; nothing when it is not installed."""
    if setting.reference is None:
        return ()
    signature = setting.directory / "reference.sig"
    program = str(setting.reference)
    return (
        Contender(
            name="reference sign sha256",
            command=(
                *(program, "sign", "key", str(root), "--signature", str(signature)),
                *("--private_key", str(setting.private_key)),
            ),
            before=lambda: signature.unlink(missing_ok=True),
        ),
        Contender(
            name="reference verify sha256",
            command=(
                *(program, "verify", "key", str(root), "--signature", str(signature)),
                *("--public_key", str(setting.public_key)),
            ),
        ),
    )


def raw_hash(
    setting: Setting, root: Path, *, algorithm: str = "sha256", workers: int | None = None
) -> Contender:
    """Return the program that hashes the same files and does nothing else."""
    count = len(setting.cpus) if workers is None else workers
    return Contender(
        name=f"raw {algorithm}",
        command=setting.program("raw_hash", algorithm, str(count), str(root)),
    )
