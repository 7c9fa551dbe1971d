"""Verified bytes by the path of a descriptor: they last as the held file does, and nothing follows."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from weighbridge.load.guard.serving import Descriptors
from weighbridge.load.held import HeldFile
from weighbridge.load.memfd import (
    Descriptor,
    create_memory_file,
    seal_memory_file,
    write_memory_file,
)
from weighbridge.load.memory import InlineMemory

DATA = b"verified"


def sealed() -> HeldFile:
    """Return a held file in sealed memory."""
    descriptor = create_memory_file(len(DATA))
    assert isinstance(descriptor, Descriptor)
    write_memory_file(descriptor, DATA, offset=0)
    return HeldFile(seal_memory_file(descriptor, size=len(DATA)))


def inline() -> HeldFile:
    """Return a held file that is copied to be given out."""
    return HeldFile(InlineMemory(DATA))


@pytest.mark.parametrize("make", [sealed, inline])
def test_bytes_go_with_the_held_file(make: Callable[[], HeldFile]) -> None:
    """A path leads to the bytes while they are held, then to nothing, and never elsewhere."""
    descriptors = Descriptors()
    held = make()
    path = Path(descriptors.path(held))
    assert path.read_bytes() == DATA
    assert descriptors.owns(int(path.name))
    del held
    for _ in range(4):
        # This thread has opened the first one long ago.
        descriptors.path(inline())
    gc.collect()
    assert path.read_bytes() == b""
    assert not descriptors.owns(int(path.name))
    another = os.open(os.devnull, os.O_RDONLY)
    os.close(another)
    assert another != int(path.name)


@pytest.mark.parametrize("make", [sealed, inline])
def test_what_a_thread_was_given_last_is_kept(make: Callable[[], HeldFile]) -> None:
    """A path can be opened by whoever was just given it, though its file was let go meanwhile."""
    descriptors = Descriptors()
    path = Path(descriptors.path(make()))
    gc.collect()
    assert path.read_bytes() == DATA


def test_a_held_file_has_one_path() -> None:
    """Asked again, the same file has the same path, and an open file stays known as verified."""
    descriptors = Descriptors()
    held = sealed()
    path = descriptors.path(held)
    assert descriptors.path(held) == path
    with open(path, "rb") as file:  # noqa: PTH123  as a loader does
        del held
        for _ in range(4):
            descriptors.path(inline())
        assert descriptors.owns(file.fileno())
        assert file.read() == DATA
