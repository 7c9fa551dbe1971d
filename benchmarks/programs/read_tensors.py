"""
Read a model's tensors and say what that took: `read_tensors.py HOW MODEL POLICY`.

HOW is `weighbridge` (checked against the policy, from the verified bytes), `half` (every other
tensor, by the digests of parts that were claimed), `safetensors` (the reference reader, each tensor
copied into private memory: unchecked), `bytes` (each file by `read_bytes`, as programs read files)
or `plain` (the bytes into huge pages); these two with a thread for each core, unchecked, unparsed.
Prints one JSON object: seconds from a warm interpreter until all bytes are in memory, and the bytes
held at the end and at the peak, in anonymous and in sealed memory, beyond what the interpreter and
its modules take. Fewer bytes held than the tensors have are an error: then some are still to be
read.

The files are in the page cache, and the memory is the machine's. In a virtual machine the host
takes back what was free for two seconds (free page reporting), and the first touch of that is
twenty times as slow as of other memory: this process holds more than it needs until the clock
starts.
"""

import importlib
import json
import mmap
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

_BLOCK_BYTES: Final = 512 * 1024
_HUGE_BYTES: Final = 2 << 20
_SETTLING_SECONDS: Final = 2.5
"""Longer than the system takes to report what was free before this process held its own."""

_LITTLE_BYTES: Final = 1 << 30
"""What is always there."""

_ROUNDING_BYTES: Final = 4 << 20
"""How far the kernel's count of resident pages may be off (`mm_counter`, kept for each core)."""

Read = Callable[[Path, Path], tuple[object, int]]
"""Reads the model, with the policy where it needs one: what keeps the bytes alive, and how many."""


def weighbridge() -> Read:
    """Load through the gate."""
    from weighbridge.pipeline.load import load  # noqa: PLC0415  each way pays for its own imports only
    from weighbridge.policy.schema import Policy  # noqa: PLC0415  as above

    importlib.import_module("weighbridge.load.numpy_tensors")  # a program has it long before

    def read(model: Path, policy: Path) -> tuple[object, int]:
        artifact = load(model, policy=Policy.from_file(policy))
        tensors = artifact.tensors("numpy")
        return (artifact, tensors), sum(tensor.nbytes for tensor in tensors.values())

    return read


def half() -> Read:
    """Take every other tensor through the gate, and leave the others in their files."""
    from weighbridge.pipeline.load import load  # noqa: PLC0415  as above
    from weighbridge.policy.schema import Policy  # noqa: PLC0415  as above

    importlib.import_module("weighbridge.load.numpy_tensors")
    importlib.import_module("weighbridge.pipeline.leaving")

    def read(model: Path, policy: Path) -> tuple[object, int]:
        artifact = load(model, policy=Policy.from_file(policy), hold="file")
        if "parts-trusted" not in {reason.code for reason in artifact.verdict.reasons}:
            raise ValueError("the files were read whole")
        names = sorted(artifact.tensors("numpy"))[::2]
        tensors = artifact.tensors("numpy", names=names)
        return (artifact, tensors), sum(tensor.nbytes for tensor in tensors.values())

    return read


def safetensors() -> Read:
    """Read with the reference reader for PyTorch, and copy, since what it maps is the file."""
    from safetensors.torch import load_file  # noqa: PLC0415  each way pays for its own imports only

    def read(model: Path, _policy: Path) -> tuple[object, int]:
        tensors = [
            tensor.clone() for path in _weights(model) for tensor in load_file(path).values()
        ]
        return tensors, sum(tensor.nbytes for tensor in tensors)

    return read


def plain() -> Read:
    """Read the bytes into huge pages."""
    return _each_file(_read_plainly)


def as_bytes() -> Read:
    """Read the bytes as Python does it."""
    return _each_file(Path.read_bytes)


def _each_file(take: Callable[[Path], bytes | mmap.mmap]) -> Read:
    """Return what takes the files of weights one by one, by a thread for each core."""

    def read(model: Path, _policy: Path) -> tuple[object, int]:
        buffers: list[bytes | mmap.mmap] = []
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
        return buffers, sum(path.stat().st_size for path in _weights(model))

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


def _prepare(model: Path) -> None:
    """Have memory and the files' pages ready; see above."""
    sizes = [path.stat().st_size for path in _weights(model)]
    # Twice as much, if there is: what is handed out next is then among it.
    wanted = max(sum(sizes) * 9 // 8, min(sum(sizes) * 2, _available_bytes() // 2))
    length = wanted // _HUGE_BYTES * _HUGE_BYTES
    with mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        memory[:: mmap.PAGESIZE] = b"x" * (length // mmap.PAGESIZE)
        if length > _LITTLE_BYTES:
            time.sleep(_SETTLING_SECONDS)
        block = bytearray(_BLOCK_BYTES)
        for path in _weights(model):
            with path.open("rb", buffering=0) as stream:
                while stream.readinto(block):
                    pass
    # The peak is that of the reading (proc(5): 5 resets it).
    Path("/proc/self/clear_refs").write_text("5")


def _available_bytes() -> int:
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return next(int(line[1]) * 1024 for line in lines if line[0] == "MemAvailable:")


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
    _prepare(model)
    before = status_bytes()
    begun = time.perf_counter()
    kept, wanted = read(model, policy)
    seconds = time.perf_counter() - begun
    after = status_bytes()
    sealed = sealed_bytes()
    held = after["RssAnon"] - before["RssAnon"] + sealed
    if held < wanted - _ROUNDING_BYTES:
        raise ValueError(f"only {held} of {wanted} bytes are in memory")
    del kept
    print(
        json.dumps(
            {
                "seconds": seconds,
                "held": held,
                "peak": after["VmHWM"] - after["RssShmem"] + sealed - before["VmRSS"],
            }
        )
    )


if __name__ == "__main__":
    main()
