"""
Read a model's tensors and say what that took: `read_tensors.py HOW MODEL POLICY`.

HOW is `weighbridge` (checked against the policy, from the verified bytes), `safetensors` (the
reference reader: unchecked) or `plain` (the bytes into memory: unchecked, unparsed). Prints one
JSON object: seconds, the bytes held at the end in anonymous and in sealed memory, and the peak.
"""

import json
import sys
import time
from pathlib import Path
from typing import Final

WEIGHTS: Final = "model.safetensors"


def read_weighbridge(model: Path, policy: Path) -> object:
    """Load through the gate; what is returned keeps the tensors alive."""
    from weighbridge.pipeline.load import load  # noqa: PLC0415  each way pays for its own imports only
    from weighbridge.policy.schema import Policy  # noqa: PLC0415  as above

    artifact = load(model, policy=Policy.from_file(policy))
    return artifact, _touch(artifact.tensors("numpy"))


def read_safetensors(model: Path, _policy: Path) -> object:
    """Read with the reference reader."""
    from safetensors.numpy import load  # noqa: PLC0415  each way pays for its own imports only

    return _touch(load((model / WEIGHTS).read_bytes()))


def read_plain(model: Path, _policy: Path) -> object:
    """Read the bytes."""
    path = model / WEIGHTS
    block = bytearray(path.stat().st_size)
    with path.open("rb", buffering=0) as stream:
        view = memoryview(block)
        while view:
            view = view[stream.readinto(view) :]
    return block


def _touch(tensors: object) -> object:
    """Make every page of the tensors present."""
    assert isinstance(tensors, dict)
    for tensor in tensors.values():
        tensor.reshape(-1)[::4096].sum()
    return tensors


def sealed_bytes() -> int:
    """Return the bytes in this process's anonymous memory files."""
    total = 0
    for link in list(Path("/proc/self/fd").iterdir()):
        try:
            if str(link.readlink()).startswith("/memfd:"):
                total += link.stat().st_blocks * 512
        except FileNotFoundError:
            continue  # the descriptor of the listing itself
    return total


def status_bytes() -> dict[str, int]:
    """Return the sizes of `/proc/self/status`, in bytes."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line[-1] == "kB"}


WAYS: Final = {
    "weighbridge": read_weighbridge,
    "safetensors": read_safetensors,
    "plain": read_plain,
}


def main() -> None:
    """Read and report."""
    how, model, policy = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    before = status_bytes()
    begun = time.perf_counter()
    kept = WAYS[how](model, policy)
    seconds = time.perf_counter() - begun
    after = status_bytes()
    sealed = sealed_bytes()
    assert kept is not None
    print(
        json.dumps(
            {
                "seconds": seconds,
                "held": after["RssAnon"] - before["RssAnon"] + sealed,
                "peak": after["VmHWM"] - after["RssShmem"] + sealed,
            }
        )
    )


if __name__ == "__main__":
    main()
