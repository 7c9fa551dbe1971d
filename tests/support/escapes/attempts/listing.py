"""How attempts are listed, and what they share."""

import contextlib
import ctypes
import os
import socket
from collections.abc import Callable
from typing import Any, Final

LIBRARY: Final = ctypes.CDLL(None, use_errno=True)
X86: Final = os.uname().machine == "x86_64"
SECONDS: Final = 20

Action = Callable[[dict[str, Any]], None]
ACTIONS: Final[dict[str, Action]] = {}


class Refused(Exception):  # noqa: N818  it is no error of this program
    """The action did not work."""


def action(function: Action) -> Action:
    """List *function* under its name."""
    ACTIONS[function.__name__.replace("_", "-")] = function
    return function


def call(x86: int, arm: int, *arguments: Any) -> int:
    """Make a system call by its number."""
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(LIBRARY.syscall(ctypes.c_long(x86 if X86 else arm), *values))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def talk(family: int, kind: int, address: Any, protocol: int = 0) -> None:
    """Connect to *address* and send something."""
    with socket.socket(family, kind, protocol) as client:
        client.settimeout(SECONDS)
        client.connect(address)
        # Whoever listens has seen it by now, and may have hung up.
        with contextlib.suppress(ConnectionError):
            client.sendall(b"escaped")
