"""
The last step before the program: keep this very process to its walls, and become the program.

Run by a fresh interpreter without site packages, inside whatever an engine has put up around it.
The order comes through a descriptor. What cannot be enforced ends it: the program is not run.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` imports enumerations
import marshal
import os
import sys

from weighbridge.sandbox import kernel, landlock
from weighbridge.sandbox.install import install
from weighbridge.sandbox.walls import bounds, minder
from weighbridge.sandbox.walls.inherited import (
    check_streams,
    close_all_but,
    leave_terminal,
)
from weighbridge.sandbox.walls.listening import allowed
from weighbridge.sandbox.walls.unix_sockets import Meeting

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final, NoReturn

NOT_CONFINED: Final = 125
"""Exit code of a process that could not put up its walls."""

NOT_FOUND: Final = 127
"""Exit code of one that could not become the program, as of shells."""

_LANDLOCK_NEEDED: Final = 3
"""The version that knows truncation; older ones would let files be emptied."""


def main(descriptor: int) -> NoReturn:
    """Read the order from *descriptor*, put up the walls, and become the program."""
    with os.fdopen(descriptor, "rb") as file:
        order = marshal.loads(file.read())  # noqa: S302  of the process that started this one
    try:
        _confine(order)
        # Whoever waits knows from this that what ends now is the program.
        os.write(order["started"], b"started")
    except OSError as error:
        fail(NOT_CONFINED, f"the walls cannot be put up: {error.strerror or error}")
    try:
        os.execve(order["program"], order["command"], dict(order["environment"]))  # noqa: S606  what was ordered
    except OSError as error:
        fail(NOT_FOUND, f"{order['program']}: {error.strerror or error}")


def _confine(order: Mapping[str, Any]) -> None:
    if landlock.version() < _LANDLOCK_NEEDED:
        raise OSError(0, f"Landlock {_LANDLOCK_NEEDED} is needed, an older one is there")
    check_streams()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    listen, alone = order["listen"], order["alone"]
    network = bool(listen or order["connect"])

    def internet(name: str, address: bytes) -> Iterable[bytes]:
        if alone:
            # At a port of a place that it may connect to, all addresses are not to be had.
            own = allowed(name, address, [(port, None) for port, _ in listen])
            return (address, *own) if network else ()
        return () if name == "connect" else allowed(name, address, listen)

    # Where others are, addresses count as well as ports, and a port that the kernel chooses.
    kept = bool(listen) and not alone
    meeting = Meeting(order["sockets"], internet, listening=kept)
    meeting.restrict()
    parent = minder.fork_minded(order["parent"], meeting, leaves=order["leaves"])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, _signal.SIGKILL)
    minder.require_parent(parent)
    asks = meeting.ask()
    if kept and not asks:
        raise OSError(0, "the kernel cannot say at which address the program listens")
    if order["interfaces"] and not asks:
        raise OSError(0, "the kernel cannot say what a socket that asks for interfaces is bound to")
    _wait_for(order["gate"])
    bounds.join(order["joins"])
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    os.set_inheritable(order["started"], False)
    close_all_but(order["started"])
    leave_terminal()
    os.umask(0o077)
    os.chdir(order["directory"])
    bounds.limit(order["limits"])
    kernel.drop_capabilities()
    bounds.require_counted(order["limits"])
    landlock.restrict_step(
        readable=order["readable"],
        writable=order["writable"],
        devices=order["devices"],
        own_ports=[port for port, _ in listen],
        tcp=not (network and alone),
        # They are made by the broker, which is outside of this.
        sockets=False,
    )
    install(order["filters"]["asking" if asks else "refusing"])


def _wait_for(gate: int | None) -> None:
    """
    Wait for those that the program needs from its first moment on.

    Raises:
        OSError: Whoever was to say that they are there has ended, and will not.
    """
    if gate is not None and not os.read(gate, 1):
        raise OSError(0, "what carries its connections is not there")


def fail(code: int, reason: str) -> NoReturn:
    """Say why the program is not run, and end."""
    sys.stderr.write(f"weighbridge: {reason}\n")
    sys.stderr.flush()
    os._exit(code)
