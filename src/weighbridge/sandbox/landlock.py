"""
Landlock: an unprivileged process gives up the file system, but for directories it may read.

TCP, signals and abstract sockets are given up as well where the kernel knows how; what Landlock
does not see of the network (UDP, MPTCP, unix sockets), `seccomp` refuses. See
https://docs.kernel.org/userspace-api/landlock.html.
"""

import ctypes
import os
from struct import pack
from typing import Final

from weighbridge.sandbox import kernel

_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3

_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""Kernel interface version to the number of file rights that it knows; older ones know fewer."""

_NET_FROM: Final = 4
_NET_RIGHTS: Final = 3
_SCOPES_FROM: Final = 6
_SCOPES: Final = 3


def version() -> int:
    """
    Return the version of the kernel's interface.

    Raises:
        OSError: It has none, or refuses.
    """
    return kernel.syscall(kernel.LANDLOCK_CREATE_RULESET, None, 0, _VERSION_FLAG)


def restrict(readable: tuple[str, ...]) -> None:
    """
    Give up all files, but for reading below the directories *readable*.

    `PR_SET_NO_NEW_PRIVS` has to be set before. Directories that do not exist are left out.

    Raises:
        OSError: The kernel refuses.
    """
    known = version()
    files = (1 << max(count for first, count in _FILE_RIGHTS.items() if first <= known)) - 1
    attributes = pack("=Q", files)
    if known >= _NET_FROM:
        attributes += pack("=Q", _NET_RIGHTS)
    if known >= _SCOPES_FROM:
        attributes += pack("=Q", _SCOPES)
    ruleset = kernel.syscall(
        kernel.LANDLOCK_CREATE_RULESET,
        ctypes.create_string_buffer(attributes, len(attributes)),
        len(attributes),
        0,
    )
    try:
        for place in readable:
            _allow(ruleset, place)
        kernel.syscall(kernel.LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, place: str) -> None:
    try:
        directory = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = pack("=Qi", _READ_FILE | _READ_DIR, directory)
        kernel.syscall(
            kernel.LANDLOCK_ADD_RULE,
            ruleset,
            _PATH_BENEATH,
            ctypes.create_string_buffer(rule, len(rule)),
            0,
        )
    finally:
        os.close(directory)
