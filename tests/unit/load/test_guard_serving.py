"""Verified bytes by the path of a descriptor: they last as the held file does, and nothing follows."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from weighbridge.load.guard import serving
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


def test_a_thread_that_comes_second_takes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that want one file at once get one path, and neither an empty file."""
    descriptors, held = Descriptors(), inline()
    copy, others = serving._copy, []

    def copying(given: HeldFile) -> Descriptor:
        monkeypatch.setattr(serving, "_copy", copy)
        others.append(descriptors.path(held))
        return copy(given)

    monkeypatch.setattr(serving, "_copy", copying)
    path = descriptors.path(held)
    assert others == [path]
    assert Path(path).read_bytes() == DATA


@pytest.mark.parametrize("make", [sealed, inline])
def test_a_process_that_loads_for_ever_has_descriptors(
    make: Callable[[], HeldFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers lead to other verified bytes after a while, and in between to nothing."""
    monkeypatch.setattr(serving, "GUARD_RESTING_NUMBERS", 3)
    descriptors = Descriptors()
    before = len(list(Path("/proc/self/fd").iterdir()))
    paths = []
    for _ in range(50):
        paths.append(descriptors.path(make()))
        assert Path(paths[-1]).read_bytes() == DATA
        for path in paths:
            assert Path(path).read_bytes() in {b"", DATA}
    assert all(Path(path).read_bytes() == b"" for path in set(paths) - set(paths[-4:]))
    assert len(list(Path("/proc/self/fd").iterdir())) - before < 16
