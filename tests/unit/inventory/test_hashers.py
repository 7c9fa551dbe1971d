"""Hash functions: the same digests by however many threads, and threads that are made once."""

import hashlib
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import blake3
import pytest

from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.limits.units import MIB
from weighbridge.inventory.hashers import new_hasher
from weighbridge.inventory.parts import PartHasher

DATA = os.urandom(5 * MIB + 1)


def replace_blake3(monkeypatch: pytest.MonkeyPatch, make: Callable[..., object]) -> None:
    """Have *make* make every BLAKE3."""
    package: Any = ModuleType("blake3")
    package.blake3 = make
    monkeypatch.setitem(sys.modules, "blake3", package)


@pytest.mark.parametrize("algorithm", [HashAlgorithm.BLAKE3, HashAlgorithm.SHA256])
def test_parts_are_hashed_by_the_same_threads(
    algorithm: HashAlgorithm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part has its own digest, and no threads are made for it."""
    made: list[int] = []

    def make(*, max_threads: int) -> object:
        made.append(max_threads)
        return blake3.blake3(max_threads=max_threads)

    replace_blake3(monkeypatch, make)
    parts = PartHasher(HashLayout(algorithm, 2 * MIB), threads=2)
    parts.update(memoryview(DATA))
    digest = blake3.blake3 if algorithm is HashAlgorithm.BLAKE3 else hashlib.sha256
    assert [part.value for part in parts.finish()] == [
        digest(DATA[at : at + 2 * MIB]).digest() for at in range(0, len(DATA), 2 * MIB)
    ]
    assert made == ([2] if algorithm is HashAlgorithm.BLAKE3 else [])


class PanicException(BaseException):
    """What a panic in Rust is here: its own is in no module."""


@pytest.mark.parametrize("error", [PanicException, KeyboardInterrupt])
def test_a_system_without_threads(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can be made, this one hashes; an interrupt is one."""

    def make(*, max_threads: int) -> object:
        if max_threads > 1:
            raise error
        return blake3.blake3(max_threads=max_threads)

    replace_blake3(monkeypatch, make)
    if error is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            new_hasher(HashAlgorithm.BLAKE3, threads=2)
        return
    hasher = new_hasher(HashAlgorithm.BLAKE3, threads=2)
    hasher.update(DATA)
    assert hasher.digest() == blake3.blake3(DATA).digest()
