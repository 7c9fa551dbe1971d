"""
Landlock: an unprivileged process gives up the file system, but for places that it may use.

TCP, signals and abstract sockets are given up as well where the kernel knows how; what Landlock
does not see of the network (UDP, MPTCP, unix sockets), `seccomp` refuses. See
https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import stat
from struct import pack

from weighbridge.sandbox import kernel

# Not imported from `typing`: see `kernel`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1
_NET_PORT: Final = 2
_EXECUTE: Final = 1 << 0
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_OF_FILES: Final = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
"""Rights that mean something for what is no directory: execute, write, read, truncate, ioctl."""
_MAKE_SOCKET: Final = 1 << 9
_REFER: Final = 1 << 13
_SPECIAL: Final = 1 << 6 | 1 << 11 | 1 << 15
"""Making device nodes, and ioctls on devices."""
_DEVICE: Final = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 14 | 1 << 15

_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""Kernel interface version to the number of file rights that it knows; older ones know fewer."""

_NET_FROM: Final = 4
_NET_RIGHTS: Final = 3
_BIND: Final = 1
_CONNECT: Final = 2
SIGNALS_FROM: Final = 6
"""The version that keeps signals and connections to abstract sockets inside."""
_SCOPES: Final = 3


def version() -> int:
    """
    Return the version of the kernel's interface.

    Raises:
        OSError: It has none, or refuses.
    """
    return kernel.syscall(kernel.require_number("landlock_create_ruleset"), None, 0, _VERSION_FLAG)


def restrict(readable: tuple[str, ...]) -> None:
    """
    Give up all files, but for reading below the directories *readable*.

    `PR_SET_NO_NEW_PRIVS` has to be set before. Directories that do not exist are left out.

    Raises:
        OSError: The kernel refuses.
    """
    _restrict([(place, _READ_FILE | _READ_DIR, True) for place in readable], ports=())


def restrict_step(
    *,
    readable: Iterable[str],
    writable: Iterable[str],
    devices: Iterable[str] = (),
    listable: Iterable[str] = (),
    ports: Iterable[int] = (),
    own_ports: Iterable[int] = (),
    tcp: bool = True,
    sockets: bool = True,
) -> None:
    """
    Give up all files, but for those below the places that are given, each a directory or a file.

    Files below *readable* can be read and run, those below *writable* made and changed as well,
    *devices* read, written and controlled; directories below *listable* can be listed. TCP is
    left for connections to *ports* and for being reached at *own_ports*, where the kernel knows
    how to tell; ask `version` before. Without *tcp* nothing is said about TCP: for a network in
    which nobody is. Without *sockets* Unix sockets are not made below *writable* either, nor given
    other names: one of somebody else could get a name where connections are allowed.

    `PR_SET_NO_NEW_PRIVS` has to be set before. Places that do not exist are left out.

    Raises:
        OSError: The kernel refuses.
    """
    everything = _file_rights(version())
    reading = _EXECUTE | _READ_FILE | _READ_DIR
    places = [(place, reading, False) for place in readable]
    special = _SPECIAL if sockets else _SPECIAL | _MAKE_SOCKET
    places += [(place, everything & ~special, False) for place in writable]
    places += [(place, _READ_DIR, True) for place in listable]
    places += [(place, everything & _DEVICE, False) for place in devices]
    rules = [(port, _CONNECT) for port in ports] + [(port, _BIND) for port in own_ports]
    _restrict(places, ports=rules, tcp=tcp)


def restrict_sockets(directory: str) -> None:
    """
    Give up making Unix sockets, but below *directory*; everything else stays.

    `PR_SET_NO_NEW_PRIVS` has to be set before.

    Raises:
        OSError: The kernel refuses.
    """
    # Renaming from one directory to another is given up by every ruleset that does not list it.
    handled = _MAKE_SOCKET | _REFER
    attributes = pack("=Q", handled)
    ruleset = kernel.syscall(
        kernel.require_number("landlock_create_ruleset"),
        ctypes.create_string_buffer(attributes, len(attributes)),
        len(attributes),
        0,
    )
    try:
        _allow(ruleset, "/", _REFER, directory=True)
        _allow(ruleset, directory, handled, directory=True)
        kernel.syscall(kernel.require_number("landlock_restrict_self"), ruleset, 0)
    finally:
        os.close(ruleset)


def _restrict(
    places: Iterable[tuple[str, int, bool]],
    *,
    ports: Iterable[tuple[int, int]],
    tcp: bool = True,
) -> None:
    """Keep this process to *places*, each with its rights and whether it is to be a directory."""
    known = version()
    attributes = pack("=Q", _file_rights(known))
    if known >= _NET_FROM:
        attributes += pack("=Q", _NET_RIGHTS if tcp else 0)
    if known >= SIGNALS_FROM:
        attributes += pack("=Q", _SCOPES)
    ruleset = kernel.syscall(
        kernel.require_number("landlock_create_ruleset"),
        ctypes.create_string_buffer(attributes, len(attributes)),
        len(attributes),
        0,
    )
    try:
        for place, rights, directory in places:
            _allow(ruleset, place, rights, directory=directory)
        for port, right in ports if tcp and known >= _NET_FROM else ():
            _add(ruleset, _NET_PORT, pack("=QQ", right, port))
        kernel.syscall(kernel.require_number("landlock_restrict_self"), ruleset, 0)
    finally:
        os.close(ruleset)


def _file_rights(known: int) -> int:
    return (1 << max(count for first, count in _FILE_RIGHTS.items() if first <= known)) - 1


def _allow(ruleset: int, place: str, rights: int, *, directory: bool) -> None:
    try:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC | (os.O_DIRECTORY if directory else 0))
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        _add(ruleset, _PATH_BENEATH, pack("=Qi", rights, opened))
    finally:
        os.close(opened)


def _add(ruleset: int, kind: int, rule: bytes) -> None:
    kernel.syscall(
        kernel.require_number("landlock_add_rule"),
        ruleset,
        kind,
        ctypes.create_string_buffer(rule, len(rule)),
        0,
    )
