"""Attempts at the terminal."""

import contextlib
import fcntl
import struct
from typing import Any

from support.escapes.attempts.listing import Refused, action


@action
def type_into_terminal(where: dict[str, Any]) -> None:
    """Put characters into the terminal's input."""
    fcntl.ioctl(where["terminal"], 0x5412, b"#")


@action
def type_into_console(where: dict[str, Any]) -> None:
    """Control a terminal as only its owner should: its discipline, its keys, its selection."""
    for request in (0x5423, 0x4B49, 0x541C):
        with contextlib.suppress(OSError):
            fcntl.ioctl(where["terminal"], request, struct.pack("i", 0) + bytes(600))
            return
    raise Refused("none of it")
