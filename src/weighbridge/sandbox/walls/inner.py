"""
The last step before the program: keep this very process to its walls, and become the program.

Run by a fresh interpreter without site packages, inside whatever an engine has put up around it.
The order comes through a descriptor. What cannot be enforced ends it: the program is not run.
"""

import json
import os
import signal
import stat
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NoReturn

from weighbridge.sandbox import filters, kernel, landlock, seccomp
from weighbridge.sandbox.walls import bounds, minder
from weighbridge.sandbox.walls.unix_sockets import Meeting

NOT_CONFINED: Final = 125
"""Exit code of a process that could not put up its walls."""

NOT_FOUND: Final = 127
"""Exit code of one that could not become the program, as of shells."""

_FIRST: Final = 3
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
        _fail(NOT_CONFINED, f"the walls cannot be put up: {error.strerror or error}")
    try:
        os.execve(order["program"], order["command"], dict(order["environment"]))  # noqa: S606  what was ordered
    except OSError as error:
        _fail(NOT_FOUND, f"{order['program']}: {error.strerror or error}")


def _confine(order: Mapping[str, Any]) -> None:
    machine = kernel.machine()
    if machine is None:
        raise OSError(0, "the system calls of this architecture are not known")
    if landlock.version() < _LANDLOCK_NEEDED:
        raise OSError(0, f"Landlock {_LANDLOCK_NEEDED} is needed, an older one is there")
    for stream in range(_FIRST):
        _check_stream(stream)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    meeting = Meeting(order["sockets"], partial(_internet, order))
    meeting.restrict()
    parent = minder.fork_minded(order["parent"], meeting, leaves=order["leaves"])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError(0, "the process that started it has ended")
    asks = meeting.ask()
    bounds.join(order["joins"])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.set_inheritable(order["started"], False)
    os.closerange(_FIRST, order["started"])
    os.closerange(order["started"] + 1, _open_files())
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
        signals_confined=landlock.version() >= landlock.SIGNALS_FROM,
    )
    seccomp.install(filters.confining(machine, ways))


def _internet(order: Mapping[str, Any], name: str, address: bytes) -> bool:
    """Tell whether a call of the program may be made with an internet address; see `Meeting`."""
    if order["alone"]:
        return bool(order["listen"] or order["connect"])
    family, port = int.from_bytes(address[:2], sys.byteorder), int.from_bytes(address[2:4], "big")
    return name == "bind" and family != 0 and port in order["listen"]


def _check_stream(number: int) -> None:
    """
    Refuse a standard stream that is a socket with which others could be reached.

    Landlock and a network of one's own do not hold for sockets that were made before.
    """
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return
    except OSError:
        return  # it is closed
    import _socket  # noqa: PLC0415  seldom needed

    stream = _socket.socket(fileno=os.dup(number))
    try:
        if stream.family == _socket.AF_UNIX and stream.type != _socket.SOCK_DGRAM:
            stream.getpeername()
            return
    except OSError:
        pass
    finally:
        stream.close()
    raise OSError(0, f"standard stream {number} is a socket that could reach others")


def _open_files() -> int:
    """Return a number above every open descriptor."""
    return max((int(entry.name) for entry in os.scandir("/proc/self/fd")), default=_FIRST) + 1


def _fail(code: int, reason: str) -> NoReturn:
    sys.stderr.write(f"weighbridge: {reason}\n")
    sys.stderr.flush()
    os._exit(code)
