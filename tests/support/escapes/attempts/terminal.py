"""Attempts at the terminal."""

import contextlib
import fcntl
import os
import struct
from typing import Any

from support.escapes.attempts.listing import Refused, action


@action
def type_into_terminal(where: dict[str, Any]) -> None:
    """Put characters into the terminal's input."""
    fcntl.ioctl(where["terminal"], 0x5412, b"#")


@action
def others_terminal(where: dict[str, Any]) -> None:
    """Open another terminal of the user, to read what is typed there and to write to it."""
    os.close(os.open(where["terminal_name"], os.O_RDWR | os.O_NOCTTY))


@action
def type_into_console(where: dict[str, Any]) -> None:
    """Control a terminal as only its owner should: its discipline, its keys, its selection."""
    for request in (0x5423, 0x4B49, 0x541C):
        with contextlib.suppress(OSError):
            fcntl.ioctl(where["terminal"], request, struct.pack("i", 0) + bytes(600))
            return
    raise Refused("none of it")
