"""
The last step before the program: keep this very process to its walls, and become the program.

Run by a fresh interpreter without site packages, inside whatever an engine has put up around it.
The order comes through a descriptor. What cannot be enforced ends it: the program is not run.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NoReturn

from weighbridge.sandbox import filters, kernel, landlock, seccomp
from weighbridge.sandbox.walls import bounds, minder
from weighbridge.sandbox.walls.inherited import check_streams, close_all_but
from weighbridge.sandbox.walls.unix_sockets import Meeting

NOT_CONFINED: Final = 125
"""Exit code of a process that could not put up its walls."""

NOT_FOUND: Final = 127
"""Exit code of one that could not become the program, as of shells."""

_LANDLOCK_NEEDED: Final = 3
"""The version that knows truncation; older ones would let files be emptied."""


def main(descriptor: int) -> NoReturn:
    """Read the order from *descriptor*, put up the walls, and become the program."""
    with os.fdopen(descriptor, "rb") as file:
        order = json.loads(file.read())
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
    machine = kernel.machine()
    if machine is None:
        raise OSError(0, "the system calls of this architecture are not known")
    if landlock.version() < _LANDLOCK_NEEDED:
        raise OSError(0, f"Landlock {_LANDLOCK_NEEDED} is needed, an older one is there")
    check_streams()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    meeting = Meeting(order["sockets"], partial(_internet, order))
    meeting.restrict()
    parent = minder.fork_minded(order["parent"], meeting, leaves=order["leaves"])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    minder.require_parent(parent)
    asks = meeting.ask()
    bounds.join(order["joins"])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.set_inheritable(order["started"], False)
    close_all_but(order["started"])
    os.umask(0o077)
    os.chdir(order["directory"])
    bounds.limit(order["limits"])
    kernel.drop_capabilities()
    bounds.require_counted(order["limits"])
    listen = order["listen"]
    network = bool(listen or order["connect"])
    landlock.restrict_step(
        readable=order["readable"],
        writable=order["writable"],
        devices=order["devices"],
        own_ports=listen,
        tcp=not (network and order["alone"]),
    )
    ways = filters.Ways(
        network=network,
        connecting=network and order["alone"],
        listening=bool(listen),
        asking=asks,
        alone=order["alone"],
        devices=order["gpus"],
        signals_confined=landlock.version() >= landlock.SIGNALS_FROM,
    )
    seccomp.install(filters.confining(machine, ways))


def _internet(order: Mapping[str, Any], name: str, address: bytes) -> bool:
    """Tell whether a call of the program may be made with an internet address; see `Meeting`."""
    if order["alone"]:
        return bool(order["listen"] or order["connect"])
    family, port = int.from_bytes(address[:2], sys.byteorder), int.from_bytes(address[2:4], "big")
    return name == "bind" and family != 0 and port in order["listen"]


def fail(code: int, reason: str) -> NoReturn:
    """Say why the program is not run, and end."""
    sys.stderr.write(f"weighbridge: {reason}\n")
    sys.stderr.flush()
    os._exit(code)
