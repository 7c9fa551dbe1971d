"""Attempts at more than what was allowed of disk, memory and processes."""

import os
import signal
import tempfile
from typing import Any

from support.escapes.attempts.listing import action


@action
def fill_disk(where: dict[str, Any]) -> None:
    """Write more to the own temporary directory than was allowed."""
    with tempfile.TemporaryFile() as file:
        block = bytes(1 << 20)
        for _ in range(where["disk_mib"] + 1):
            file.write(block)
        file.flush()


@action
def fill_memory(where: dict[str, Any]) -> None:
    """Take and touch more memory than was allowed."""
    taken = [bytearray(os.urandom(1) * (1 << 20)) for _ in range(where["memory_mib"] + 1)]
    del taken


@action
def fork_bomb(where: dict[str, Any]) -> None:
    """Start more processes than were allowed; they wait and end."""
    started: list[int] = []
    try:
        for _ in range(where["processes"] + 1):
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            started.append(child)
    finally:
        for each in started:
            os.kill(each, signal.SIGKILL)
            os.waitpid(each, 0)
