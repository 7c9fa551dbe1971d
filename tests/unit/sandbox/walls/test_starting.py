"""How a started engine is waited for."""

import os
import signal
from collections.abc import Iterator

import pytest

from weighbridge.core.errors import IsolationError
from weighbridge.sandbox.walls.starting import Running


@pytest.fixture
def news() -> Iterator[int]:
    """Return where nobody tells of a start."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader
    os.close(reader)
    os.close(writer)


@pytest.fixture
def heeded() -> Iterator[None]:
    """Take what is sent before somebody waits, or after."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("heeded")
def test_who_is_asked_to_end_before_the_program_is_there_ends(news: int) -> None:
    """That is no failure of the walls, and there is nothing to be run any more."""
    script = "while :; do kill -TERM $PPID; done"
    running = Running(("/bin/sh", "-c", script), descriptors=(), news=news)
    assert running.wait(running.signal) == 128 + signal.SIGTERM


def test_an_engine_that_starts_nothing_has_failed(news: int) -> None:
    """Whatever it ends with."""
    running = Running(("/bin/true",), descriptors=(), news=news)
    with pytest.raises(IsolationError, match="the program was not run"):
        running.wait(running.signal)
