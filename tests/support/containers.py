"""
Surroundings that allow no namespaces, as containers are: run a program in one of them.

    python containers.py SURROUNDING... -- COMMAND...
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from weighbridge.sandbox import bpf, kernel, seccomp
from weighbridge.sandbox.numbers import number

DOCKER = (
    *("acct", "add_key", "bpf", "clock_settime", "delete_module", "fanotify_init", "fchroot"),
    *("file_setattr", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "init_module"),
    *("io_uring_setup", "ioperm", "iopl", "kexec_file_load", "kexec_load", "keyctl", "listns"),
    *("mount", "mount_setattr", "move_mount", "open_by_handle_at", "open_tree"),
    *("open_tree_attr", "perf_event_open", "pidfd_getfd", "pivot_root", "quotactl"),
    *("quotactl_fd", "reboot", "request_key", "setdomainname", "sethostname", "setns"),
    *("settimeofday", "swapoff", "swapon", "syslog", "umount2", "unshare", "userfaultfd"),
)
"""
What Docker's default profile refuses to a container with the default capabilities, of all calls
that filters of ours know; besides these, `clone` with flags for namespaces, and sockets of two
families. It says that there is no `clone3`.
"""

_NEW_NAMESPACES = 0x7E020000
_NEW_USER = 0x10000000
_ALG, _VSOCK = 38, 40


def _docker(machine: str) -> list[bytes]:
    refuse, pass_on = bpf.result(bpf.REFUSE), bpf.result(bpf.ALLOW)
    return [
        *(bpf.when(number(name, machine), refuse) for name in DOCKER),
        bpf.when(number("clone3", machine), bpf.result(bpf.UNKNOWN)),
        bpf.when(
            number("clone", machine),
            bpf.argument(0),
            bpf.line(bpf.SET, _NEW_NAMESPACES, other=1),
            refuse,
            pass_on,
        ),
        bpf.when(
            number("socket", machine),
            bpf.argument(0),
            *(bpf.line(bpf.EQUAL, family, other=1) + refuse for family in (_ALG, _VSOCK)),
            pass_on,
        ),
    ]


def _without_landlock(machine: str) -> list[bytes]:
    return [bpf.when(number("landlock_create_ruleset", machine), bpf.result(bpf.UNKNOWN))]


def _without_namespaces() -> None:
    """Enter a user namespace in which no other one can be made, as the same user."""
    machine = kernel.machine()
    assert machine is not None
    user, group = os.geteuid(), os.getegid()
    unshare = number("unshare", machine)
    assert unshare is not None
    kernel.syscall(unshare, _NEW_USER)
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    Path("/proc/sys/user/max_user_namespaces").write_text("0", "ascii")


_FILTERS = {"docker": _docker, "without-landlock": _without_landlock}
SURROUNDINGS = ("docker", "without-namespaces")
"""Those that allow no namespaces, each in its own way."""


def within(*surroundings: str) -> tuple[str, ...]:
    """Return what to put before a command so that it is run there."""
    return (sys.executable, __file__, *surroundings, "--")


def main(arguments: Sequence[str]) -> None:
    """Put up the surroundings and become the command."""
    end = arguments.index("--")
    machine = kernel.machine()
    assert machine is not None
    if "without-namespaces" in arguments[:end]:
        _without_namespaces()
    lines = [line for name in arguments[:end] for line in _FILTERS.get(name, lambda _: [])(machine)]
    if lines:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        head = bpf.line(bpf.LOAD, bpf.NUMBER)
        seccomp.install(b"".join([head, *lines, bpf.result(bpf.ALLOW)]))
    os.execv(arguments[end + 1], [*arguments[end + 1 :]])


if __name__ == "__main__":
    main(sys.argv[1:])
