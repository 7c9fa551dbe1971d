"""
Runs a command with less than its caller has; a program of its own, started by `process`.

It takes the network away where the system lets it (Linux user and network namespaces), bounds
memory, CPU time and file sizes, sees to it that the command ends with its caller, and becomes
the command. It imports nothing of the package: it is run as a script by an isolated interpreter.

Arguments: a file descriptor, four bounds (bytes of memory, seconds of CPU, bytes of a file, the
process id of the caller), and the command. To the descriptor it writes `offline` or `online`;
when the command cannot be started, a line with the reason follows.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def main(arguments: list[str]) -> int:
    """Confine this process and become the command; return only if that fails."""
    descriptor, memory, seconds, size, caller = (int(text) for text in arguments[:5])
    command = arguments[5:]
    os.set_inheritable(descriptor, False)
    offline = _leave_network() if sys.platform == "linux" else False
    os.write(descriptor, b"offline\n" if offline else b"online\n")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() not in {caller, 0}:
            # The caller ended before the line above took effect.
            return 1
    for kind, bound in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, size),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        # macOS refuses to bound the address space; the other bounds hold there all the same.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (allowed, allowed))
    try:
        os.execv(command[0], command)  # noqa: S606  no shell is what is wanted
    except OSError as error:
        os.write(descriptor, f"{error.strerror}\n".encode())
    return 1


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
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
