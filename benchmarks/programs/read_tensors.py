"""
Read a model's tensors and say what that took: `read_tensors.py HOW MODEL POLICY`.

HOW is `weighbridge` (checked against the policy, from the verified bytes), `safetensors` (the
reference reader: unchecked) or `plain` (the bytes into memory: unchecked, unparsed). Prints one
JSON object: seconds, and the bytes held at the end and at the peak, in anonymous and in sealed
memory, beyond what the interpreter and its modules take.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

WEIGHTS: Final = "model.safetensors"


Read = Callable[[Path, Path], object]
"""Reads the model, with the policy where it needs one; what it returns keeps the bytes alive."""


def weighbridge() -> Read:
    """Load through the gate."""
    from weighbridge.pipeline.load import load  # noqa: PLC0415  each way pays for its own imports only
    from weighbridge.policy.schema import Policy  # noqa: PLC0415  as above

    def read(model: Path, policy: Path) -> object:
        artifact = load(model, policy=Policy.from_file(policy))
        return artifact, _touch(artifact.tensors("numpy"))

    return read


def safetensors() -> Read:
    """Read with the reference reader."""
    from safetensors.numpy import load_file  # noqa: PLC0415  each way pays for its own imports only

    return lambda model, _policy: _touch(load_file(model / WEIGHTS))


def plain() -> Read:
    """Read the bytes."""

    def read(model: Path, _policy: Path) -> object:
        path = model / WEIGHTS
        block = bytearray(path.stat().st_size)
        with path.open("rb", buffering=0) as stream:
            view = memoryview(block)
            while view:
                view = view[stream.readinto(view) :]
        return block

    return read


def _touch(tensors: object) -> object:
    """Make every page of the tensors present."""
    assert isinstance(tensors, dict)
    for tensor in tensors.values():
        tensor.reshape(-1)[::4096].sum()
    return tensors


def sealed_bytes() -> int:
    """Return the bytes in this process's anonymous memory files, each counted once."""
    files: dict[int, int] = {}
    for link in list(Path("/proc/self/fd").iterdir()):
        try:
            if str(link.readlink()).startswith("/memfd:"):
                status = link.stat()
                files[status.st_ino] = status.st_blocks * 512
        except FileNotFoundError:
            continue  # the descriptor of the listing itself
    return sum(files.values())


def status_bytes() -> dict[str, int]:
    """Return the sizes of `/proc/self/status`, in bytes."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line[-1] == "kB"}


WAYS: Final[dict[str, Callable[[], Read]]] = {
    "weighbridge": weighbridge,
    "safetensors": safetensors,
    "plain": plain,
}


def main() -> None:
    """Read and report."""
    how, model, policy = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    read = WAYS[how]()
    before = status_bytes()
    begun = time.perf_counter()
    kept = read(model, policy)
    seconds = time.perf_counter() - begun
    after = status_bytes()
    sealed = sealed_bytes()
    assert kept is not None
    print(
        json.dumps(
            {
                "seconds": seconds,
                "held": after["RssAnon"] - before["RssAnon"] + sealed,
                "peak": after["VmHWM"] - after["RssShmem"] + sealed - before["VmRSS"],
            }
        )
    )


if __name__ == "__main__":
    main()
