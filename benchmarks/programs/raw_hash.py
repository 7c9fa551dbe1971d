"""
Hash files as fast as this interpreter can, and do nothing else: the limit to compare with.

`raw_hash.py ALGORITHM WORKERS PATH...`: each large file is read in order by one thread and cut
into regions where there are more workers than files; a directory stands for all its files,
which are shared out evenly. Regions have digests of their own, as in the shards mode. Prints
one JSON object: the seconds that it took without the start of the interpreter.
"""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

BLOCK_BYTES: Final = 512 * 1024


class Hash(Protocol):
    """What hashlib and blake3 have in common."""

    def update(self, data: memoryview, /) -> object:
        """Take *data* in."""

    def digest(self) -> bytes:
        """Return the digest."""


class Region(NamedTuple):
    """The bytes from `start` to `end` of a file."""

    path: str
    start: int
    end: int


def new_hash(algorithm: str) -> Hash:
    """Return a fresh hash of *algorithm*."""
    if algorithm == "blake3":
        import blake3  # noqa: PLC0415  costs time that the other algorithms need not pay

        fresh: Hash = blake3.blake3()
        return fresh
    return hashlib.new(algorithm)


def regions(paths: list[str], *, workers: int) -> Iterator[Region]:
    """Cut the files so that every worker has something to do."""
    files = list(_files(paths))
    for path, size in files:
        parts = 1 if len(files) >= workers else -(-workers // len(files))
        step = max(1, -(-size // parts))
        for start in range(0, size, step):
            yield Region(path, start, min(start + step, size))


def _files(paths: list[str]) -> Iterator[tuple[str, int]]:
    for path in paths:
        if Path(path).is_dir():
            for parent, _, names in os.walk(path):
                yield from ((p, Path(p).stat().st_size) for p in (f"{parent}/{n}" for n in names))
        else:
            yield path, Path(path).stat().st_size


def hash_region(region: Region, algorithm: str, block: memoryview) -> bytes:
    """Return the digest of *region*."""
    state = new_hash(algorithm)
    descriptor = os.open(region.path, os.O_RDONLY)
    try:
        position = region.start
        while position < region.end:
            wanted = min(len(block), region.end - position)
            count = os.preadv(descriptor, [block[:wanted]], position)
            if not count:
                break
            state.update(block[:count])
            position += count
    finally:
        os.close(descriptor)
    return state.digest()


def main() -> None:
    """Hash what the arguments name."""
    algorithm, workers = sys.argv[1], int(sys.argv[2])
    work = sorted(regions(sys.argv[3:], workers=workers), key=lambda r: r.start - r.end)

    def share(number: int) -> None:
        block = memoryview(bytearray(BLOCK_BYTES))
        for region in work[number::workers]:
            hash_region(region, algorithm, block)

    new_hash(algorithm)  # imports what it takes
    begun = time.perf_counter()
    threads = [threading.Thread(target=share, args=(number,)) for number in range(1, workers)]
    for thread in threads:
        thread.start()
    share(0)
    for thread in threads:
        thread.join()
    print(json.dumps({"seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
