"""
Runs a command with less than its caller has; the last step before it, started by `process`.

Where the system has Landlock and filters for system calls, the command reads its installation, the
system and the artifact, writes to its own directory, has no network, and reaches no process; where
it has not, the network is taken away by namespaces if they can be had. Memory, CPU time and file
sizes are bounded, and the command ends with its caller.

The order comes through a descriptor. To another one it writes `confined`, `offline` or `online`;
when the command cannot be started, a line with the reason follows.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from weighbridge.sandbox import filters, kernel, landlock, seccomp
from weighbridge.sandbox.places import OF_ITSELF, OF_THE_MACHINE
from weighbridge.sandbox.resources import NO_CORE, lower

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_TRUNCATES_FROM: Final = 3
"""The version of Landlock without which files could be emptied."""
_READING: Final = frozenset({1, 2})
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root reads a model of whomever; Landlock limits it."""
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def main(order: int, status: int) -> int:
    """Confine this process by the *order* and become the command; return only if that fails."""
    with os.fdopen(order, "rb") as file:
        wanted = json.loads(file.read())
    os.set_inheritable(status, False)
    offline = _leave_network() if sys.platform == "linux" else False
    if sys.platform == "linux":
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if os.getppid() not in {wanted["caller"], 0}:
            # The caller ended before the line above took effect.
            return 1
    for kind, bound in (
        (resource.RLIMIT_AS, wanted["memory"]),
        (resource.RLIMIT_CPU, wanted["seconds"]),
        (resource.RLIMIT_FSIZE, wanted["size"]),
        (resource.RLIMIT_CORE, NO_CORE),
    ):
        # macOS refuses to bound the address space; the other bounds hold there all the same.
        with contextlib.suppress(ValueError, OSError):
            lower(kind, bound)
    try:
        confined = sys.platform == "linux" and _confine(wanted)
    except OSError as error:
        os.write(status, f"online\nit cannot be confined: {error.strerror or error}\n".encode())
        return 1
    os.write(status, b"confined\n" if confined else b"offline\n" if offline else b"online\n")
    command: list[str] = wanted["command"]
    try:
        os.execv(command[0], command)  # noqa: S606  no shell is what is wanted
    except OSError as error:
        os.write(status, f"{error.strerror}\n".encode())
    return 1


def _confine(wanted: Mapping[str, Any]) -> bool:
    """
    Keep this process to what it needs, where the system has what that takes; tell whether.

    Raises:
        OSError: The system refuses what it says to have; some of it may hold by then.
    """
    machine = kernel.machine()
    try:
        known = landlock.version()
    except OSError:
        return False
    if machine is None or known < _TRUNCATES_FROM or not seccomp.is_available():
        return False
    ways = filters.Ways(
        unix=wanted["asks_a_service"],
        connecting=wanted["asks_a_service"],
        signals_confined=known >= landlock.SIGNALS_FROM,
    )
    kernel.keep_capabilities(_READING)
    landlock.restrict_step(
        readable=(*wanted["readable"], *OF_THE_MACHINE, *OF_ITSELF),
        writable=(wanted["home"],),
        devices=_DEVICES,
    )
    seccomp.install(filters.confining(machine, ways))
    return True


def _leave_network() -> bool:
    """Move to a network namespace that has nothing in it; tell whether the system let us."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    with contextlib.suppress(OSError):
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    return True


def _write(path: str, text: str) -> None:
    Path(path).write_text(text, "ascii")
