"""
Read a model's tensors and say what that took: `read_tensors.py HOW MODEL POLICY`.

HOW is `weighbridge` (checked against the policy, from the verified bytes), `half` (every other
tensor, by the digests of parts that were claimed), `safetensors` (the reference reader, each tensor
copied into private memory: unchecked), `bytes` (each file by `read_bytes`, as programs read files)
or `plain` (the bytes into huge pages); these two with a thread for each core, unchecked, unparsed.
Prints one JSON object: seconds from a warm interpreter to the last touched page, and the bytes held
at the end and at the peak, in anonymous and in sealed memory, beyond what the interpreter and its
modules take.
"""

import importlib
import json
import mmap
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

_BLOCK_BYTES: Final = 512 * 1024
_HUGE_BYTES: Final = 2 << 20

Read = Callable[[Path, Path], object]
"""Reads the model, with the policy where it needs one; what it returns keeps the bytes alive."""


def weighbridge() -> Read:
    """Load through the gate."""
    from weighbridge.pipeline.load import load  # noqa: PLC0415  each way pays for its own imports only
    from weighbridge.policy.schema import Policy  # noqa: PLC0415  as above

    importlib.import_module("weighbridge.load.numpy_tensors")  # a program has it long before

    def read(model: Path, policy: Path) -> object:
        artifact = load(model, policy=Policy.from_file(policy))
        tensors = artifact.tensors("numpy")
        _touch(tensor.reshape(-1) for tensor in tensors.values())
        return artifact, tensors

    return read


def half() -> Read:
    """Take every other tensor through the gate, and leave the others in their files."""
    from weighbridge.pipeline.load import load  # noqa: PLC0415  as above
    from weighbridge.policy.schema import Policy  # noqa: PLC0415  as above

    importlib.import_module("weighbridge.load.numpy_tensors")
    importlib.import_module("weighbridge.pipeline.leaving")

    def read(model: Path, policy: Path) -> object:
        artifact = load(model, policy=Policy.from_file(policy), hold="file")
        if "parts-trusted" not in {reason.code for reason in artifact.verdict.reasons}:
            raise ValueError("the files were read whole")
        names = sorted(artifact.tensors("numpy"))[::2]
        tensors = artifact.tensors("numpy", names=names)
        _touch(tensor.reshape(-1) for tensor in tensors.values())
        return artifact, tensors

    return read


def safetensors() -> Read:
    """Read with the reference reader for PyTorch, and copy, since what it maps is the file."""
    from safetensors.torch import load_file  # noqa: PLC0415  each way pays for its own imports only

    def read(model: Path, _policy: Path) -> object:
        files = (load_file(path) for path in _weights(model))
        return [{name: tensor.clone() for name, tensor in file.items()} for file in files]

    return read


def plain() -> Read:
    """Read the bytes into huge pages."""
    return _each_file(_read_plainly)


def as_bytes() -> Read:
    """Read the bytes as Python does it."""
    return _each_file(Path.read_bytes)


def _each_file(take: Callable[[Path], object]) -> Read:
    """Return what takes the files of weights one by one, by a thread for each core."""

    def read(model: Path, _policy: Path) -> object:
        buffers: list[object] = []
        work: SimpleQueue[Path] = SimpleQueue()
        for path in _weights(model):
            work.put(path)

        def run() -> None:
            while True:
                try:
                    buffers.append(take(work.get_nowait()))
                except Empty:
                    return

        threads = [threading.Thread(target=run) for _ in os.sched_getaffinity(0)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return buffers

    return read


def _read_plainly(path: Path) -> mmap.mmap:
    with path.open("rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        length = -(-size // _HUGE_BYTES) * _HUGE_BYTES
        block = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        block.madvise(mmap.MADV_HUGEPAGE)
        view, position = memoryview(block), 0
        while position < size:
            position += stream.readinto(view[position : min(position + _BLOCK_BYTES, size)])
    return block


def _weights(model: Path) -> list[Path]:
    return sorted(model.glob("*.safetensors"))


def _touch(tensors: "Iterable[object]") -> None:
    """Make every page of the tensors present."""
    for tensor in tensors:
        tensor[::4096].sum()  # type: ignore[index]  # an array of one dimension


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
    "half": half,
    "safetensors": safetensors,
    "bytes": as_bytes,
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
