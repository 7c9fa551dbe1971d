"""The hash functions, made ready; all are a library's."""

import hashlib
import os
from typing import Protocol, cast

from weighbridge.core.digest import HashAlgorithm


class Hasher(Protocol):
    """A running hash; `update` releases the interpreter lock for blocks of some size."""

    def update(self, data: memoryview | bytes, /) -> object:
        """Add *data*."""
        ...

    def digest(self) -> bytes:
        """Return the digest of everything added so far."""
        ...


def new_hasher(algorithm: HashAlgorithm, *, threads: int = 1) -> Hasher:
    """
    Return a fresh hash.

    Args:
        algorithm: Which.
        threads: How many threads one `update` may use; only BLAKE3 can use more than one.
    """
    match algorithm:
        case HashAlgorithm.SHA256:
            return hashlib.sha256()
        case HashAlgorithm.BLAKE2B:
            return hashlib.blake2b()
        case HashAlgorithm.BLAKE3:
            return _new_blake3(threads)


def renew(hasher: Hasher, algorithm: HashAlgorithm, /) -> Hasher:
    """
    Return a fresh hash in the place of *hasher*, which is one of *algorithm* and at its end.

    It uses as many threads. BLAKE3 has them in a pool of its own, which takes longer to be made
    than a part of a file to be hashed: it goes on with the same.
    """
    if algorithm is not HashAlgorithm.BLAKE3:
        return new_hasher(algorithm)
    cast("_Resettable", hasher).reset()
    return hasher


class _Resettable(Protocol):
    def reset(self) -> object:
        """Forget what was added."""
        ...


def _new_blake3(threads: int) -> Hasher:
    import blake3  # noqa: PLC0415  40 % of signatures never need the extension module

    try:
        return cast("Hasher", blake3.blake3(max_threads=threads))
    except BaseException as error:  # a panic in Rust is no `Exception`
        if threads == 1 or type(error).__name__ != "PanicException":
            raise
    # The system has no threads left. One hashes as well, and to the same digest.
    return cast("Hasher", blake3.blake3(max_threads=1))


def available_cores() -> int:
    """Return how many cores this process may use; affinity counts, not what the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
